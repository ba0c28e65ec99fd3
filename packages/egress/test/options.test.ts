import { failureOf } from '@tenon/core/testing';
import { createCheckedConnector, createEgress, type EgressOptions } from '@tenon/egress';
import { describe, expect, it } from 'vitest';

describe('an option', () => {
  it.each<readonly [keyof EgressOptions, number, number]>([
    ['resolveTimeoutMs', 1, 60_000],
    ['resolutionTtlMs', 0, 300_000],
    ['connectTimeoutMs', 1, 120_000],
    ['attemptDelayMs', 10, 10_000],
    ['headersTimeoutMs', 1, 600_000],
    ['bodyTimeoutMs', 1, 600_000],
    ['timeoutMs', 1, 3_600_000],
    ['maxBodyBytes', 0, 1_073_741_824],
    ['maxHeaderBytes', 1_024, 1_048_576],
    ['maxRedirects', 0, 10],
    ['maxConnectionsPerOrigin', 1, 10_000],
    ['maxWaitingPerOrigin', 0, 100_000],
    ['maxIdleConnections', 0, 10_000],
    ['keepAliveMs', 0, 600_000],
    ['maxConnectionAgeMs', 1, 86_400_000],
  ])('%s is from %d to %d', async (option, least, most) => {
    for (const value of [least, most]) await createEgress({ [option]: value }).close();
    for (const value of [least - 1, most + 1, 1.5, Number.NaN]) {
      expect(await failureOf(() => createEgress({ [option]: value }))).toMatchObject({
        code: 'EGRESS_OPTIONS_INVALID',
        details: { option, least, most },
      });
    }
  });

  it('of the connector is checked as well', async () => {
    expect((await failureOf(() => createCheckedConnector({ connectTimeoutMs: 0 }))).code).toBe(
      'EGRESS_OPTIONS_INVALID',
    );
  });
});

describe('without options', () => {
  it('nothing inside is reached, and nothing that is no https', async () => {
    const egress = createEgress();
    expect((await failureOf(egress.request({ url: 'https://127.0.0.1/' }))).code).toBe('EGRESS_ADDRESS_FORBIDDEN');
    expect((await failureOf(egress.request({ url: 'https://localhost/' }))).code).toBe('EGRESS_ADDRESS_FORBIDDEN');
    expect((await failureOf(egress.request({ url: 'http://example.com/' }))).code).toBe('EGRESS_SCHEME_FORBIDDEN');
    await egress.close();
  });
});

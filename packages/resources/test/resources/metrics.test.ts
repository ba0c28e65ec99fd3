import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inTenant, openResources, settle } from '../support/open-resources.ts';
import { recordTelemetry, type RecordedTelemetry } from '../support/recorded-telemetry.ts';
import { createTestVault } from '../support/test-vault.ts';
import { tracked } from '../support/tracked.ts';
import { createTelemetry, currentContext } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import type { HealthStatus } from '@tenon/resources';

let recorded: RecordedTelemetry;
beforeEach(() => {
  recorded = recordTelemetry();
});
afterEach(() => recorded.stop());

const labels = { resource: 'thing', resource_type: 'postgres' };
const of = (instrument: string) => recorded.measurements.filter((one) => one.instrument === instrument);
const gauge = (instrument: string) =>
  recorded
    .readGauges()
    .filter((one) => one.instrument === instrument)
    .map(({ value, attributes }) => [value, attributes]);

describe('the metrics of resources', () => {
  it('count leases, instances, looks and failures, by resource and type', async () => {
    let works = true;
    const { token } = tracked('thing', { technology: 'postgres', check: () => works, pool: { max: 1 } });
    const { resources, clock } = openResources({ define: [token] });
    const one = await resources.acquire(token);
    const waiting = resources.acquire(token);
    expect(gauge('resource_active_count')).toEqual([[1, labels]]);
    expect(gauge('resource_waiting_count')).toEqual([[1, labels]]);
    expect(gauge('resource_active_instances')).toEqual([[1, labels]]);
    await clock.advance(1_500);
    one.lease.release();
    (await waiting).lease.release();
    await resources.check();
    works = false;
    await resources.check();
    await failureOf(resources.acquire(token, {}, { signal: AbortSignal.abort() }));
    expect(of('resource_acquisitions_total')).toEqual(
      [1, 1].map((value) => ({ instrument: 'resource_acquisitions_total', value, attributes: labels })),
    );
    expect(of('resource_releases_total')).toHaveLength(2);
    expect(of('resource_acquisition_duration_seconds').map(({ value }) => value)).toEqual([0, 1.5]);
    expect(of('resource_creations_total')).toHaveLength(1);
    expect(of('resource_destructions_total')).toHaveLength(1);
    expect(of('resource_health_checks_total').map(({ attributes }) => attributes)).toEqual([
      { ...labels, success: 'true' },
      { ...labels, success: 'false' },
    ]);
    expect(of('resource_errors_total')).toMatchObject([
      { attributes: { ...labels, error_type: 'RESOURCE_CANCELLED' } },
    ]);
    await resources.close();
    expect(recorded.readGauges()).toEqual([]);
  });

  it('show how the worst of those that share labels is, and where it goes; nothing while nobody has looked', async () => {
    const answers: Record<string, HealthStatus> = {
      a: { status: 'healthy' },
      b: { status: 'degraded', reason: 'slow', impact: 0.4 },
    };
    const { token } = tracked('thing', {
      technology: 'postgres',
      check: () => answers[currentContext()?.tenant ?? ''] ?? true,
    });
    for (const tenantLabels of [false, true]) {
      const { resources } = openResources({ define: [token], tenantLabels });
      for (const tenant of ['a', 'b']) await inTenant(tenant, () => resources.use(token, () => undefined));
      expect(gauge('resource_health_score')).toEqual([]);
      expect(gauge('resource_health_trend')).toEqual([]);
      for (let count = 0; count < 8; count += 1) await resources.check();
      expect(gauge('resource_health_score')).toEqual(
        tenantLabels
          ? [
              [1, { ...labels, tenant: 'a' }],
              [0.6, { ...labels, tenant: 'b' }],
            ]
          : [[0.6, labels]],
      );
      answers['b'] = { status: 'unhealthy', reason: 'gone', recoverable: true };
      for (let count = 0; count < 2; count += 1) await resources.check();
      expect(gauge('resource_health_score').at(-1)?.[0]).toBe(0);
      expect(gauge('resource_health_trend')).toEqual(
        tenantLabels
          ? [
              [0, { ...labels, tenant: 'a' }],
              [-1, { ...labels, tenant: 'b' }],
            ]
          : [[-1, labels]],
      );
      answers['b'] = { status: 'degraded', reason: 'slow', impact: 0.4 };
      await resources.close();
    }
  });

  it('show how full the fullest pool of those that share labels is, and nothing for what all share', async () => {
    const { token } = tracked('thing', { technology: 'postgres', pool: { max: 4 } });
    const shared = tracked('client', { use: 'shared' });
    const { resources } = openResources({ define: [token, shared.token] });
    await resources.acquire(shared.token);
    await inTenant('a', () => resources.acquire(token));
    for (let count = 0; count < 3; count += 1) await inTenant('b', () => resources.acquire(token));
    expect(gauge('resource_pool_utilization')).toEqual([[0.75, labels]]);
    await resources.close({ timeoutMs: 0 });
  });

  it('count how changes of credentials went', async () => {
    const vault = createTestVault();
    let fails = false;
    const { token } = tracked('thing', {
      credentials: { login: { kind: 'basic', id: 'x' } },
      before: () => {
        if (fails) throw new Error('no');
      },
    });
    vault.put(undefined, 'x', '1');
    const { resources } = openResources({ define: [token], vault });
    await resources.use(token, () => undefined);
    for (const next of [true, false]) {
      fails = next;
      vault.put(undefined, 'x', '2');
      await resources.credentialChanged({ id: 'x', change: 'rotated' });
    }
    expect(of('resource_credential_rotations_total').map(({ attributes }) => attributes['outcome'])).toEqual([
      'failed',
      'rotated',
    ]);
    await resources.close();
  });

  it('tell no tenants apart unless that is wanted', async () => {
    const { token } = tracked('thing', { technology: 'postgres' });
    const { resources } = openResources({ define: [token] });
    for (const tenant of ['a', 'b']) await inTenant(tenant, () => resources.acquire(token));
    expect(gauge('resource_active_count')).toEqual([[2, labels]]);
    await resources.close({ timeoutMs: 0 });
  });

  it('tell the first thousand tenants apart, and no more', async () => {
    const { token } = tracked('thing', { technology: 'postgres' });
    const { resources } = openResources({ define: [token], tenantLabels: true });
    await resources.acquire(token);
    for (let index = 0; index < 1_005; index += 1) await inTenant(`t${index}`, () => resources.acquire(token));
    const seen = new Map(
      gauge('resource_active_count').map(([value, attributes]) => [(attributes as { tenant: string }).tenant, value]),
    );
    expect(seen.size).toBe(1_002);
    expect(seen.get('none')).toBe(1);
    expect(seen.get('t0')).toBe(1);
    expect(seen.get('other')).toBe(5);
    expect(new Set(of('resource_acquisitions_total').map(({ attributes }) => attributes['tenant'])).size).toBe(1_002);
    await resources.close({ timeoutMs: 0 });
  });

  it('have a span for each acquire, within that of the caller, with how it ended', async () => {
    const { token } = tracked('thing');
    const { resources } = openResources({ define: [token] });
    await createTelemetry('app').span('handle request', {}, async () => {
      await resources.use(token, () => undefined);
    });
    await failureOf(resources.acquire(token, {}, { signal: AbortSignal.abort() }));
    await settle();
    expect(recorded.spans).toMatchObject([
      { name: 'handle request', parent: undefined },
      { name: 'resources.acquire', parent: 'handle request', ended: true, attributes: { 'tenon.resource': 'thing' } },
      { name: 'resources.acquire', parent: undefined, ended: true, attributes: { 'error.type': 'RESOURCE_CANCELLED' } },
    ]);
    await resources.close();
  });
});

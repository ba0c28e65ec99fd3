import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';

describe.each(describeDrivers())('a storm of sign-ins on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver, {
      environment: { TENON_SIGN_IN_CONCURRENCY: '1', TENON_TRUSTED_PROXIES: '127.0.0.1' },
    });
  });
  afterAll(() => server.stop());

  it('is shed with 503 and Retry-After, while other routes are answered in between', async () => {
    const { owner } = await server.newTenant();
    const { auth } = server.services;
    const leaving = new AbortController();
    const shed: { readonly retryAfter: string | null; readonly problem: unknown }[] = [];
    const attempt = async (index: number): Promise<number> => {
      const response = await fetch(`${server.url}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `10.1.0.${index}` },
        body: JSON.stringify({ email: `${newId()}@example.com`, password: 'whatever it may be' }),
        signal: leaving.signal,
      });
      const problem: unknown = await response.json();
      if (response.status === 503) shed.push({ retryAfter: response.headers.get('retry-after'), problem });
      return response.status;
    };
    // Settled from the start: those who leave below do so by failing.
    const storm = Promise.allSettled(Array.from({ length: 120 }, (_, index) => attempt(index)));
    await expect.poll(() => shed.length, { interval: 5, timeout: 30_000 }).toBeGreaterThan(10);
    for (let round = 0; round < 10; round += 1) {
      expect((await owner.get('/v1/products')).status).toBe(200);
      expect((await server.anybody.get('/healthz')).status).toBe(200);
    }
    // All of it was answered before the sign-ins that wait had their turn.
    expect(auth.statistics().waiting).toBeGreaterThan(10);

    // Whoever leaves does not wait any longer, and takes nobody's turn.
    const compares = auth.statistics().compares;
    leaving.abort();
    const outcomes = await storm;
    await expect.poll(() => auth.statistics().waiting, { interval: 5 }).toBe(0);
    expect(auth.statistics().compares - compares).toBeLessThan(10);
    const statuses = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect([...new Set(statuses)].toSorted((left, right) => left - right)).toEqual(
      statuses.includes(401) ? [401, 503] : [503],
    );
    expect(auth.statistics().shed).toBeGreaterThanOrEqual(shed.length);
    for (const { retryAfter, problem } of shed) {
      expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
      expect(problem).toMatchObject({ code: 'AUTH_OVERLOADED', retryable: true });
    }
    const login = await server.anybody.post('/auth/login', { email: owner.email, password: owner.password });
    expect(login.status).toBe(200);
  });
});

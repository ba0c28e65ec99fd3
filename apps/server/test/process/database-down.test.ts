import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startPostgres } from '../../../../scripts/services/postgres.ts';
import type { PrivateServer } from '../../../../scripts/services/service.ts';
import { call, signIn, type Answer } from './support/api-client.ts';
import { createDatabase, openPlace } from './support/place.ts';
import { startServerProcess, type ServerProcess } from './support/server-process.ts';
import { openTcpProxy } from './support/tcp-proxy.ts';

const soon = { timeout: 20_000, interval: 20 };

function expectRetryLater(answer: Answer, ...codes: readonly string[]): void {
  expect([answer.status, answer.body]).toEqual([503, expect.objectContaining({ status: 503, retryable: true })]);
  expect(codes).toContain(answer.body.code);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
}

/** Signs in and waits for the record of it, which is written after the answer and could meet the fault. */
async function signInFully(server: ServerProcess, url: string): ReturnType<typeof signIn> {
  const tokens = await signIn(url);
  await vi.waitUntil(() => server.output().includes('"securityEvent":{"type":"sign-in.succeeded"'), soon);
  return tokens;
}

function expectNothingUnhandled(server: ServerProcess): void {
  expect(server.output()).not.toMatch(/unhandled|uncaught|triggerUncaught/i);
  const internal = server
    .log()
    .filter(({ level, code }) => level === 'error' || level === 'fatal' || code === 'INTERNAL');
  expect(internal).toEqual([]);
}

describe('a server whose PostgreSQL', () => {
  let postgres: PrivateServer;
  let reason: string | undefined;
  let settings: Readonly<Record<string, string>>;
  let place: Awaited<ReturnType<typeof openPlace>>;

  beforeAll(async () => {
    // With fsync, or a killed PostgreSQL would forget the last commits.
    const started = await startPostgres({ fsync: true });
    if (!started.available) {
      reason = started.reason;
      return;
    }
    postgres = started.server;
    place = await openPlace('none');
    const { url } = await createDatabase(postgres.url);
    settings = { ...place.settings, TENON_DATABASE_URL: url };
  });
  beforeEach((context) => {
    if (reason !== undefined) context.skip(reason);
  });
  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    await postgres?.stop();
  });

  it('comes up after it is alive but not ready until then, and answers 503 to everything else', async () => {
    await postgres.kill9();
    await using server = startServerProcess(settings);
    const url = await server.listening();
    expect((await call(`${url}/healthz`)).status).toBe(200);
    const readiness = await call(`${url}/readyz`);
    expect([readiness.status, readiness.body]).toEqual([503, { status: 'starting' }]);
    expect(readiness.headers.get('retry-after')).toBe('2');
    expect((await call(`${url}/openapi.json`)).status).toBe(200);
    for (const path of ['/v1/products', '/auth/me', '/.well-known/jwks.json', '/nothing/here']) {
      expectRetryLater(await call(`${url}${path}`), 'NOT_READY');
    }
    expectRetryLater(await call(`${url}/auth/login`, { body: { email: 'a@b', password: 'x' } }), 'NOT_READY');
    await vi.waitUntil(() => server.output().includes('database not reachable, trying again'), soon);

    await postgres.restart();
    expect(await server.ready()).toBe(url);
    const { accessToken: token } = await signInFully(server, url);
    expect((await call(`${url}/v1/products`, { token })).status).toBe(200);
    expectNothingUnhandled(server);
  });

  it('does not come up ends with 1 and a clear error at TENON_DATABASE_CONNECT_DEADLINE_MS', async () => {
    await postgres.kill9();
    try {
      await using server = startServerProcess({ ...settings, TENON_DATABASE_CONNECT_DEADLINE_MS: '600' });
      await server.listening();
      expect(await server.exit()).toEqual({ code: 1, signal: null });
      expect(server.output()).toMatch(/DATABASE_UNAVAILABLE.*the database cannot be reached/);
      expectNothingUnhandled(server);
    } finally {
      await postgres.restart();
    }
  });

  it('is killed answers 503 with Retry-After, is not ready, and recovers by itself', async () => {
    await using server = startServerProcess(settings);
    const url = await server.ready();
    const { accessToken: token, refreshToken } = await signInFully(server, url);
    const product = { sku: `down-${process.pid}`, name: 'Down', priceMinor: 1, currency: 'EUR' };
    await postgres.kill9();
    const requests = [
      () => call(`${url}/v1/products`, { token }),
      () => call(`${url}/v1/products`, { token, body: product }),
      () => call(`${url}/auth/refresh`, { body: { refreshToken } }),
      () => call(`${url}/auth/login`, { body: { email: 'nobody@example.com', password: 'not the password' } }),
    ];
    for (const answer of await Promise.all(requests.flatMap((one) => [one(), one(), one(), one()]))) {
      expectRetryLater(answer, 'DATABASE_UNAVAILABLE', 'KV_UNAVAILABLE', 'DATABASE_COMMIT_UNKNOWN');
    }
    const readiness = await call(`${url}/readyz`);
    expect([readiness.status, readiness.body.status]).toEqual([503, 'database-down']);
    expect((await call(`${url}/healthz`)).status).toBe(200);

    await postgres.restart();
    await server.ready();
    expect((await call(`${url}/v1/products`, { token, body: product })).status).toBe(201);
    expect((await call(`${url}/auth/refresh`, { body: { refreshToken } })).status).toBe(200);
    expectNothingUnhandled(server);
  });

  it('can no longer be heard answers 503 within TENON_DATABASE_ACQUIRE_TIMEOUT_MS, and recovers by itself', async () => {
    await using proxy = await openTcpProxy(settings['TENON_DATABASE_URL'] ?? '');
    await using server = startServerProcess({
      ...settings,
      TENON_DATABASE_URL: proxy.url,
      TENON_DATABASE_POOL: '2',
      TENON_DATABASE_ACQUIRE_TIMEOUT_MS: '700',
      TENON_ROLES: 'api',
    });
    const url = await server.ready();
    const { accessToken: token } = await signInFully(server, url);
    expect((await call(`${url}/v1/products`, { token })).status).toBe(200);
    proxy.swallow();
    const startedAt = performance.now();
    const readiness = await call(`${url}/readyz`);
    expect([readiness.status, readiness.body.status]).toEqual([503, 'database-down']);
    const answers: Answer[] = [];
    const pending = Array.from({ length: 10 }, async () => answers.push(await call(`${url}/v1/products`, { token })));
    // Two may sit on the connections that were open, until their statements have taken their time; nobody else waits for those.
    await vi.waitUntil(() => answers.length >= 8, soon);
    expect(performance.now() - startedAt).toBeLessThan(5_000); // the default alone

    proxy.pass();
    await Promise.all(pending);
    for (const answer of answers) expectRetryLater(answer, 'DATABASE_UNAVAILABLE', 'DATABASE_BUSY');
    await server.ready();
    expect((await call(`${url}/v1/products`, { token })).status).toBe(200);
    expectNothingUnhandled(server);
  });
});

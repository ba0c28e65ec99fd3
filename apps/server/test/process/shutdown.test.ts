import { describeDrivers } from '@tenon/database/testing';
import { Client } from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { call, createProducts, signIn } from './support/api-client.ts';
import { checkOrders } from './support/check-orders.ts';
import { startOrderLoad } from './support/order-load.ts';
import { openPlace } from './support/place.ts';
import { openRawConnection } from './support/raw-connection.ts';
import { startServerProcess } from './support/server-process.ts';

const STOCK = 1_000_000;
const soon = { timeout: 10_000, interval: 5 };

describe.concurrent.each(describeDrivers())('SIGTERM during a load, on %s', (driver) => {
  it('answers every request that was taken, loses no order and ends with 0', async () => {
    await using place = await openPlace(driver);
    await using first = startServerProcess(place.settings);
    const url = await first.ready();
    const { accessToken: token } = await signIn(url);
    const products = await createProducts(
      url,
      token,
      Array.from({ length: 8 }, () => STOCK),
    );

    const load = startOrderLoad({ url, token, products, connections: 24 });
    await vi.waitUntil(() => load.acknowledged() >= 150, { timeout: 30_000, interval: 1 });
    first.kill('SIGTERM');
    await load.finished;
    expect(await first.exit()).toEqual({ code: 0, signal: null });
    const outcomes = load.attempts.map(({ outcome }) => outcome);
    const statuses = outcomes.flatMap((one) => (one.kind === 'answered' ? [one.status] : []));
    expect(new Set(statuses)).toEqual(new Set([201]));
    // No connection that was in use broke. A new one may meet the end of the listening socket: its request reached nobody, which
    // is checked below.
    const broken = outcomes.flatMap((one) => (one.kind === 'broken' ? [one] : []));
    expect(broken.filter(({ code, reused }) => reused || !/^ECONN(REFUSED|RESET)$/.test(code))).toEqual([]);

    await using second = startServerProcess(place.settings);
    const again = await second.ready();
    const { accessToken } = await signIn(again);
    await checkOrders({
      url: again,
      token: accessToken,
      attempts: load.attempts,
      initialStock: STOCK,
      mostUnanswered: 0,
    });
  });
});

describe.concurrent('a server that is told to stop', () => {
  it('is not ready any more, answers on open connections, and cuts off what hangs at TENON_SHUTDOWN_TIMEOUT_MS', async () => {
    await using place = await openPlace(describeDrivers().at(-1) ?? 'pglite');
    await using server = startServerProcess({ ...place.settings, TENON_SHUTDOWN_TIMEOUT_MS: '1500' });
    const url = await server.ready();
    const connection = await openRawConnection(url);
    expect(await connection.send('GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n')).toMatch(/^HTTP\/1\.1 200/);
    const hanging = await openRawConnection(url);
    const neverWhole = hanging.send(
      'POST /auth/login HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"email',
    );

    const stoppedAt = performance.now();
    server.kill('SIGTERM');
    await vi.waitUntil(() => server.output().includes('stopping'), soon);
    const readiness = await connection.send('GET /readyz HTTP/1.1\r\nHost: test\r\n\r\n');
    expect(readiness).toMatch(/^HTTP\/1\.1 503/);
    expect(readiness).toContain('{"status":"stopping"}');
    expect(readiness).toMatch(/\r\nconnection: close\r\n/i);
    await connection.closed;
    await expect(openRawConnection(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    server.kill('SIGTERM');

    expect(await neverWhole).toBe('');
    expect(await server.exit()).toEqual({ code: 0, signal: null });
    expect(performance.now() - stoppedAt).toBeGreaterThan(1_400);
    expect(performance.now() - stoppedAt).toBeLessThan(9_000); // the default would take 10 seconds
    expect(server.log()).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: expect.stringMatching(/still running/) }),
    );
  });

  it('ends with 0 also while a statement hangs in the database', async (context) => {
    if (process.env['TENON_TEST_POSTGRES_URL'] === undefined)
      context.skip('PostgreSQL: TENON_TEST_POSTGRES_URL is not set');
    await using place = await openPlace('postgres');
    await using server = startServerProcess({ ...place.settings, TENON_SHUTDOWN_TIMEOUT_MS: '200' });
    const url = await server.ready();
    const { accessToken: token } = await signIn(url);
    const locker = new Client({ connectionString: place.databaseUrl });
    await locker.connect();
    try {
      await locker.query('begin; lock table products in access exclusive mode');
      const cutOff = call(`${url}/v1/products`, { token }).catch((error: unknown) => error);
      const waiting = "select 1 from pg_locks where not granted and relation = 'products'::regclass";
      await vi.waitUntil(async () => (await locker.query(waiting)).rowCount === 1, soon);
      server.kill('SIGTERM');
      expect(await server.exit()).toEqual({ code: 0, signal: null });
      expect(await cutOff).toBeInstanceOf(Error);
    } finally {
      await locker.end();
    }
  });

  it('was still there although it is a worker alone, which has nothing to listen to', async () => {
    await using place = await openPlace(describeDrivers().at(-1) ?? 'pglite');
    await using server = startServerProcess({ ...place.settings, TENON_ROLES: 'worker', TENON_LOG_LEVEL: 'debug' });
    await vi.waitUntil(() => server.output().includes('Tenon is working (worker)'), { ...soon, timeout: 30_000 });
    await vi.waitUntil(() => server.output().includes('expired rows removed'), soon);
    server.kill('SIGTERM');
    expect(await server.exit()).toEqual({ code: 0, signal: null });
    expect(server.output()).toContain('stopping');
    expect(server.output()).not.toContain('listening');
  });
});

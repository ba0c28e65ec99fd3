import dns from 'node:dns';
import { createTestClock, failureOf } from '@tenon/core/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { inTenant } from '../support/open-resources.ts';
import {
  askServer,
  expectWorking,
  heard,
  openOrders,
  openProxy,
  PATIENCE,
  startLoad,
  watchRejections,
  type Orders,
} from './open-orders.ts';

const url = process.env['TENON_TEST_POSTGRES_URL'] ?? '';

/** Short, so that silence is noticed soon. */
const quick = {
  connectTimeoutMs: 400,
  cancelTimeoutMs: 200,
  pool: { max: 4, createBackoff: { initialMs: 20, maxMs: 100 } },
} as const;
const watched = {
  intervalMs: 100,
  timeoutMs: 400,
  failureThreshold: 2,
  initialDelayMs: 50,
  maxDelayMs: 200,
  maxAttempts: Infinity,
} as const;

/** What the server still has of it when it has ended, besides those that could not be told. */
async function expectNoneLeft(orders: Orders, untold: readonly number[] = []): Promise<void> {
  expect(await orders.resources.close({ timeoutMs: 5_000 })).toMatchObject({ forced: 0, left: 0 });
  await expect.poll(async () => (await orders.backends()).filter((pid) => !untold.includes(pid)), PATIENCE).toEqual([]);
}

describe.skipIf(url === '')('a network that fails (skipped without TENON_TEST_POSTGRES_URL)', () => {
  watchRejections();

  it('goes silent while a connection lies idle: it is quarantined, and lent again with the first look after', async () => {
    const proxy = await openProxy(url);
    const orders = openOrders(url, { ...quick, url: proxy.url, health: watched });
    await orders.run();
    const untold = await orders.backends();
    expect(untold).toHaveLength(1);

    await proxy.set({ fault: 'black-hole' });
    await heard(orders, 'quarantined');
    const refusal = await failureOf(orders.run());
    expect(refusal).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', retryable: true });
    expect(refusal.retryAfterMs).toBeGreaterThan(0);

    await proxy.set({ fault: 'pass' });
    const backMs = Date.now();
    await heard(orders, 'recovered');
    // The look that was under way, and one that met the pool still holding back after it.
    expect(orders.events.filter(({ type, atMs }) => type === 'quarantined' && atMs > backMs).length).toBeLessThan(3);
    const waits = orders.events.flatMap((each) => (each.type === 'quarantined' ? [each.retryInMs] : []));
    expect(Math.max(...waits)).toBeLessThanOrEqual(watched.maxDelayMs);
    await orders.run();
    expect((await orders.backends()).length).toBeLessThanOrEqual(quick.pool.max + untold.length);
    await expectNoneLeft(orders, untold);
  });

  it.each([
    ['that has a time limit of its own', { statement: { timeoutMs: 200 }, settings: {} }],
    ['that the server should have ended', { statement: {}, settings: { statementTimeoutMs: 200 } }],
  ])(
    'goes silent during a statement %s: that fails in time, and its connection is not used again',
    async (_, given) => {
      const proxy = await openProxy(url);
      const orders = openOrders(url, { ...quick, url: proxy.url, ...given.settings });
      await orders.run();
      const untold = await orders.backends();
      const running = failureOf(orders.run('select pg_sleep(30)', given.statement));
      await proxy.set({ fault: 'black-hole' });
      expect(await running).toMatchObject({ code: 'RESOURCE_TIMEOUT' });

      await proxy.set({ fault: 'pass' });
      const { pid } = (await orders.run('select pg_backend_pid() as pid')) as { readonly pid: number };
      expect(untold).not.toContain(pid);
      await expectNoneLeft(orders, untold);
    },
  );

  it('is silent during the login: everybody who waits is told, and those who come later are served', async () => {
    const proxy = await openProxy(url);
    await proxy.set({ fault: 'black-hole' });
    const orders = openOrders(url, { ...quick, url: proxy.url });
    const failures = await Promise.all(Array.from({ length: 6 }, () => failureOf(orders.run())));
    for (const failure of failures) {
      expect(failure.retryable).toBe(true);
      expect(['RESOURCE_INITIALIZATION_FAILED', 'RESOURCE_UNAVAILABLE']).toContain(failure.code);
    }
    expect(failures.map(({ cause }) => cause)).toContainEqual(
      expect.objectContaining({ code: 'RESOURCE_UNAVAILABLE' }),
    );

    await proxy.set({ fault: 'pass' });
    const load = startLoad(6, () => orders.run());
    await expectWorking(load);
    await load.stop();
    expect(load.uncoded).toEqual([]);
    expect((await orders.backends()).length).toBeLessThanOrEqual(quick.pool.max);
    await expectNoneLeft(orders);
  });

  it('resets connections under load: statements say whether they may be repeated, and new ones are made', async () => {
    const proxy = await openProxy(url);
    // The server does not notice by itself that nobody waits for a statement any more: this ends it there.
    const orders = openOrders(url, { ...quick, url: proxy.url, statementTimeoutMs: 3_000 });
    const reading = failureOf(orders.run('select pg_sleep(30)'));
    const writing = failureOf(orders.run('do $$ begin perform pg_sleep(30); end $$'));
    const asleep = `select pid from pg_stat_activity where pid = any($1) and wait_event = 'PgSleep'`;
    await expect.poll(async () => askServer(url, asleep, [await orders.backends()]), PATIENCE).toHaveLength(2);

    await proxy.set({ fault: 'reset' });
    expect(await reading).toMatchObject({ code: 'RESOURCE_CONNECTION_LOST', retryable: true });
    expect(await writing).toMatchObject({
      code: 'RESOURCE_CONNECTION_LOST',
      retryable: false,
      details: { mayHaveBeenApplied: true },
    });
    await proxy.set({ fault: 'pass' });
    const load = startLoad(8, () => orders.run());
    await expectWorking(load);
    // In the middle of answers.
    await proxy.set({ fault: 'cut', afterBytes: 40 });
    await expect.poll(() => orders.resources.list()[0]?.pool.createFailures ?? 0, PATIENCE).toBeGreaterThan(0);
    await proxy.set({ fault: 'pass' });
    await expectWorking(load);
    await load.stop();
    expect(load.uncoded).toEqual([]);
    await expectNoneLeft(orders);
  });

  it('is slow: an answer at the limit is taken, and one beyond it is not', async () => {
    const proxy = await openProxy(url);
    const clock = createTestClock();
    const limitMs = 1_000;
    const backoffMs = 100;
    const pool = { max: 4, createBackoff: { initialMs: backoffMs, jitter: 0 }, createTimeoutMs: limitMs };
    const health = { ...watched, intervalMs: 86_400_000, timeoutMs: limitMs };
    // Connecting has a limit in real time, too, which is not meant here.
    const orders = openOrders(url, { url: proxy.url, pool, health }, { clock });
    await proxy.set({ fault: 'delay', delayMs: 30 });
    const begun = async <Result>(work: () => Promise<Result>, passMs: number): Promise<Result> => {
      const { accepted, bytesToClients } = proxy.connections();
      const result = work();
      result.catch(() => undefined);
      await expect
        .poll(() => {
          const now = proxy.connections();
          return now.accepted > accepted || now.bytesToClients >= bytesToClients;
        }, PATIENCE)
        .toBe(true);
      await clock.advance(passMs);
      return result;
    };
    const limited = () => orders.run('select pg_sleep(0.05), pg_backend_pid() as pid', { timeoutMs: limitMs });

    const late = await failureOf(begun(() => orders.run(), limitMs));
    expect(late).toMatchObject({ code: 'RESOURCE_INITIALIZATION_FAILED', cause: { code: 'RESOURCE_TIMEOUT' } });
    // A look follows as soon as the pool makes instances again, and makes the next one.
    await begun(() => clock.advance(backoffMs), limitMs - 1);
    await expect.poll(() => orders.resources.health().worst, PATIENCE).toBe('healthy');
    await orders.run();

    const { pid } = (await begun(limited, limitMs - 1)) as { readonly pid: number };
    expect(await failureOf(begun(limited, limitMs))).toMatchObject({ code: 'RESOURCE_TIMEOUT' });
    // The server was told, and has stopped it: the connection is as good as before.
    expect(await limited()).toMatchObject({ pid });

    const look = () => inTenant('acme', () => orders.resources.check(orders.token));
    expect(await begun(look, limitMs - 1)).toMatchObject([{ health: { status: 'healthy' } }]);
    expect(await begun(look, limitMs)).toMatchObject([{ health: { status: 'unhealthy' } }]);
    await expect.poll(() => orders.backends(), PATIENCE).toEqual([]);
  });

  it('has no address for the server: that is said, and when it has one, that is used', async () => {
    const { port } = new URL(url);
    // What a name server says is the one thing here that no test can have for real.
    const addresses = new Map<string, string>();
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
      host: string,
      _: object,
      answer: (error: Error | null, addresses?: unknown) => void,
    ) => {
      const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
      const address = addresses.get(host);
      if (address === undefined) answer(error);
      else answer(null, [{ address, family: 4 }]);
    }) as unknown as typeof dns.lookup);
    onTestFinished(() => lookup.mockRestore());
    const orders = openOrders(url, {
      ...quick,
      url: `postgres://postgres@db.orders.example:${port}/postgres`,
      tls: { mode: 'disable' },
    });
    const failure = await failureOf(orders.run());
    expect(failure).toMatchObject({ code: 'RESOURCE_INITIALIZATION_FAILED', retryable: true });
    expect(failure.cause).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', details: { serverCode: 'ENOTFOUND' } });
    const load = startLoad(8, () => orders.run());
    await expect.poll(() => load.codes.has('RESOURCE_UNAVAILABLE'), PATIENCE).toBe(true);
    addresses.set('db.orders.example', '127.0.0.1');
    await expectWorking(load);
    await load.stop();
    expect(load.uncoded).toEqual([]);
    await expectNoneLeft(orders);
  });
});

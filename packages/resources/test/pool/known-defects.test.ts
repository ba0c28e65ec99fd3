// What went wrong in pools before this one, each with the test that would have found it.
import { describe, expect, it } from 'vitest';
import { codeOf, deferred, openPool, turn, type Thing } from './open-pool.ts';

describe('a pool does not', () => {
  it('lend what another pool of the same kind has made', async () => {
    const made = (owner: number) => () => ({ id: owner });
    const [one, two] = [openPool({ create: made(1) }), openPool({ create: made(2) })];
    for (let time = 0; time < 3; time += 1) {
      expect(await one.pool.use(({ id }) => id)).toBe(1);
      expect(await two.pool.use(({ id }) => id)).toBe(2);
    }
  });

  it('ignore the settings that it was given', async () => {
    const { pool, clock } = openPool({ name: 'orders-db', max: 1, min: 1, maxWaiters: 1, acquireTimeoutMs: 40 });
    await pool.acquire();
    const waiting = codeOf(pool.acquire());
    expect(await codeOf(pool.acquire())).toBe('POOL_EXHAUSTED');
    await clock.advance(40);
    expect(await waiting).toBe('RESOURCE_TIMEOUT');
    expect(pool.statistics()).toMatchObject({ name: 'orders-db', min: 1, max: 1 });
  });

  it('block itself when it is exhausted', async () => {
    const { pool } = openPool({ max: 1 });
    const held = await pool.acquire();
    const order: string[] = [];
    const waiting = pool.use(() => void order.push('waiter'));
    pool.statistics();
    order.push('release');
    held.release();
    await waiting;
    expect(order).toEqual(['release', 'waiter']);
  });

  it('make more than max while making them takes time', async () => {
    const gates: PromiseWithResolvers<Thing>[] = [];
    const { pool } = openPool({
      max: 2,
      maxConcurrentCreates: 100,
      create() {
        gates.push(deferred<Thing>());
        return gates.at(-1)?.promise ?? { id: 0 };
      },
    });
    const asked = Array.from({ length: 50 }, () => pool.use(turn));
    await turn();
    expect(gates).toHaveLength(2);
    for (const [id, gate] of gates.entries()) gate.resolve({ id });
    await Promise.all(asked);
    expect(gates).toHaveLength(2);
  });

  it('forget to clean up what leaves it, whatever the way', async () => {
    const { pool, clock, made, destroyed } = openPool({ idleTimeoutMs: 1_000 });
    await pool.use(() => undefined);
    await clock.advance(2_000);
    await pool.use(() => undefined);
    pool.invalidate();
    const lease = await pool.acquire();
    lease.taint();
    await lease[Symbol.asyncDispose]();
    await pool.use(() => undefined);
    await pool.close();
    expect(destroyed.map(({ reason }) => reason)).toEqual(['idle', 'invalidated', 'tainted', 'closed']);
    expect(destroyed.map(({ id }) => id)).toEqual(made.map(({ id }) => id));
  });

  it('judge one instance by what happened to another', async () => {
    const { pool, clock } = openPool({ validate: ({ id }) => id !== 1, aliveBypassMs: 100 });
    const [one, two] = [await pool.acquire(), await pool.acquire()];
    two.release();
    await clock.advance(200);
    one.release();
    // The last to come back was in use a moment ago, and is not asked; the other one is.
    expect(await pool.use(({ id }) => id)).toBe(1);
    expect(pool.statistics().validations).toMatchObject({ total: 0 });
    const held = await pool.acquire();
    expect(await pool.use(({ id }) => id)).toBe(2);
    expect(pool.statistics()).toMatchObject({ validations: { total: 1, failed: 0 }, peakActive: 2 });
    held.release();
    expect(pool.statistics()).toMatchObject({ active: 0, idle: 2, utilization: 0 });
  });

  it('validate by looking at what never changes', async () => {
    let isAlive = true;
    const { pool, clock, destroyed } = openPool({ validate: () => isAlive, aliveBypassMs: 0 });
    await pool.use(() => undefined);
    await clock.advance(1);
    expect(await pool.use(({ id }) => id)).toBe(1);
    isAlive = false;
    expect(await pool.use(({ id }) => id)).toBe(2);
    expect(destroyed).toEqual([{ id: 1, reason: 'invalid' }]);
  });
});

describe('races', () => {
  it('abort, timeout, release and close in one turn settle each waiter once and leave nothing', async () => {
    const { pool, clock, made, destroyed } = openPool({ max: 2 });
    const held = [await pool.acquire(), await pool.acquire()];
    const controller = new AbortController();
    const asked = Array.from({ length: 9 }, (_, index) =>
      pool
        .acquire(index % 3 === 0 ? { signal: controller.signal } : { timeoutMs: index })
        .then((lease) => lease.release())
        .catch((error: unknown) => (error as { readonly code: unknown }).code),
    );
    controller.abort();
    held[0]?.release();
    const closing = pool.close({ timeoutMs: 100 });
    await clock.advance(5);
    held[1]?.release();
    await clock.advance(100);
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter((code) => code === 'RESOURCE_CANCELLED')).toHaveLength(3);
    expect(await closing).toMatchObject({ forced: 0, left: 0 });
    expect(destroyed).toHaveLength(made.length);
    expect(clock.pending()).toBe(0);
  });

  it('a hook that borrows and closes in the middle of an event does no harm', async () => {
    const { pool, destroyed } = openPool({
      max: 1,
      onEvent(event) {
        if (event.type === 'created') pool.tryAcquire()?.release();
        if (event.type === 'destroyed') void pool.close();
      },
    });
    const lease = await pool.acquire();
    lease.taint();
    lease.release();
    expect(await pool.close()).toMatchObject({ left: 0 });
    expect(destroyed).toEqual([{ id: 1, reason: 'tainted' }]);
  });

  it('no rejection goes unhandled, however late a hook fails', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listener);
    const gate = deferred<Thing>();
    const { pool, clock } = openPool({
      createTimeoutMs: 10,
      destroyTimeoutMs: 10,
      create: () => gate.promise,
    });
    const asked = codeOf(pool.acquire());
    await clock.advance(10);
    expect(await asked).toBe('RESOURCE_INITIALIZATION_FAILED');
    gate.reject(new Error('at last'));
    await turn();
    await turn();
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
    expect(await pool.close()).toEqual({ returned: 0, destroyed: 0, forced: 0, left: 0 });
  });
});

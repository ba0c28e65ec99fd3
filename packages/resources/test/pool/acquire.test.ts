import { deadlineAfter } from '@tenon/core';
import { describe, expect, it } from 'vitest';
import { codeOf, deferred, openPool, turn, type Thing } from './open-pool.ts';

describe('acquire', () => {
  it('makes an instance for the first borrower, and lends it again', async () => {
    const { pool, made } = openPool();
    for (let time = 0; time < 3; time += 1) {
      const lease = await pool.acquire();
      expect(lease.value.id).toBe(1);
      lease.release();
    }
    expect(made).toHaveLength(1);
  });

  it('lends an idle instance without a timer and without a look at the clock', async () => {
    const { pool, clock } = openPool({ idleTimeoutMs: Infinity, maxLifetimeMs: Infinity });
    (await pool.acquire()).release();
    let looks = 0;
    clock.monotonicMs = () => (looks += 1);
    const lease = await pool.acquire();
    lease.release();
    pool.tryAcquire()?.release();
    expect(looks).toBe(0);
    expect(clock.pending()).toBe(0);
  });

  it('never makes more than max, however many ask at once', async () => {
    const gate = deferred();
    let alive = 0;
    const { pool } = openPool({
      max: 3,
      async create() {
        alive += 1;
        await gate.promise;
        return { id: alive };
      },
    });
    const asked = Array.from({ length: 20 }, () => pool.use(turn));
    await turn();
    expect(alive).toBe(3);
    gate.resolve();
    await Promise.all(asked);
    expect(alive).toBe(3);
    expect(pool.statistics()).toMatchObject({ peakActive: 3, active: 0, idle: 3, acquisitions: 20, releases: 20 });
  });

  it('lends ten instances when max is left out', async () => {
    const { pool } = openPool();
    for (let count = 0; count < 10; count += 1) await pool.acquire();
    void pool.acquire();
    expect(pool.statistics()).toMatchObject({ active: 10, waiting: 1, max: 10 });
  });

  it.each([
    ['fifo', [1, 2, 3]],
    ['lifo', [3, 2, 1]],
  ] as const)('hands an instance that comes back to a waiter, %s', async (queueOrder, expected) => {
    const { pool } = openPool({ max: 1, queueOrder });
    const first = await pool.acquire();
    const order: number[] = [];
    const waiting = [1, 2, 3].map((number) => pool.use(() => void order.push(number)));
    first.release();
    expect(pool.statistics()).toMatchObject({ idle: 0, active: 1 });
    await Promise.all(waiting);
    expect(order).toEqual(expected);
  });

  it('rejects after acquireTimeoutMs, and names what is lent', async () => {
    const { pool, clock, events } = openPool({ max: 1, acquireTimeoutMs: 500 });
    await pool.acquire();
    const waiting = pool.acquire().catch((error: unknown) => error);
    await clock.advance(499);
    expect(pool.statistics().waiting).toBe(1);
    await clock.advance(1);
    expect(await waiting).toMatchObject({
      code: 'RESOURCE_TIMEOUT',
      retryable: true,
      details: { pool: 'things', operation: 'acquire', timeoutMs: 500, active: 1, max: 1 },
    });
    expect(events.at(-1)).toMatchObject({ type: 'acquire-timed-out', pool: 'things', waitedMs: 500 });
  });

  it('takes the time of the call over that of the pool, and the earlier one of it and the deadline', async () => {
    const { pool, clock } = openPool({ max: 1 });
    await pool.acquire();
    const byTime = codeOf(pool.acquire({ timeoutMs: 100 }));
    const byDeadline = codeOf(pool.acquire({ timeoutMs: 5_000, deadline: deadlineAfter(200, { clock }) }));
    await clock.advance(100);
    expect(await byTime).toBe('RESOURCE_TIMEOUT');
    expect(pool.statistics().waiting).toBe(1);
    await clock.advance(100);
    expect(await byDeadline).toBe('RESOURCE_TIMEOUT');
  });

  it('ends each wait at its own time, in whatever order they began', async () => {
    const { pool, clock } = openPool({ max: 1 });
    await pool.acquire();
    const ended: number[] = [];
    for (const timeoutMs of [300, 100, 200, 400]) {
      void pool.acquire({ timeoutMs }).catch(() => ended.push(timeoutMs));
    }
    await clock.advance(250);
    expect(ended).toEqual([100, 200]);
    await clock.advance(150);
    expect(ended).toEqual([100, 200, 300, 400]);
  });

  it('has no timer when nobody waits any more', async () => {
    const { pool, clock } = openPool({ max: 1, idleTimeoutMs: Infinity, maxLifetimeMs: Infinity });
    const first = await pool.acquire();
    const second = pool.acquire();
    await turn();
    expect(clock.pending()).toBe(1);
    first.release();
    (await second).release();
    expect(clock.pending()).toBe(0);
  });

  it('leaves the queue when its caller cancels, and passes nothing to it', async () => {
    const { pool } = openPool({ max: 1 });
    const first = await pool.acquire();
    const controller = new AbortController();
    const cancelled = pool.acquire({ signal: controller.signal }).catch((error: unknown) => error);
    const next = pool.acquire();
    controller.abort('gone');
    expect(await cancelled).toMatchObject({ code: 'RESOURCE_CANCELLED', cause: 'gone' });
    first.release();
    expect((await next).value.id).toBe(1);
    expect(await codeOf(pool.acquire({ signal: controller.signal }))).toBe('RESOURCE_CANCELLED');
  });

  it('keeps what was made for a borrower who has gone', async () => {
    const gate = deferred<Thing>();
    const { pool } = openPool({ create: () => gate.promise });
    const controller = new AbortController();
    const asked = codeOf(pool.acquire({ signal: controller.signal }));
    controller.abort();
    expect(await asked).toBe('RESOURCE_CANCELLED');
    gate.resolve({ id: 7 });
    await turn();
    expect(pool.tryAcquire()?.value.id).toBe(7);
  });

  it('says that it is exhausted when more than maxWaiters wait for a return', async () => {
    const { pool, events } = openPool({ max: 1, maxWaiters: 1 });
    await pool.acquire();
    void pool.acquire();
    await expect(pool.acquire()).rejects.toMatchObject({
      code: 'POOL_EXHAUSTED',
      retryable: true,
      details: { current: 1, max: 1, waiters: 1, maxWaiters: 1 },
    });
    expect(events.at(-1)).toMatchObject({ type: 'exhausted', waiting: 1 });
  });

  it('lets those wait for whom an instance is being made, even if nobody may wait for a return', async () => {
    const gate = deferred<Thing>();
    const { pool } = openPool({ max: 1, maxWaiters: 0, create: () => gate.promise });
    const first = pool.acquire();
    expect(await codeOf(pool.acquire())).toBe('POOL_EXHAUSTED');
    gate.resolve({ id: 1 });
    expect((await first).value.id).toBe(1);
  });
});

describe('tryAcquire', () => {
  it('lends only what lies ready', async () => {
    const { pool, made } = openPool();
    expect(pool.tryAcquire()).toBeUndefined();
    expect(made).toEqual([]);
    (await pool.acquire()).release();
    const lease = pool.tryAcquire();
    expect(lease?.value.id).toBe(1);
    expect(pool.tryAcquire()).toBeUndefined();
  });

  it('has an instance checked that is due, and lends it the next time', async () => {
    const { pool } = openPool({ validate: async () => true, aliveBypassMs: 0 });
    (await pool.acquire()).release();
    expect(pool.tryAcquire()).toBeUndefined();
    await turn();
    expect(pool.statistics()).toMatchObject({ idle: 1, validations: { total: 1, failed: 0 } });
  });
});

describe('a lease', () => {
  it('is given back once, and is worth nothing afterwards', async () => {
    const { pool } = openPool();
    const lease = await pool.acquire();
    lease.release();
    lease.release();
    lease.taint();
    await lease[Symbol.asyncDispose]();
    expect(lease.released).toBe(true);
    expect(() => lease.value).toThrow(expect.objectContaining({ code: 'LEASE_RELEASED' }));
    expect(lease.signal.aborted).toBe(true);
    const other = await pool.acquire();
    lease.release();
    expect(pool.statistics()).toMatchObject({ active: 1, idle: 0 });
    expect(other.value.id).toBe(1);
  });

  it('comes back at the end of its block, and the block waits until the instance is reset', async () => {
    const gate = deferred();
    const { pool } = openPool({ reset: () => gate.promise });
    let isOver = false;
    const block = (async () => {
      await using lease = await pool.acquire();
      expect(lease.value.id).toBe(1);
    })().then(() => (isOver = true));
    await turn();
    expect(isOver).toBe(false);
    expect(pool.statistics()).toMatchObject({ active: 0, checking: 1, idle: 0 });
    gate.resolve();
    await block;
    expect(pool.statistics()).toMatchObject({ checking: 0, idle: 1 });
  });

  it('comes back without waiting at the end of a synchronous block, and close waits for what is left to do', async () => {
    const gate = deferred();
    const { pool, destroyed } = openPool({ reset: () => gate.promise });
    const lease = await pool.acquire();
    {
      using held = lease;
      expect(held.released).toBe(false);
    }
    expect(pool.statistics()).toMatchObject({ active: 0, checking: 1 });
    const closing = pool.close();
    await turn();
    expect(destroyed).toEqual([]);
    gate.resolve();
    expect(await closing).toMatchObject({ destroyed: 1, forced: 0, left: 0 });
  });

  it('is destroyed when it was tainted', async () => {
    const { pool, destroyed } = openPool();
    const lease = await pool.acquire();
    lease.taint();
    expect(destroyed).toEqual([]);
    lease.release();
    expect(destroyed).toEqual([{ id: 1, reason: 'tainted' }]);
  });
});

describe('use', () => {
  it('gives back whatever the work does, and passes on its result or failure', async () => {
    const { pool } = openPool();
    expect(await pool.use((thing) => thing.id)).toBe(1);
    const failure = new Error('the work failed');
    await expect(pool.use(() => Promise.reject(failure))).rejects.toBe(failure);
    await expect(
      pool.use(() => {
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(pool.statistics()).toMatchObject({ active: 0, idle: 1 });
  });

  it('refuses to let work wait for a return that it may have to make itself', async () => {
    const { pool } = openPool({ max: 2 });
    await pool.use(async () => {
      await pool.use(async () => {
        expect(await codeOf(pool.acquire())).toBe('POOL_NESTED_ACQUIRE');
        expect(await codeOf(pool.use(() => undefined))).toBe('POOL_NESTED_ACQUIRE');
      });
      const nested = await pool.acquire();
      nested.release();
    });
  });

  it('knows nested work by the pool and by what it still holds', async () => {
    const { pool } = openPool({ max: 1 });
    const other = openPool({ max: 1 });
    await other.pool.acquire();
    let later: Promise<unknown> = Promise.resolve();
    await pool.use(async (_thing, lease) => {
      void other.pool.acquire();
      expect(other.pool.statistics().waiting).toBe(1);
      lease.release();
      const taken = await pool.acquire();
      later = pool.acquire();
      expect(pool.statistics().waiting).toBe(1);
      taken.release();
    });
    await later;
  });

  it('lets nested work wait when it is told to', async () => {
    const { pool, clock } = openPool({ max: 1, nestedAcquire: 'allow' });
    await pool.use(async () => {
      const nested = codeOf(pool.acquire({ timeoutMs: 10 }));
      await clock.advance(10);
      expect(await nested).toBe('RESOURCE_TIMEOUT');
    });
  });
});

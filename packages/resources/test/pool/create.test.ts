import { CodedError } from '@tenon/core';
import { describe, expect, it } from 'vitest';
import { codeOf, deferred, openPool, turn, type Thing } from './open-pool.ts';

const refused = new Error('connection refused');

describe('making instances', () => {
  it('tells the borrower at once why none could be made', async () => {
    const { pool, events } = openPool({ create: () => Promise.reject(refused) });
    await expect(pool.acquire()).rejects.toMatchObject({
      code: 'RESOURCE_INITIALIZATION_FAILED',
      cause: refused,
      retryable: false,
    });
    expect(events).toEqual([
      { type: 'create-failed', pool: 'things', error: refused, failuresInRow: 1, retryInMs: 200 },
    ]);
    expect(pool.statistics()).toMatchObject({ createFailures: 1, failedAcquisitions: 1, creating: 0, size: 0 });
  });

  it('passes on that a failure may be over soon', async () => {
    const busy = new CodedError('BUSY', 'too many connections', { retryable: true });
    const { pool } = openPool({ create: () => Promise.reject(busy) });
    await expect(pool.acquire()).rejects.toMatchObject({ cause: busy, retryable: true, retryAfterMs: 200 });
  });

  it('fails fast while it is suspended, for longer after each failure and up to a bound, and recovers', async () => {
    let fails = true;
    let calls = 0;
    const { pool, clock } = openPool({
      createBackoff: { initialMs: 100, factor: 3, maxMs: 500, jitter: 0 },
      create() {
        calls += 1;
        return fails ? Promise.reject(refused) : { id: calls };
      },
    });
    for (const suspendedMs of [100, 300, 500, 500]) {
      expect(await codeOf(pool.acquire())).toBe('RESOURCE_INITIALIZATION_FAILED');
      await clock.advance(suspendedMs - 1);
      await expect(pool.acquire()).rejects.toMatchObject({
        code: 'RESOURCE_UNAVAILABLE',
        retryable: true,
        retryAfterMs: 1,
        cause: refused,
      });
      await clock.advance(1);
    }
    expect(calls).toBe(4);
    fails = false;
    const lease = await pool.acquire();
    lease.taint();
    lease.release();
    fails = true;
    await expect(pool.acquire()).rejects.toMatchObject({
      code: 'RESOURCE_INITIALIZATION_FAILED',
      // Nothing is known of it that would make a further try worth while.
      retryable: false,
      retryAfterMs: undefined,
    });
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'RESOURCE_UNAVAILABLE', retryAfterMs: 100 });
  });

  it('takes the random part of the suspension off', async () => {
    const { pool, events } = openPool({
      random: () => 0.5,
      createBackoff: { initialMs: 1_000, jitter: 0.4 },
      create: () => Promise.reject(refused),
    });
    await codeOf(pool.acquire());
    expect(events[0]).toMatchObject({ type: 'create-failed', retryInMs: 800 });
  });

  it('tries as often as maxCreateFailures says before those who wait hear of it', async () => {
    let calls = 0;
    const { pool, clock } = openPool({
      maxCreateFailures: 3,
      create() {
        calls += 1;
        return Promise.reject(refused);
      },
    });
    const asked = codeOf(pool.acquire());
    await clock.advance(200);
    expect(calls).toBe(2);
    expect(pool.statistics().waiting).toBe(1);
    await clock.advance(400);
    expect(calls).toBe(3);
    expect(await asked).toBe('RESOURCE_INITIALIZATION_FAILED');
  });

  it('tries one at a time after a failure, and many again after a success', async () => {
    const gates: PromiseWithResolvers<Thing>[] = [];
    const { pool, clock } = openPool({
      maxCreateFailures: 9,
      create() {
        gates.push(deferred<Thing>());
        return gates.at(-1)?.promise ?? { id: 0 };
      },
    });
    const asked = Array.from({ length: 5 }, () => pool.acquire());
    expect(gates).toHaveLength(3);
    for (const gate of gates) gate.reject(refused);
    await turn();
    await clock.advance(200);
    expect(gates).toHaveLength(4);
    gates[3]?.resolve({ id: 4 });
    await turn();
    expect(gates).toHaveLength(7);
    for (const gate of gates) gate.resolve({ id: 5 });
    await turn();
    gates.at(-1)?.resolve({ id: 6 });
    expect(await Promise.all(asked)).toHaveLength(5);
  });

  it('leaves nobody behind when nothing can be made and nothing can come back', async () => {
    const gate = deferred<Thing>();
    const { pool } = openPool({ max: 2, maxConcurrentCreates: 1, create: () => gate.promise });
    const asked = [1, 2, 3, 4].map(() => codeOf(pool.acquire()));
    gate.reject(refused);
    expect(await Promise.all(asked)).toEqual([
      'RESOURCE_INITIALIZATION_FAILED',
      'RESOURCE_UNAVAILABLE',
      'RESOURCE_UNAVAILABLE',
      'RESOURCE_UNAVAILABLE',
    ]);
  });

  it('makes as many at once as maxConcurrentCreates says', async () => {
    let running = 0;
    let most = 0;
    const { pool } = openPool({
      maxConcurrentCreates: 2,
      async create() {
        running += 1;
        most = Math.max(most, running);
        await turn();
        running -= 1;
        return { id: 1 };
      },
    });
    await Promise.all(Array.from({ length: 6 }, () => pool.acquire()));
    expect(most).toBe(2);
  });

  it('gives a create up after its time, aborts its signal, and destroys what still comes', async () => {
    const gates: PromiseWithResolvers<Thing>[] = [];
    const signals: AbortSignal[] = [];
    const { pool, clock, destroyed } = openPool({
      max: 1,
      createTimeoutMs: 1_000,
      create({ signal }) {
        signals.push(signal);
        gates.push(deferred<Thing>());
        return gates.at(-1)?.promise ?? { id: 0 };
      },
    });
    const first = pool.acquire().catch((error: unknown) => error);
    await clock.advance(1_000);
    expect(await first).toMatchObject({
      code: 'RESOURCE_INITIALIZATION_FAILED',
      cause: { code: 'RESOURCE_TIMEOUT', details: { operation: 'create', timeoutMs: 1_000 } },
    });
    expect(signals[0]?.aborted).toBe(true);
    await clock.advance(200);
    const second = pool.acquire();
    gates[0]?.resolve({ id: 1 });
    await turn();
    expect(destroyed).toEqual([{ id: 1, reason: 'late' }]);
    gates[1]?.resolve({ id: 2 });
    expect((await second).value.id).toBe(2);
    expect(pool.statistics()).toMatchObject({ created: 2, lateCreates: 1, destroyed: 1, size: 1 });
  });
});

describe('min and warmUp', () => {
  it('makes nothing before anybody asks, and then keeps min', async () => {
    const { pool, made } = openPool({ min: 2 });
    expect(made).toHaveLength(0);
    const lease = await pool.acquire();
    expect(made).toHaveLength(2);
    lease.taint();
    lease.release();
    expect(pool.statistics()).toMatchObject({ size: 2, idle: 2 });
  });

  it('makes min, or as many as are asked for', async () => {
    const { pool } = openPool({ min: 2 });
    await pool.warmUp();
    expect(pool.statistics().idle).toBe(2);
    await pool.warmUp({ count: 5 });
    expect(pool.statistics().idle).toBe(5);
    await pool.warmUp({ count: 1 });
    expect(pool.statistics().idle).toBe(5);
    expect(await codeOf(pool.warmUp({ count: 11 }))).toBe('RESOURCE_CONFIGURATION_INVALID');
  });

  it('fails with the first failure, or when its caller has gone', async () => {
    const failing = openPool({ create: () => Promise.reject(refused) });
    await expect(failing.pool.warmUp({ count: 2 })).rejects.toMatchObject({
      code: 'RESOURCE_INITIALIZATION_FAILED',
      cause: refused,
    });
    expect(await codeOf(failing.pool.warmUp({ count: 2 }))).toBe('RESOURCE_UNAVAILABLE');
    const { pool } = openPool({ create: () => deferred<Thing>().promise });
    const controller = new AbortController();
    const asked = codeOf(pool.warmUp({ count: 1, signal: controller.signal }));
    controller.abort();
    expect(await asked).toBe('RESOURCE_CANCELLED');
    expect(await codeOf(pool.warmUp({ signal: controller.signal }))).toBe('RESOURCE_CANCELLED');
  });

  it('goes on trying to keep min while it fails, and stops when it has succeeded', async () => {
    let fails = true;
    let calls = 0;
    const { pool, clock } = openPool({
      min: 1,
      idleTimeoutMs: Infinity,
      maxLifetimeMs: Infinity,
      create() {
        calls += 1;
        return fails ? Promise.reject(refused) : { id: calls };
      },
    });
    await codeOf(pool.warmUp());
    await clock.advance(200);
    expect(calls).toBe(2);
    fails = false;
    await clock.advance(400);
    expect(pool.statistics().idle).toBe(1);
    expect(clock.pending()).toBe(0);
  });
});

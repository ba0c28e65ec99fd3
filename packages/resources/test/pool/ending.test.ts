import { systemClock } from '@tenon/core';
import { describe, expect, it } from 'vitest';
import { codeOf, deferred, openPool, turn, type Thing } from './open-pool.ts';

describe('revoke', () => {
  it('is a fence: when it returns nothing is lent, nobody waits, and leases are worth nothing', async () => {
    const { pool, destroyed, events } = openPool({ max: 2 });
    const [held, idle] = [await pool.acquire(), await pool.acquire()];
    const { signal } = held;
    const waiting = pool.acquire();
    idle.release();
    pool.revoke();
    // It was handed over in this very turn, and has not reached its borrower.
    const handed = await waiting;
    expect(() => handed.value).toThrow(expect.objectContaining({ code: 'RESOURCE_REVOKED' }));
    handed.release();
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'RESOURCE_REVOKED' });
    expect(() => held.value).toThrow(expect.objectContaining({ code: 'RESOURCE_REVOKED' }));
    expect(pool.tryAcquire()).toBeUndefined();
    expect(await codeOf(pool.acquire())).toBe('RESOURCE_REVOKED');
    expect(await codeOf(pool.warmUp())).toBe('RESOURCE_REVOKED');
    held.release();
    expect(destroyed).toContainEqual({ id: 1, reason: 'revoked' });
    expect(pool.statistics()).toMatchObject({ state: 'revoked', idle: 0 });
    pool.revoke();
    expect(events.filter(({ type }) => type === 'revoked')).toHaveLength(1);
  });

  it('rejects those who wait and destroys what is being made for them', async () => {
    const gate = deferred<Thing>();
    const signals: AbortSignal[] = [];
    const { pool, destroyed } = openPool({
      create({ signal }) {
        signals.push(signal);
        return gate.promise;
      },
    });
    const waiting = codeOf(pool.acquire());
    pool.revoke();
    expect(await waiting).toBe('RESOURCE_REVOKED');
    expect(signals[0]?.aborted).toBe(true);
    gate.resolve({ id: 1 });
    await turn();
    expect(destroyed).toEqual([{ id: 1, reason: 'late' }]);
    expect(pool.statistics().size).toBe(0);
  });

  it('gives a lease that asks for its signal afterwards one that is aborted', async () => {
    const { pool } = openPool();
    const lease = await pool.acquire();
    pool.revoke();
    expect(lease.signal.aborted).toBe(true);
  });

  it('ends the tries to make an instance', async () => {
    let calls = 0;
    const { pool, clock } = openPool({
      maxCreateFailures: 9,
      create() {
        calls += 1;
        return Promise.reject(new Error('refused'));
      },
    });
    const waiting = codeOf(pool.acquire());
    await turn();
    expect(clock.pending()).toBe(2);
    pool.revoke();
    expect(clock.pending()).toBe(0);
    expect(await waiting).toBe('RESOURCE_REVOKED');
    expect(calls).toBe(1);
  });

  it('leaves the rest to close', async () => {
    const { pool } = openPool();
    const lease = await pool.acquire();
    pool.revoke();
    const closing = pool.close();
    await turn();
    lease.release();
    expect(await closing).toEqual({ returned: 1, destroyed: 1, forced: 0, left: 0 });
  });
});

describe('drain', () => {
  it('serves those who wait, refuses others, and says who came back', async () => {
    const { pool, destroyed } = openPool({ max: 1 });
    const lease = await pool.acquire();
    const waiting = pool.use(({ id }) => id);
    const draining = pool.drain();
    expect(await codeOf(pool.acquire())).toBe('POOL_CLOSED');
    expect(pool.tryAcquire()).toBeUndefined();
    lease.release();
    expect(await waiting).toBe(1);
    expect(await draining).toEqual({ returned: 2, left: 0 });
    expect(destroyed).toEqual([{ id: 1, reason: 'closed' }]);
    expect(pool.statistics().state).toBe('draining');
  });

  it('stops waiting after its time', async () => {
    const { pool, clock } = openPool();
    await pool.acquire();
    const draining = pool.drain({ timeoutMs: 100 });
    await clock.advance(100);
    expect(await draining).toEqual({ returned: 0, left: 1 });
  });
});

describe('close', () => {
  it('keeps the process alive while it waits for borrowers', async () => {
    const held = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = held();
    const { pool } = openPool({ clock: systemClock });
    const lease = await pool.acquire();
    const closing = pool.close({ timeoutMs: 60_000 });
    expect(held()).toBe(before + 1);
    lease.release();
    expect(await closing).toMatchObject({ returned: 1, forced: 0 });
    expect(held()).toBe(before);
  });

  it('destroys idle ones at once and reports', async () => {
    const { pool, destroyed, events } = openPool();
    await pool.warmUp({ count: 2 });
    expect(await pool.close()).toEqual({ returned: 0, destroyed: 2, forced: 0, left: 0 });
    expect(destroyed.map(({ reason }) => reason)).toEqual(['closed', 'closed']);
    expect(await codeOf(pool.acquire())).toBe('POOL_CLOSED');
    expect(await codeOf(pool.warmUp())).toBe('POOL_CLOSED');
    expect(events.at(-1)).toEqual({ type: 'closed', pool: 'things', forced: 0, left: 0 });
  });

  it('gives every caller the same report, and disposal closes', async () => {
    const { pool } = openPool();
    await pool.warmUp({ count: 1 });
    const reports = await Promise.all([pool.close(), pool.close()]);
    await pool[Symbol.asyncDispose]();
    expect(reports[0]).toBe(reports[1]);
    expect(pool.statistics().state).toBe('closed');
  });

  it('destroys what is still borrowed after its time, and tells the borrower', async () => {
    const { pool, clock, destroyed } = openPool();
    const lease = await pool.acquire();
    const { signal } = lease;
    const closing = pool.close({ timeoutMs: 1_000 });
    await clock.advance(999);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    expect(signal.reason).toMatchObject({ code: 'POOL_CLOSED' });
    expect(await closing).toEqual({ returned: 0, destroyed: 1, forced: 1, left: 0 });
    lease.release();
    expect(destroyed).toEqual([{ id: 1, reason: 'forced' }]);
    expect(clock.pending()).toBe(0);
  });

  it('waits for borrowers for 30 seconds when it is not told otherwise', async () => {
    const { pool, clock } = openPool();
    await pool.acquire();
    const closing = pool.close();
    await clock.advance(29_999);
    expect(pool.statistics().active).toBe(1);
    await clock.advance(1);
    expect(await closing).toMatchObject({ forced: 1 });
  });

  it('leaves to borrowers what they have, when told to, and destroys it when it comes back', async () => {
    const { pool, destroyed } = openPool();
    const lease = await pool.acquire();
    const { signal } = lease;
    expect(await pool.close({ timeoutMs: 0, mode: 'leave' })).toEqual({
      returned: 0,
      destroyed: 0,
      forced: 0,
      left: 1,
    });
    expect(signal.aborted).toBe(true);
    expect(destroyed).toEqual([]);
    lease.release();
    expect(destroyed).toEqual([{ id: 1, reason: 'closed' }]);
  });

  it('ends in time and counts what is left, with a create and a destroy that hang', async () => {
    const gate = deferred<Thing>();
    let calls = 0;
    const { pool, clock, destroyed } = openPool({
      destroyTimeoutMs: 2_000,
      create() {
        calls += 1;
        return calls === 1 ? { id: 1 } : gate.promise;
      },
      destroy: ({ id }, { reason }) => {
        destroyed.push({ id, reason });
        return id === 1 ? deferred().promise : undefined;
      },
    });
    await pool.acquire();
    const waiting = codeOf(pool.acquire());
    const closing = pool.close({ timeoutMs: 500 });
    await clock.advance(500);
    expect(await waiting).toBe('POOL_CLOSED');
    await clock.advance(2_000);
    expect(await closing).toEqual({ returned: 0, destroyed: 1, forced: 1, left: 2 });
    gate.resolve({ id: 2 });
    await turn();
    expect(destroyed).toEqual([
      { id: 1, reason: 'forced' },
      { id: 2, reason: 'late' },
    ]);
  });

  it('ends a warm-up that is going on', async () => {
    const { pool } = openPool({ create: () => deferred<Thing>().promise });
    const warming = codeOf(pool.warmUp({ count: 1 }));
    void pool.close({ timeoutMs: 0 });
    expect(await warming).toBe('POOL_CLOSED');
  });
});

import { describe, expect, it } from 'vitest';
import { codeOf, deferred, openPool, turn } from './open-pool.ts';

const HOUR_MS = 3_600_000;

describe('idle and life time', () => {
  it('destroys what was idle for idleTimeoutMs, at most an eighth later, and keeps min', async () => {
    const { pool, clock, destroyed } = openPool({ min: 1, idleTimeoutMs: 8_000, maxLifetimeMs: Infinity });
    await pool.warmUp({ count: 3 });
    await clock.advance(7_999);
    expect(destroyed).toEqual([]);
    await clock.advance(1_001);
    expect(destroyed).toEqual([
      { id: 1, reason: 'idle' },
      { id: 2, reason: 'idle' },
    ]);
    await clock.advance(HOUR_MS);
    expect(pool.statistics().idle).toBe(1);
  });

  it('keeps what is in use now and then', async () => {
    const { pool, clock, destroyed } = openPool({ idleTimeoutMs: 8_000, maxLifetimeMs: Infinity });
    for (let time = 0; time < 10; time += 1) {
      await pool.use(() => undefined);
      await clock.advance(6_000);
    }
    expect(destroyed).toEqual([]);
  });

  it('has no timer when there is nothing that could expire', async () => {
    const { pool, clock, destroyed } = openPool({ idleTimeoutMs: 1_000 });
    await pool.use(() => undefined);
    expect(clock.pending()).toBe(1);
    await clock.advance(2_000);
    expect(destroyed).toEqual([{ id: 1, reason: 'idle' }]);
    expect(clock.pending()).toBe(0);
  });

  it('keeps instances for 10 minutes idle and for 30 in all when it is not told otherwise', async () => {
    const { pool, clock, destroyed } = openPool();
    await pool.warmUp({ count: 1 });
    await clock.advance(599_000);
    expect(destroyed).toEqual([]);
    await clock.advance(77_000);
    expect(destroyed).toEqual([{ id: 1, reason: 'idle' }]);
    const busy = openPool({ idleTimeoutMs: Infinity });
    await busy.pool.warmUp({ count: 1 });
    await busy.clock.advance(1_799_999);
    expect(busy.destroyed).toEqual([]);
    await busy.clock.advance(1);
    expect(busy.destroyed).toEqual([{ id: 1, reason: 'expired' }]);
  });

  it('gives each instance a life time of its own, up to a twentieth shorter', async () => {
    const parts = [0, 0.5, 0.999];
    const { pool, clock, destroyed } = openPool({
      maxLifetimeMs: 10_000,
      idleTimeoutMs: Infinity,
      random: () => parts.shift() ?? 0,
    });
    await pool.warmUp({ count: 3 });
    await clock.advance(9_501);
    expect(destroyed.map(({ id }) => id)).toEqual([3]);
    await clock.advance(249);
    expect(destroyed.map(({ id }) => id)).toEqual([3, 2]);
    await clock.advance(250);
    expect(destroyed.map(({ id }) => id)).toEqual([3, 2, 1]);
  });

  it('lets a borrower finish with what has expired, and makes another for the next', async () => {
    const { pool, clock, destroyed } = openPool({ maxLifetimeMs: 1_000, max: 1 });
    const lease = await pool.acquire();
    const next = pool.acquire();
    await clock.advance(1_000);
    expect(lease.value.id).toBe(1);
    lease.release();
    expect(destroyed).toEqual([{ id: 1, reason: 'expired' }]);
    expect((await next).value.id).toBe(2);
  });

  it('lends an instance maxUses times', async () => {
    const { pool, destroyed } = openPool({ maxUses: 2 });
    const ids: number[] = [];
    for (let time = 0; time < 4; time += 1) ids.push(await pool.use(({ id }) => id));
    expect(ids).toEqual([1, 1, 2, 2]);
    expect(destroyed[0]).toEqual({ id: 1, reason: 'used-up' });
  });
});

describe('checks', () => {
  it('finds what is broken at its return and when it is borrowed', async () => {
    const { pool, made, destroyed } = openPool({ isBroken: (thing) => thing.isBroken === true });
    await pool.use((thing) => void (thing.isBroken = true));
    expect(destroyed).toEqual([{ id: 1, reason: 'broken' }]);
    await pool.use(() => undefined);
    const [, second] = made;
    if (second !== undefined) second.isBroken = true;
    expect(await pool.use(({ id }) => id)).toBe(3);
    expect(destroyed[1]).toEqual({ id: 2, reason: 'broken' });
  });

  it('takes a look that throws for a yes', async () => {
    const { pool, destroyed } = openPool({
      isBroken() {
        throw new Error('no look possible');
      },
    });
    await pool.use(() => undefined);
    expect(destroyed).toEqual([{ id: 1, reason: 'broken' }]);
  });

  it('validates what was idle for aliveBypassMs, and replaces what is not fit', async () => {
    const asked: number[] = [];
    const { pool, clock, destroyed } = openPool({
      aliveBypassMs: 300,
      validate({ id }) {
        asked.push(id);
        return Promise.resolve(id > 1);
      },
    });
    await pool.use(() => undefined);
    await clock.advance(299);
    await pool.use(() => undefined);
    expect(asked).toEqual([]);
    await clock.advance(300);
    expect(await pool.use(({ id }) => id)).toBe(2);
    expect(asked).toEqual([1]);
    expect(destroyed).toEqual([{ id: 1, reason: 'invalid' }]);
    expect(pool.statistics().validations).toMatchObject({ total: 1, failed: 1, lastAtMs: clock.now() });
  });

  it('does not validate again within half a second when it is not told otherwise', async () => {
    let asked = 0;
    const { pool, clock } = openPool({
      validate() {
        asked += 1;
        return true;
      },
    });
    await pool.use(() => undefined);
    await clock.advance(499);
    await pool.use(() => undefined);
    expect(asked).toBe(0);
    await clock.advance(500);
    await pool.use(() => undefined);
    expect(asked).toBe(1);
  });

  it.each(['validate', 'reset'] as const)(
    'destroys what %s throws at, or does not answer for in time',
    async (kind) => {
      const reason = kind === 'validate' ? 'invalid' : 'reset-failed';
      const failure = new Error('no answer');
      const failing = openPool({ [kind]: () => Promise.reject(failure), aliveBypassMs: 0 });
      await failing.pool.use(() => undefined);
      await failing.pool.use(() => undefined);
      await turn();
      expect(failing.destroyed[0]).toEqual({ id: 1, reason });
      expect(failing.events).toContainEqual({ type: `${kind}-failed`, pool: 'things', error: failure });

      const signals: AbortSignal[] = [];
      const hanging = openPool({
        [kind]: (_thing: unknown, { signal }: { readonly signal: AbortSignal }) => {
          signals.push(signal);
          return deferred<boolean>().promise;
        },
        [`${kind}TimeoutMs`]: 700,
        aliveBypassMs: 0,
        max: 1,
      });
      await hanging.pool.use(() => undefined);
      const next = hanging.pool.use(({ id }) => id);
      await hanging.clock.advance(699);
      expect(hanging.destroyed).toEqual([]);
      await hanging.clock.advance(1);
      expect(hanging.destroyed).toEqual([{ id: 1, reason }]);
      expect(await next).toBe(2);
      expect(signals[0]?.aborted).toBe(true);
    },
  );

  it('counts a check that was passed as use', async () => {
    let asked = 0;
    const { pool, clock } = openPool({
      aliveBypassMs: 100,
      async validate() {
        asked += 1;
        return true;
      },
    });
    await pool.use(() => undefined);
    await clock.advance(100);
    expect(pool.tryAcquire()).toBeUndefined();
    await turn();
    expect(pool.tryAcquire()?.value.id).toBe(1);
    expect(asked).toBe(1);
  });

  it('does not reset for a borrower who will not come', async () => {
    let resets = 0;
    const { pool } = openPool({ reset: () => void (resets += 1) });
    const lease = await pool.acquire();
    const closing = pool.close();
    lease.release();
    expect(await closing).toMatchObject({ returned: 1, destroyed: 1 });
    expect(resets).toBe(0);
  });

  it('uses another idle instance when the one that was checked first is not fit', async () => {
    const { pool } = openPool({ max: 2, aliveBypassMs: 0, validate: async ({ id }) => id === 1, strategy: 'lifo' });
    await pool.warmUp({ count: 2 });
    expect(await pool.use(({ id }) => id)).toBe(1);
  });

  it('resets between borrowers, and destroys what is refused', async () => {
    const resets: number[] = [];
    const { pool, destroyed } = openPool({
      reset({ id }) {
        resets.push(id);
        return id !== 1;
      },
    });
    expect(await pool.use(({ id }) => id)).toBe(1);
    expect(await pool.use(({ id }) => id)).toBe(2);
    expect(await pool.use(({ id }) => id)).toBe(2);
    expect(resets).toEqual([1, 2, 2]);
    expect(destroyed).toEqual([{ id: 1, reason: 'reset-failed' }]);
  });
});

describe('destroy', () => {
  it('keeps the place until it is done', async () => {
    const gate = deferred();
    const { pool, made } = openPool({ max: 1, destroy: () => gate.promise });
    const lease = await pool.acquire();
    lease.taint();
    lease.release();
    const next = pool.acquire();
    await turn();
    expect(made).toHaveLength(1);
    expect(pool.statistics()).toMatchObject({ destroying: 1, size: 0, waiting: 1 });
    gate.resolve();
    expect((await next).value.id).toBe(2);
  });

  it('frees the place when it fails or takes longer than destroyTimeoutMs, and says so', async () => {
    const failure = new Error('cannot close');
    const signals: AbortSignal[] = [];
    const { pool, clock, events } = openPool({
      max: 1,
      destroyTimeoutMs: 900,
      destroy({ id }, { signal }) {
        signals.push(signal);
        return id === 1 ? Promise.reject(failure) : deferred().promise;
      },
    });
    for (let time = 0; time < 2; time += 1) {
      const lease = await pool.acquire();
      lease.taint();
      lease.release();
      await turn();
    }
    expect(events).toContainEqual({ type: 'destroy-failed', pool: 'things', reason: 'tainted', error: failure });
    const next = pool.acquire();
    await clock.advance(899);
    expect(pool.statistics().waiting).toBe(1);
    await clock.advance(1);
    expect((await next).value.id).toBe(3);
    expect(signals[1]?.aborted).toBe(true);
    expect(pool.statistics()).toMatchObject({ destroyed: 2, destroyFailures: 2 });
  });
});

describe('invalidate', () => {
  it('destroys idle ones at once, borrowed ones at their return, and those being made when they are made', async () => {
    const gate = deferred();
    let made = 0;
    const { pool, destroyed, events } = openPool({
      async create() {
        const id = (made += 1);
        if (id === 3) await gate.promise;
        return { id };
      },
    });
    const [first, second] = [await pool.acquire(), await pool.acquire()];
    const late = pool.acquire();
    first.release();
    expect((await late).value.id).toBe(1);
    (await late).release();
    pool.invalidate('new settings');
    expect(destroyed).toEqual([{ id: 1, reason: 'invalidated' }]);
    second.release();
    expect(destroyed).toContainEqual({ id: 2, reason: 'invalidated' });
    gate.resolve();
    await turn();
    expect(destroyed).toContainEqual({ id: 3, reason: 'invalidated' });
    expect((await pool.acquire()).value.id).toBe(4);
    expect(events).toContainEqual({ type: 'invalidated', pool: 'things', generation: 1, why: 'new settings' });
    expect(pool.statistics().generation).toBe(1);
  });

  it('tries at once what has failed before', async () => {
    let fails = true;
    const { pool } = openPool({ create: () => (fails ? Promise.reject(new Error('wrong host')) : { id: 1 }) });
    await codeOf(pool.acquire());
    fails = false;
    expect(await codeOf(pool.acquire())).toBe('RESOURCE_UNAVAILABLE');
    pool.invalidate();
    expect((await pool.acquire()).value.id).toBe(1);
  });

  it('that comes with each instance that is made does not keep the process busy: the next ones are made after a while', async () => {
    let made = 0;
    const { pool, clock } = openPool({
      createBackoff: { initialMs: 100, jitter: 0 },
      acquireTimeoutMs: 1_000,
      create() {
        made += 1;
        if (made < 50) pool.invalidate();
        return { id: made };
      },
    });
    const asked = codeOf(pool.acquire());
    expect(made).toBe(5);
    await clock.advance(100);
    expect(made).toBe(6);
    await clock.advance(900);
    expect(await asked).toBe('RESOURCE_TIMEOUT');
    expect(made).toBeLessThan(20);
    made = 50;
    await clock.advance(100);
    const lease = await pool.acquire();
    expect(lease.value).toEqual({ id: 51 });
    lease.release();
    await pool.close();
    expect(pool.statistics()).toMatchObject({ size: 0, creating: 0 });
  });
});

describe('resize', () => {
  it('makes room for those who wait', async () => {
    const { pool, events } = openPool({ max: 1 });
    await pool.acquire();
    const waiting = pool.acquire();
    pool.resize({ max: 2 });
    expect((await waiting).value.id).toBe(2);
    expect(events).toContainEqual({ type: 'resized', pool: 'things', min: 0, max: 2 });
  });

  it('destroys surplus idle ones at once and surplus borrowed ones at their return', async () => {
    const { pool, destroyed } = openPool({ max: 4 });
    const leases = await Promise.all([1, 2, 3, 4].map(() => pool.acquire()));
    leases[0]?.release();
    pool.resize({ max: 2 });
    expect(destroyed).toEqual([{ id: 1, reason: 'surplus' }]);
    leases[1]?.release();
    expect(destroyed).toHaveLength(2);
    leases[2]?.release();
    leases[3]?.release();
    expect(pool.statistics()).toMatchObject({ size: 2, idle: 2, max: 2 });
    expect(destroyed).toHaveLength(2);
  });

  it('keeps a larger min at once, and refuses bounds that make no sense', async () => {
    const { pool } = openPool({ max: 4 });
    await pool.use(() => undefined);
    pool.resize({ min: 3 });
    expect(pool.statistics().idle).toBe(3);
    for (const size of [{ min: 5 }, { max: 0 }, { max: 2 }, { min: -1 }, { max: 2.5 }]) {
      expect(() => pool.resize(size)).toThrow(expect.objectContaining({ code: 'RESOURCE_CONFIGURATION_INVALID' }));
    }
    expect(pool.statistics()).toMatchObject({ min: 3, max: 4 });
  });
});

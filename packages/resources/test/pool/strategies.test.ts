import { createTestClock } from '@tenon/core/testing';
import { createPool, type Pool, type PoolStrategy } from '@tenon/resources';
import { describe, expect, it } from 'vitest';
import { openPool, type Thing } from './open-pool.ts';

describe('the order in which idle instances are used', () => {
  // 1, 2 and 3 are lent in this order, and come back in the order 2, 3, 1.
  it.each([
    ['lifo', 1],
    ['fifo', 2],
    ['lru', 1],
    [undefined, 1],
  ] as const)('%s', async (strategy, expected) => {
    const { pool } = openPool(strategy === undefined ? {} : { strategy });
    const [one, two, three] = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    for (const lease of [two, three, one]) lease.release();
    expect(await pool.use(({ id }) => id)).toBe(expected);
  });

  it('lru goes by when an instance was lent, and lifo by when it came back', async () => {
    for (const [strategy, expected] of [
      ['lru', 1],
      ['lifo', 2],
    ] as const) {
      const { pool } = openPool({ strategy });
      const [one, two] = [await pool.acquire(), await pool.acquire()];
      one.release();
      two.release();
      expect(await pool.use(({ id }) => id)).toBe(expected);
    }
  });
});

async function sharesOf(pool: Pool<Thing>, times: number): Promise<Record<number, number>> {
  const shares: Record<number, number> = {};
  for (let time = 0; time < times; time += 1) {
    await pool.use(({ id }) => void (shares[id] = (shares[id] ?? 0) + 1));
  }
  return shares;
}

describe('weighted', () => {
  it('gives turns in proportion to weight, and follows health when it changes', async () => {
    const health = new Map<number, number>([
      [1, 1],
      [2, 0.5],
      [3, 0],
    ]);
    const { pool } = openPool({ strategy: 'weighted', healthOf: ({ id }) => health.get(id) });
    await pool.warmUp({ count: 3 });
    // Weights are 1, 0.75 and (0.5 * 0 + 0.5) / 50 = 0.01.
    expect(await sharesOf(pool, 1_760)).toEqual({ 1: 1_000, 2: 750, 3: 10 });
    health.set(3, 1).set(1, 0);
    const after = await sharesOf(pool, 1_760);
    expect(after[3]).toBeGreaterThan(980);
    expect(after[1]).toBeLessThan(20);
  });

  it('spreads turns evenly, and counts no data as 0.8', async () => {
    const { pool } = openPool({ strategy: 'weighted' });
    await pool.warmUp({ count: 3 });
    const order: number[] = [];
    for (let time = 0; time < 6; time += 1) await pool.use(({ id }) => void order.push(id));
    expect(new Set(order.slice(0, 3)).size).toBe(3);
    expect(await sharesOf(pool, 300)).toEqual({ 1: 100, 2: 100, 3: 100 });
  });

  it('learns from failures and from response times', async () => {
    const { pool } = openPool({ strategy: 'weighted', healthOf: () => 1 });
    await pool.warmUp({ count: 3 });
    const shares: Record<number, number> = {};
    for (let time = 0; time < 2_000; time += 1) {
      const lease = await pool.acquire();
      const { id } = lease.value;
      shares[id] = (shares[id] ?? 0) + 1;
      lease.release({ failed: id === 2, responseMs: id === 3 ? 1_500 : 10 });
    }
    // In the end the weights are 1, 0.7 and 0.85.
    const [first = 0, second = 0, third = 0] = [shares[1], shares[2], shares[3]];
    expect(second / first).toBeCloseTo(0.7, 1);
    expect(third / first).toBeCloseTo(0.85, 1);
  });
});

/** Work on three instances of which one is slow, by two workers at a time. @returns how long it took */
async function timeOfWork(strategy: PoolStrategy, slowId: (done: number) => number): Promise<number> {
  const clock = createTestClock();
  let made = 0;
  const pool = createPool<Thing>({
    name: 'replicas',
    strategy,
    clock,
    idleTimeoutMs: Infinity,
    maxLifetimeMs: Infinity,
    create: () => ({ id: (made += 1) }),
    destroy: () => undefined,
  });
  await pool.warmUp({ count: 3 });
  const startedMs = clock.monotonicMs();
  let done = 0;
  const progress = { isOver: false };
  const worker = async (): Promise<void> => {
    while (done < 300) {
      done += 1;
      const lease = await pool.acquire();
      const isSlow = lease.value.id === slowId(done);
      await new Promise<void>((resolve) => {
        clock.schedule(resolve, isSlow ? 800 : 50);
      });
      lease.release({ failed: isSlow && done % 2 === 0 });
    }
  };
  const ended = Promise.all([worker(), worker()]).then(() => (progress.isOver = true));
  while (!progress.isOver) await clock.advance(50);
  await ended;
  await pool.close();
  return clock.monotonicMs() - startedMs;
}

describe('adaptive', () => {
  it('beats fifo with one slow member, and learns anew when another becomes slow', async () => {
    const slowMember = (done: number): number => (done < 150 ? 2 : 3);
    const fifoMs = await timeOfWork('fifo', slowMember);
    const adaptiveMs = await timeOfWork('adaptive', slowMember);
    // Without the slow member it would be 300 * 50 / 2 = 7,500.
    expect(adaptiveMs).toBeLessThan(fifoMs * 0.7);
  });

  it('gives one that was idle for a minute another chance', async () => {
    const { pool, clock } = openPool({ strategy: 'adaptive' });
    const [one, two] = [await pool.acquire(), await pool.acquire()];
    one.release({ failed: true, responseMs: 2_000 });
    two.release({ responseMs: 400 });
    const chosen = async (): Promise<number> => {
      const lease = await pool.acquire();
      const { id } = lease.value;
      lease.release({ responseMs: 400 });
      return id;
    };
    expect(await chosen()).toBe(2);
    await clock.advance(40_000);
    expect(await chosen()).toBe(2);
    await clock.advance(21_000);
    expect(await chosen()).toBe(1);
  });

  // The first instance is better by a little, and idle for longer.
  async function chosenAfter(scores: readonly (readonly [times: number, responseMs: number])[]): Promise<number> {
    const { pool, clock } = openPool({ strategy: 'adaptive', healthOf: ({ id }) => (id === 1 ? 1 : 0.96) });
    await pool.warmUp({ count: 2 });
    for (const [times, responseMs] of scores) {
      for (let time = 0; time < times; time += 1) {
        const leases = [await pool.acquire(), await pool.acquire()];
        for (const lease of leases) lease.release({ responseMs });
      }
    }
    const [one, two] = [await pool.acquire(), await pool.acquire()];
    const [first, second] = one.value.id === 1 ? [one, two] : [two, one];
    first.release({ responseMs: scores.at(-1)?.[1] ?? 0 });
    await clock.advance(30_000);
    second.release({ responseMs: scores.at(-1)?.[1] ?? 0 });
    return pool.use(({ id }) => id);
  }

  it('weighs rest against worth at first, trusts worth alone when that went well, and takes turns when it did not', async () => {
    expect(await chosenAfter([[20, 10]])).toBe(2);
    expect(
      await chosenAfter([
        [40, 3_000],
        [17, 10],
      ]),
    ).toBe(1);
    const { pool } = openPool({ strategy: 'adaptive' });
    await pool.warmUp({ count: 3 });
    for (let time = 0; time < 90; time += 1) (await pool.acquire()).release({ failed: time >= 50 });
    const turns: number[] = [];
    for (let time = 0; time < 3; time += 1) await pool.use(({ id }) => void turns.push(id));
    expect(new Set(turns)).toEqual(new Set([1, 2, 3]));
  });

  it('does no harm when all are alike', async () => {
    const noMember = (): number => 0;
    expect(await timeOfWork('adaptive', noMember)).toBe(await timeOfWork('fifo', noMember));
  });
});

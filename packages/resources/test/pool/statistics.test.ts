import { describe, expect, it } from 'vitest';
import { codeOf, openPool, turn } from './open-pool.ts';

describe('statistics', () => {
  it('count what happened, and time the waits', async () => {
    const { pool, clock } = openPool({ max: 1 });
    const first = await pool.acquire();
    const second = pool.acquire();
    await turn();
    await clock.advance(70);
    first.release();
    (await second).release();
    const failed = codeOf(pool.acquire({ signal: AbortSignal.abort() }));
    expect(await failed).toBe('RESOURCE_CANCELLED');
    const { waitHistogram, ...statistics } = pool.statistics();
    expect(statistics).toMatchObject({
      acquisitions: 2,
      releases: 2,
      failedAcquisitions: 1,
      // The first borrower waited as well, for its instance to be made.
      waits: 2,
      totalWaitMs: 70,
      averageWaitMs: 35,
      averageAcquireMs: 35,
      active: 0,
      idle: 1,
      size: 1,
      peakActive: 1,
      utilization: 0,
      created: 1,
      destroyed: 0,
    });
    expect(waitHistogram.filter(({ count }) => count > 0)).toEqual([
      { upToMs: 1, count: 1 },
      { upToMs: 100, count: 1 },
    ]);
    expect(waitHistogram.at(-1)?.upToMs).toBe(Infinity);
  });

  it('show what is lent now, and what was of late', async () => {
    const { pool } = openPool({ max: 4 });
    const leases = [await pool.acquire(), await pool.acquire()];
    expect(pool.statistics().utilization).toBe(0.5);
    for (let time = 0; time < 2_000; time += 1) (await pool.acquire()).release();
    for (const lease of leases) lease.release();
    expect(pool.statistics().utilization).toBe(0);
    expect(pool.statistics().recentUtilization).toBeCloseTo(0.75, 2);
  });
});

describe('recommendation', () => {
  it('says nothing before it has seen enough', () => {
    const { pool } = openPool();
    expect(pool.recommendation()).toMatchObject({ action: 'keep', max: 10, healthScore: 1 });
  });

  it('grows a pool that is full by a half', async () => {
    const { pool } = openPool({ max: 4 });
    const leases = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    for (let time = 0; time < 2_000; time += 1) (await pool.acquire()).release();
    expect(pool.recommendation()).toMatchObject({ action: 'grow', max: 6 });
    expect(pool.recommendation().healthScore).toBeLessThan(1);
    for (const lease of leases) lease.release();
  });

  it('shrinks one that is nearly empty by a quarter, never below min', async () => {
    const { pool } = openPool({ max: 20 });
    for (let time = 0; time < 300; time += 1) await pool.use(() => undefined);
    expect(pool.recommendation()).toMatchObject({ action: 'shrink', max: 15 });
    pool.resize({ min: 18 });
    expect(pool.recommendation()).toMatchObject({ action: 'shrink', max: 18 });
  });

  it('keeps one that is neither', async () => {
    const { pool } = openPool({ max: 2 });
    for (let time = 0; time < 2_000; time += 1) await pool.use(() => undefined);
    expect(pool.recommendation()).toMatchObject({ action: 'keep', max: 2 });
  });
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createPool, type Lease } from '@tenon/resources';
import { beforeAll, describe, expect, it } from 'vitest';
import { openPool, turn, type Thing } from './open-pool.ts';

let collectGarbage: () => void = () => undefined;

beforeAll(() => {
  setFlagsFromString('--expose-gc');
  collectGarbage = runInNewContext('gc') as () => void;
});

describe('the watch for leaks', () => {
  it('names the borrower of a lease that is out for longer than maxHoldMs, once', async () => {
    const { pool, clock, events } = openPool({ maxHoldMs: 1_000 });
    async function forgetfulBorrower(): Promise<Lease<Thing>> {
      const lease = await pool.acquire();
      return lease;
    }
    const lease = await forgetfulBorrower();
    await clock.advance(600);
    const other = await pool.acquire();
    await clock.advance(399);
    expect(events.map(({ type }) => type)).not.toContain('held-too-long');
    await clock.advance(1);
    const found = events.filter((event) => event.type === 'held-too-long');
    expect(found).toEqual([
      {
        type: 'held-too-long',
        pool: 'things',
        heldMs: 1_000,
        borrowedAt: expect.stringContaining('forgetfulBorrower'),
      },
    ]);
    other.release();
    await clock.advance(10_000);
    expect(events.filter((event) => event.type === 'held-too-long')).toHaveLength(1);
    lease.release();
  });

  it('is off when it is not asked for', async () => {
    const { pool, clock, events } = openPool({ idleTimeoutMs: Infinity, maxLifetimeMs: Infinity });
    await pool.acquire();
    await clock.advance(1_000_000_000);
    expect(events.map(({ type }) => type)).toEqual(['created']);
  });

  it('reports a lease that was collected, destroys its instance and frees its place', async () => {
    const { pool, destroyed, events } = openPool({ max: 1, maxHoldMs: Infinity });
    async function losingBorrower(): Promise<number> {
      const lease = await pool.acquire();
      return lease.value.id;
    }
    expect(await losingBorrower()).toBe(1);
    const next = pool.acquire();
    for (let round = 0; round < 50 && destroyed.length === 0; round += 1) {
      collectGarbage();
      await turn();
    }
    expect(destroyed).toEqual([{ id: 1, reason: 'lost' }]);
    expect(events).toContainEqual({
      type: 'lease-lost',
      pool: 'things',
      borrowedAt: expect.stringContaining('losingBorrower'),
    });
    expect((await next).value.id).toBe(2);
    expect(pool.statistics()).toMatchObject({ lost: 1, active: 1 });
  });

  it('takes no notice of a lease that was given back before it was collected', async () => {
    const { pool, events } = openPool({ maxHoldMs: Infinity });
    for (let time = 0; time < 20; time += 1) (await pool.acquire()).release();
    const held = await pool.acquire();
    for (let round = 0; round < 10; round += 1) {
      collectGarbage();
      await turn();
    }
    expect(events.map(({ type }) => type)).not.toContain('lease-lost');
    expect(held.value.id).toBe(1);
  });
});

describe('memory', () => {
  it('does not grow over a million acquires and releases, waits included', async () => {
    const pool = createPool({ name: 'churn', max: 4, create: () => ({}), destroy: () => undefined });
    const churn = async (times: number): Promise<number> => {
      const worker = async (): Promise<void> => {
        for (let time = 0; time < times / 8; time += 1) (await pool.acquire()).release();
      };
      await Promise.all(Array.from({ length: 8 }, worker));
      await turn();
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    await churn(100_000);
    const before = await churn(100_000);
    const after = await churn(1_000_000);
    expect(after - before).toBeLessThan(500_000);
    await pool.close();
  });
});

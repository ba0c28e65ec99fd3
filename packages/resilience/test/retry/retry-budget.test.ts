import { createTestClock } from '@tenon/core/testing';
import { fixedBackoff, retry, retryBudget } from '@tenon/resilience';
import { describe, expect, it } from 'vitest';
import { passing } from '../support/failure-of.ts';

const withdrawals = (budget: ReturnType<typeof retryBudget>): number => {
  let paid = 0;
  while (budget.withdraw()) paid += 1;
  return paid;
};

describe('a retry budget', () => {
  it('begins full, with 10 retries by default', () => {
    expect(withdrawals(retryBudget({ clock: createTestClock() }))).toBe(10);
    expect(withdrawals(retryBudget({ clock: createTestClock(), capacity: 3 }))).toBe(3);
  });

  it('gets a retry for every five calls by default, or as the ratio says', () => {
    for (const [options, expected] of [
      [{}, 4],
      [{ ratio: 0.5 }, 10],
      [{ ratio: 0 }, 0],
    ] as const) {
      const budget = retryBudget({ clock: createTestClock(), ...options });
      withdrawals(budget);
      for (let call = 0; call < 20; call += 1) budget.deposit();
      expect(withdrawals(budget)).toBe(expected);
    }
  });

  it('saves up no more than its capacity', async () => {
    const clock = createTestClock();
    const budget = retryBudget({ clock, capacity: 5 });
    for (let call = 0; call < 1_000; call += 1) budget.deposit();
    await clock.advance(1_000_000);
    expect(withdrawals(budget)).toBe(5);
  });

  it('gets a retry a second by default even when nothing calls, or as it is told', async () => {
    for (const [options, expected] of [
      [{}, 3],
      [{ perSecond: 2 }, 6],
      [{ perSecond: 0 }, 0],
    ] as const) {
      const clock = createTestClock();
      const budget = retryBudget({ clock, ...options });
      withdrawals(budget);
      await clock.advance(3_000);
      expect(withdrawals(budget)).toBe(expected);
    }
  });

  it('tells how it stands', async () => {
    const clock = createTestClock();
    const budget = retryBudget({ clock, capacity: 2 });
    withdrawals(budget);
    await clock.advance(1_000);
    expect(budget.statistics()).toEqual({ available: 1, spent: 2, refused: 1 });
  });

  it('is paid into by each run, also by one that succeeds, and not by its retries', async () => {
    const clock = createTestClock();
    const budget = retryBudget({ clock, capacity: 4, ratio: 0.5, perSecond: 0 });
    const guarded = retry({ clock, budget, backoff: fixedBackoff({ delayMs: 0 }) });
    withdrawals(budget);
    await guarded.run(() => 'fine');
    await guarded.run(() => 'fine');
    expect(budget.statistics().available).toBe(1);
    const failed = Promise.allSettled([guarded.run(() => Promise.reject(passing()))]);
    await clock.advance(0);
    await failed;
    expect(budget.statistics().available).toBe(0);
    await guarded.run(() => 'fine');
    expect(budget.statistics().available).toBe(1);
  });

  it('is shared: one strategy spends what another would', async () => {
    const clock = createTestClock();
    const budget = retryBudget({ clock, capacity: 1, ratio: 0, perSecond: 0 });
    const backoff = fixedBackoff({ delayMs: 0 });
    const [reads, writes] = [retry({ clock, budget, backoff }), retry({ clock, budget, backoff })];
    const fails = async () => {
      throw passing();
    };
    const runs = Promise.allSettled([reads.run(fails), writes.run(fails)]);
    await clock.advance(0);
    await runs;
    expect([reads.statistics().retries, writes.statistics().retries]).toEqual([1, 0]);
  });

  it('stops a retry storm: an outage adds a fifth to the load instead of tripling it', async () => {
    const loadOf = async (budget: ReturnType<typeof retryBudget> | 'unlimited'): Promise<number> => {
      const clock = createTestClock();
      const guarded = retry({ clock, budget, backoff: fixedBackoff({ delayMs: 10 }) });
      let reached = 0;
      const runs: Promise<unknown>[] = [];
      for (let second = 0; second < 10; second += 1) {
        for (let call = 0; call < 100; call += 1) {
          const work = async () => {
            reached += 1;
            throw passing();
          };
          runs.push(guarded.run(work));
        }
        const settled = Promise.allSettled(runs.splice(0));
        await clock.advance(1_000);
        await settled;
      }
      return reached / 1_000;
    };
    expect(await loadOf('unlimited')).toBe(3);
    expect(await loadOf(retryBudget({ clock: createTestClock() }))).toBeLessThan(1.22);
  });

  it.each([
    ['retryBudget.ratio', { ratio: 1.5 }],
    ['retryBudget.perSecond', { perSecond: -1 }],
    ['retryBudget.capacity', { capacity: 0 }],
  ])('refuses a wrong %s', (option, options) => {
    expect(() => retryBudget(options)).toThrow(
      expect.objectContaining({ code: 'RESILIENCE_OPTIONS_INVALID', details: { option } }),
    );
  });
});

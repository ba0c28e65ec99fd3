import { createTestClock } from '@tenon/core/testing';
import { retryBudget, standardPipeline, type StandardPipelineOptions } from '@tenon/resilience';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { codeOf, failureOf, passing } from '../support/failure-of.ts';
import { scriptedWork } from '../support/scripted-work.ts';

const kinds = (options: StandardPipelineOptions<string>) =>
  standardPipeline(options).strategies.map(({ kind }) => kind);

describe('the standard pipeline', () => {
  it('has what a call needs, and the rest when asked for', () => {
    const needed = ['timeout', 'retry', 'circuit-breaker', 'bulkhead', 'timeout'];
    expect(kinds({})).toEqual(needed);
    expect(kinds({ rateLimit: { calls: 1 } })).toEqual(['rate-limit', ...needed]);
    expect(kinds({ fallback: { to: () => 'cached' } })).toEqual(['fallback', ...needed]);
    expect(kinds({ hedge: { delayMs: 1 } })).toEqual(['timeout', 'retry', 'hedge', ...needed.slice(2)]);
  });

  it('gives its name, clock and listener to all of them', async () => {
    const clock = createTestClock();
    const names: string[] = [];
    const guarded = standardPipeline({ name: 'mail', clock, onEvent: ({ name }) => names.push(name) });
    const failed = failureOf(guarded.run(() => Promise.reject(passing())));
    await clock.advance(10_000);
    await failed;
    expect(guarded.strategies.map(({ name }) => name)).toEqual(Array.from({ length: 5 }, () => 'mail'));
    expect(names).toEqual(['mail', 'mail']);
  });

  it('ends an attempt after 10 s and a run after 30 s by default, or as it is told', async () => {
    for (const [options, attemptMs, runMs] of [
      [{}, 10_000, 30_000],
      [{ attemptTimeoutMs: 100, timeoutMs: 250 }, 100, 250],
    ] as const) {
      const clock = createTestClock();
      const { calls, work } = scriptedWork();
      const guarded = standardPipeline({
        clock,
        idempotent: true,
        retry: { attempts: 9, backoff: () => 0 },
        ...options,
      });
      const failed = codeOf(guarded.run(work));
      await clock.advance(attemptMs);
      expect(calls).toHaveLength(2);
      await clock.advance(runMs - attemptMs - 1);
      expect(guarded.bulkhead.statistics().running).toBe(1);
      await clock.advance(1);
      expect(await failed).toBe('CALL_TIMED_OUT');
      expect(guarded.bulkhead.statistics().running).toBe(0);
    }
  });

  it('hands the options of each strategy on', async () => {
    const clock = createTestClock();
    const guarded = standardPipeline({
      clock,
      retry: { attempts: 1 },
      circuitBreaker: { failures: 1 },
      bulkhead: { concurrency: 1, queue: 0 },
      rateLimit: { calls: 3 },
      fallback: { to: () => 'cached', when: (error) => error === 'hide' },
    });
    const typed = () => guarded.run(() => 1);
    expectTypeOf(typed).returns.resolves.toEqualTypeOf<number | string>();
    expect(await guarded.run(() => Promise.reject('hide'))).toBe('cached');
    expect([guarded.retry.statistics().retries, guarded.circuitBreaker.state]).toEqual([0, 'open']);
    guarded.circuitBreaker.reset();
    void guarded.run(scriptedWork().work);
    expect(await codeOf(guarded.run(() => 1))).toBe('BULKHEAD_FULL');
    expect(await codeOf(guarded.run(() => 1))).toBe('RATE_LIMITED');
  });

  it('is for work that runs once, unless it is told that twice is as good', async () => {
    for (const [options, expected] of [
      [{}, 1],
      [{ idempotent: true }, 2],
    ] as const) {
      const clock = createTestClock();
      const { calls, work } = scriptedWork();
      void codeOf(standardPipeline({ clock, hedge: { delayMs: 50 }, ...options }).run(work));
      await clock.advance(100);
      expect(calls).toHaveLength(expected);
    }
  });

  it('pays for retries and hedges from one budget', async () => {
    const clock = createTestClock();
    const budget = retryBudget({ clock, capacity: 1, ratio: 0, perSecond: 0 });
    const { calls, work } = scriptedWork();
    const guarded = standardPipeline({ clock, idempotent: true, hedge: { delayMs: 50 }, retry: { budget } });
    const failed = codeOf(guarded.run(work));
    await clock.advance(50);
    for (const one of calls) one.fail(passing());
    expect(await failed).toBe('DEPENDENCY_BUSY');
    expect([calls.length, guarded.retry.statistics().refusedByBudget]).toEqual([2, 1]);
  });
});

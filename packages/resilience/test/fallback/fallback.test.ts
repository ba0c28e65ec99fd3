import { deadlineAfter } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import {
  bulkhead,
  circuitBreaker,
  fallback,
  pipeline,
  rateLimit,
  timeout,
  type GuardedFailure,
  type ResilienceEvent,
} from '@tenon/resilience';
import { describe, expect, it } from 'vitest';
import { codeOf, failureOf } from '../support/failure-of.ts';
import { scriptedWork } from '../support/scripted-work.ts';

const fail = () => Promise.reject(new Error('down'));

describe('a fallback', () => {
  it('answers instead of an error, which it is told with the call', async () => {
    const events: ResilienceEvent[] = [];
    const error = new Error('down');
    const seen: unknown[] = [];
    const to = (...told: unknown[]) => {
      seen.push(...told);
      return 'cached';
    };
    const guarded = fallback({ name: 'rates', to, onEvent: (one) => events.push(one) });
    expect(await guarded.run(() => Promise.reject(error))).toBe('cached');
    expect(seen).toEqual([error, expect.objectContaining({ attempt: 1 })]);
    expect(events).toEqual([{ type: 'fallback-used', name: 'rates', error }]);
    expect(guarded.statistics()).toEqual({ used: 1, failed: 0 });
  });

  it('leaves a success alone', async () => {
    const guarded = fallback({ to: () => 'cached' });
    expect(await guarded.run(() => 'fresh')).toBe('fresh');
    expect(guarded.statistics().used).toBe(0);
  });

  it('answers only for the errors that it is told', async () => {
    const guarded = fallback({ to: () => 'cached', when: (error) => error === 'known' });
    expect(await guarded.run(() => Promise.reject('known'))).toBe('cached');
    expect(await failureOf(guarded.run(() => Promise.reject('unknown')))).toBe('unknown');
  });

  it('passes its own error on when it fails too', async () => {
    const guarded = fallback({ to: () => Promise.reject(new Error('nothing cached')) });
    expect(await codeOf(guarded.run(fail))).toBe('Error: nothing cached');
    expect(guarded.statistics()).toEqual({ used: 1, failed: 1 });
  });

  it('answers for a timeout and for an open circuit', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, failures: 1 });
    const guarded = pipeline(fallback({ clock, to: () => 'cached' }), timeout({ clock, ms: 10 }), breaker);
    const running = guarded.run(scriptedWork().work);
    await clock.advance(10);
    expect(await running).toBe('cached');
    expect(breaker.state).toBe('open');
    expect(await guarded.run(() => 'fresh')).toBe('cached');
  });

  describe.each<readonly [GuardedFailure, string, (guard: ReturnType<typeof fallback<string>>) => Promise<unknown>]>([
    [
      'cancellation',
      'gone',
      (guard) => {
        const controller = new AbortController();
        const run = guard.run(scriptedWork().work, { signal: controller.signal });
        controller.abort('gone');
        return run;
      },
    ],
    [
      'rate-limit',
      'RATE_LIMITED',
      async (guard) => {
        const limit = rateLimit({ calls: 1, perMs: 1e9 });
        await limit.run(() => 1);
        return pipeline(guard, limit).run(() => 1);
      },
    ],
    [
      'bulkhead',
      'BULKHEAD_FULL',
      async (guard) => {
        const places = bulkhead({ concurrency: 1, queue: 0 });
        void places.run(scriptedWork().work);
        return pipeline(guard, places).run(() => 1);
      },
    ],
    [
      'bulkhead',
      'BULKHEAD_QUEUE_TIMEOUT',
      async (guard) => {
        const places = bulkhead({ concurrency: 1, queueTimeoutMs: 1 });
        void places.run(scriptedWork().work);
        return pipeline(guard, places).run(() => 1);
      },
    ],
  ])('of a %s (%s)', (failure, code, run) => {
    it('does not answer unless it is asked to', async () => {
      const all: readonly GuardedFailure[] = ['cancellation', 'rate-limit', 'bulkhead'];
      const to = () => 'cached';
      expect(await codeOf(run(fallback({ to })))).toBe(code);
      expect(await codeOf(run(fallback({ to, alsoFor: all.filter((one) => one !== failure) })))).toBe(code);
      expect(await run(fallback({ to, alsoFor: [failure] }))).toBe('cached');
    });
  });

  it('takes a deadline of the caller for a cancellation', async () => {
    const clock = createTestClock();
    const deadline = deadlineAfter(10, { clock });
    const failed = codeOf(fallback({ clock, to: () => 'cached' }).run(scriptedWork().work, { deadline }));
    await clock.advance(10);
    expect(await failed).toBe('DEADLINE_EXCEEDED');
  });
});

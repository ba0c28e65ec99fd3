import { CodedError, deadlineAfter } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { fixedBackoff, retry, retryBudget, timeout, pipeline, type ResilienceEvent } from '@tenon/resilience';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, failureOf, passing } from '../support/failure-of.ts';
import { scriptedWork, settle } from '../support/scripted-work.ts';

const atOnce = fixedBackoff({ delayMs: 0 });

/** Work that fails so often, and then succeeds. */
function failing(times: number, error: () => unknown = passing) {
  const attempts: number[] = [];
  return {
    attempts,
    work: async ({ attempt }: { readonly attempt: number }) => {
      attempts.push(attempt);
      if (attempts.length <= times) throw error();
      return 'done';
    },
  };
}

describe('retry', () => {
  it('tries again until it succeeds, and numbers the attempts', async () => {
    const clock = createTestClock();
    const { work, attempts } = failing(2);
    const running = retry({ clock, backoff: atOnce }).run(work);
    await clock.advance(0);
    expect(await running).toBe('done');
    expect(attempts).toEqual([1, 2, 3]);
    expect(clock.pending()).toBe(0);
  });

  it('keeps the process alive while it waits, as nothing else may be going on', async () => {
    const held = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = held();
    const gone = new AbortController();
    const { work, attempts } = failing(1);
    const running = retry({ backoff: fixedBackoff({ delayMs: 60_000 }) }).run(work, { signal: gone.signal });
    await settle();
    expect(attempts).toEqual([1]);
    expect(held()).toBe(before + 1);
    gone.abort();
    await expect(running).rejects.toBeDefined();
    expect(held()).toBe(before);
  });

  it('tries as often as it is told, 3 times by default, and throws the last error as it is', async () => {
    for (const [options, expected] of [
      [{}, 3],
      [{ attempts: 1 }, 1],
      [{ attempts: 5 }, 5],
    ] as const) {
      const clock = createTestClock();
      const errors: unknown[] = [];
      const { work, attempts } = failing(9, () => {
        errors.push(passing());
        return errors.at(-1);
      });
      const failed = failureOf(retry({ clock, backoff: atOnce, ...options }).run(work));
      await clock.advance(0);
      expect(await failed).toBe(errors.at(-1));
      expect(attempts).toHaveLength(expected);
    }
  });

  it.each([
    ['an error that says nothing about itself', new Error('unknown'), 1],
    ['a coded error that no retry helps', new CodedError('NO', 'no'), 1],
    ['a coded error that is retryable', passing(), 3],
    ['an open circuit', new CodedError('CIRCUIT_OPEN', 'open', { retryable: true }), 1],
    ['a full bulkhead', new CodedError('BULKHEAD_FULL', 'full', { retryable: true }), 1],
    ['a rate limit', new CodedError('RATE_LIMITED', 'slow down', { retryable: true }), 1],
    ['something that is no error', 'text', 1],
  ])('decides by the error: %s', async (_, error, expected) => {
    const clock = createTestClock();
    const { work, attempts } = failing(9, () => error);
    const failed = failureOf(retry({ clock, backoff: atOnce }).run(work));
    await clock.advance(0);
    expect(await failed).toBe(error);
    expect(attempts).toHaveLength(expected);
  });

  it('asks its own classifier instead', async () => {
    const clock = createTestClock();
    const { work, attempts } = failing(1, () => new Error('ECONNRESET'));
    const retryIf = (error: unknown) => error instanceof Error && error.message === 'ECONNRESET';
    const running = retry({ clock, backoff: atOnce, retryIf }).run(work);
    await clock.advance(0);
    expect(await running).toBe('done');
    expect(attempts).toHaveLength(2);
  });

  it('waits as long as its backoff says, told of retry, delay before, error and chance', async () => {
    const clock = createTestClock();
    const inputs: unknown[] = [];
    const error = passing();
    const backoff = ({ random, ...input }: Parameters<ReturnType<typeof fixedBackoff>>[0]) => {
      inputs.push({ ...input, chance: random() });
      return input.retry * 100;
    };
    const events: ResilienceEvent[] = [];
    const running = retry({ name: 'mail', clock, backoff, random: () => 0.25, onEvent: (one) => events.push(one) }).run(
      failing(2, () => error).work,
    );
    await clock.advance(299);
    expect(events).toEqual([
      { type: 'retry-scheduled', name: 'mail', attempt: 1, delayMs: 100, error },
      { type: 'retry-scheduled', name: 'mail', attempt: 2, delayMs: 200, error },
    ]);
    expect(clock.pending()).toBe(1);
    await clock.advance(1);
    expect(await running).toBe('done');
    expect(inputs).toEqual([
      { retry: 1, previousDelayMs: 0, error, chance: 0.25 },
      { retry: 2, previousDelayMs: 100, error, chance: 0.25 },
    ]);
  });

  it('gives up when its backoff gives no number', async () => {
    for (const delayMs of [Infinity, Number.NaN]) {
      const { work, attempts } = failing(1);
      expect(await codeOf(retry({ clock: createTestClock(), backoff: () => delayMs }).run(work))).toBe(
        'DEPENDENCY_BUSY',
      );
      expect(attempts).toHaveLength(1);
    }
  });

  it('waits at least as long as the error asks for', async () => {
    const clock = createTestClock();
    const running = retry({ clock, backoff: fixedBackoff({ delayMs: 10 }) }).run(
      failing(1, () => passing({ retryAfterMs: 500 })).work,
    );
    await clock.advance(499);
    expect(clock.pending()).toBe(1);
    await clock.advance(1);
    expect(await running).toBe('done');
  });

  it('reads the wait from other errors when it is told how', async () => {
    const clock = createTestClock();
    const error = Object.assign(new Error('429'), { retryAfter: '2' });
    const options = { retryIf: () => true, retryAfter: () => Number(error.retryAfter) * 1_000 };
    const running = retry({ clock, backoff: atOnce, ...options }).run(failing(1, () => error).work);
    await clock.advance(1_999);
    expect(clock.pending()).toBe(1);
    await clock.advance(1);
    expect(await running).toBe('done');
  });

  it('never waits past the deadline: the error is thrown at once', async () => {
    const clock = createTestClock();
    const deadline = deadlineAfter(1_000, { clock });
    const patient = retry({ clock, backoff: fixedBackoff({ delayMs: 1_000 }) });
    expect(await codeOf(patient.run(failing(1).work, { deadline }))).toBe('DEPENDENCY_BUSY');
    const enough = retry({ clock, backoff: fixedBackoff({ delayMs: 999 }) }).run(failing(1).work, { deadline });
    await clock.advance(999);
    expect(await enough).toBe('done');
    const limited = pipeline(timeout({ clock, ms: 1_000 }), patient);
    expect(await codeOf(limited.run(failing(1).work))).toBe('DEPENDENCY_BUSY');
    deadline.cancel();
  });

  it('ends its wait when the caller gives up, with the reason of the caller', async () => {
    const clock = createTestClock();
    const controller = new AbortController();
    const { work, attempts } = failing(1);
    const failed = failureOf(retry({ clock }).run(work, { signal: controller.signal }));
    await settle();
    const reason = new Error('the client is gone');
    controller.abort(reason);
    expect(await failed).toBe(reason);
    expect([attempts.length, clock.pending()]).toEqual([1, 0]);
  });

  it('does not try again after the caller gave up', async () => {
    const controller = new AbortController();
    const { calls, work } = scriptedWork();
    const failed = failureOf(retry({ clock: createTestClock() }).run(work, { signal: controller.signal }));
    controller.abort(passing());
    expect(await failed).toBe(controller.signal.reason);
    expect(calls).toHaveLength(1);
  });

  it.each([
    ['CALL_TIMED_OUT', new CodedError('CALL_TIMED_OUT', 'late', { retryable: true })],
    ['DEADLINE_EXCEEDED', new CodedError('DEADLINE_EXCEEDED', 'late', { retryable: true })],
    ['a TimeoutError of the platform', new DOMException('late', 'TimeoutError')],
  ])('tries again after %s only what is declared idempotent', async (_, error) => {
    const tries = async (strategy: boolean | undefined, call: boolean | undefined): Promise<number> => {
      const clock = createTestClock();
      const { work, attempts } = failing(9, () => error);
      const idempotent = strategy === undefined ? {} : { idempotent: strategy };
      const options = call === undefined ? {} : { idempotent: call };
      const guarded = retry({ clock, attempts: 2, backoff: atOnce, retryIf: () => true, ...idempotent });
      const failed = failureOf(guarded.run(work, options));
      await clock.advance(0);
      await failed;
      return attempts.length;
    };
    expect(await tries(undefined, undefined)).toBe(1);
    expect(await tries(false, undefined)).toBe(1);
    expect(await tries(true, undefined)).toBe(2);
    expect(await tries(undefined, true)).toBe(2);
    expect(await tries(true, false)).toBe(1);
  });

  it('pays for retries from its budget, and throws the error when that is empty', async () => {
    const clock = createTestClock();
    const budget = retryBudget({ clock, capacity: 1, perSecond: 0, ratio: 0 });
    const events: string[] = [];
    const guarded = retry({ clock, budget, backoff: atOnce, onEvent: ({ type }) => events.push(type) });
    const failed = codeOf(guarded.run(failing(9).work));
    await clock.advance(0);
    expect(await failed).toBe('DEPENDENCY_BUSY');
    expect(events).toEqual(['retry-scheduled', 'retry-budget-exhausted']);
    expect(guarded.statistics()).toEqual({ calls: 1, retries: 1, exhausted: 0, refusedByBudget: 1 });
  });

  it('has a budget of its own by default, and none when told so', async () => {
    const retriesOf = async (options: Parameters<typeof retry>[0]): Promise<number> => {
      const clock = createTestClock();
      const guarded = retry({
        clock,
        attempts: Infinity,
        backoff: ({ retry: n }) => (n < 100 ? 0 : Infinity),
        ...options,
      });
      const failed = failureOf(guarded.run(failing(Infinity).work));
      await clock.advance(0);
      await failed;
      return guarded.statistics().retries;
    };
    expect(await retriesOf({})).toBe(10);
    expect(await retriesOf({ budget: 'unlimited' })).toBe(99);
  });

  it('counts calls, retries and those that retries did not help', async () => {
    const clock = createTestClock();
    const guarded = retry({ clock, backoff: atOnce });
    const runs = Promise.allSettled([0, 1, 2, 9].map((times) => guarded.run(failing(times).work)));
    await clock.advance(0);
    await runs;
    expect(guarded.statistics()).toEqual({ calls: 4, retries: 5, exhausted: 1, refusedByBudget: 0 });
  });

  it('makes as many attempts as any script of failures allows, and no more', async () => {
    const outcome = fc.constantFrom('passing', 'permanent', 'fine');
    await fc.assert(
      fc.asyncProperty(
        fc.array(outcome, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 6 }),
        async (script, attempts) => {
          const clock = createTestClock();
          let made = 0;
          const work = async () => {
            const what = script[made] ?? 'fine';
            made += 1;
            if (what === 'passing') throw passing();
            if (what === 'permanent') throw new Error('permanent');
            return made;
          };
          const running = Promise.allSettled([retry({ clock, attempts, backoff: atOnce }).run(work)]);
          await clock.advance(0);
          const [settled] = await running;
          const end = script.findIndex((what) => what !== 'passing');
          const wouldEnd = end < 0 ? script.length + 1 : end + 1;
          expect(made).toBe(Math.min(attempts, wouldEnd));
          const isFine = wouldEnd <= attempts && (script[wouldEnd - 1] ?? 'fine') === 'fine';
          expect(settled?.status).toBe(isFine ? 'fulfilled' : 'rejected');
        },
      ),
      { numRuns: 50 },
    );
  });
});

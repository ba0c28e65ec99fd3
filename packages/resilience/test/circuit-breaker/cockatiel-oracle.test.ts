import { circuitBreaker, type CircuitBreaker } from '@tenon/resilience';
import { createTestClock } from '@tenon/core/testing';
import * as cockatiel from 'cockatiel';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

// Cockatiel reads the time from Date alone here, so that is all that is moved.
beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => vi.useRealTimers());

const OPEN_MS = 1_000;
const step = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('good' as const, 'bad' as const) },
  { weight: 1, arbitrary: fc.constantFrom(300, 600, 1_000) },
);
const states: Readonly<Record<number, string>> = {
  [cockatiel.CircuitState.Closed]: 'closed',
  [cockatiel.CircuitState.Open]: 'open',
  [cockatiel.CircuitState.HalfOpen]: 'half-open',
};

/** Plays the same calls to both, one after the other. @returns whether the calls got through, and the state after each */
async function play(
  steps: readonly ('good' | 'bad' | number)[],
  ours: (clock: ReturnType<typeof createTestClock>) => CircuitBreaker,
  theirs: cockatiel.IBreaker,
): Promise<readonly [ours: readonly string[], theirs: readonly string[]]> {
  const clock = createTestClock();
  const breaker = ours(clock);
  const peer = cockatiel.circuitBreaker(cockatiel.handleAll, { halfOpenAfter: OPEN_MS, breaker: theirs });
  const seen: [string[], string[]] = [[], []];
  for (const one of steps) {
    if (typeof one === 'number') {
      await clock.advance(one);
      vi.setSystemTime(Date.now() + one);
      continue;
    }
    const reached: ('ours' | 'theirs')[] = [];
    const work = (whose: 'ours' | 'theirs') => () => {
      reached.push(whose);
      return one === 'good' ? Promise.resolve() : Promise.reject(new Error('down'));
    };
    await Promise.allSettled([breaker.run(work('ours')), peer.execute(work('theirs'))]);
    seen[0].push(`${reached.includes('ours')} ${breaker.state}`);
    seen[1].push(`${reached.includes('theirs')} ${states[peer.state]}`);
  }
  return seen;
}

describe('beside cockatiel', () => {
  it('a breaker of failures in a row does the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), async (steps, failures) => {
        const [ours, theirs] = await play(
          steps,
          (clock) => circuitBreaker({ clock, failures, openMs: OPEN_MS }),
          new cockatiel.ConsecutiveBreaker(failures),
        );
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 200 },
    );
  });

  it('a breaker of the last calls does the same', async () => {
    // No number of calls has exactly this part of failures: there, one says "more than" and the other "at least".
    const ratio = fc.constantFrom(0.3141, 0.5123, 0.7654);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        ratio,
        async (steps, calls, minimum, failureRatio) => {
          const minimumCalls = Math.min(minimum, calls);
          const [ours, theirs] = await play(
            steps,
            (clock) => circuitBreaker({ clock, openMs: OPEN_MS, window: { calls, minimumCalls, failureRatio } }),
            new cockatiel.CountBreaker({ threshold: failureRatio, size: calls, minimumNumberOfCalls: minimumCalls }),
          );
          expect(ours).toEqual(theirs);
        },
      ),
      { numRuns: 200 },
    );
  });
});

import { decorrelatedJitter, exponentialBackoff, fixedBackoff, linearBackoff, type Backoff } from '@tenon/resilience';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** The first delays of a backoff, by a chance that is always the same. */
function delays(backoff: Backoff, chance = 0.5, count = 5): readonly number[] {
  let previousDelayMs = 0;
  return Array.from({ length: count }, (_, index) => {
    previousDelayMs = backoff({ retry: index + 1, previousDelayMs, error: undefined, random: () => chance });
    return previousDelayMs;
  });
}

describe('backoff', () => {
  it('is the same each time when it is fixed', () => {
    expect(delays(fixedBackoff({ delayMs: 50 }))).toEqual([50, 50, 50, 50, 50]);
    expect(delays(fixedBackoff({ delayMs: 50, jitter: 'full' }), 0.2, 2)).toEqual([10, 10]);
  });

  it('grows by steps when it is linear', () => {
    expect(delays(linearBackoff({ stepMs: 100, maxMs: 350 }))).toEqual([100, 200, 300, 350, 350]);
    expect(delays(linearBackoff({ stepMs: 100, initialMs: 10 }), 0.5, 3)).toEqual([10, 110, 210]);
    expect(delays(linearBackoff({ stepMs: 100, jitter: 'equal' }), 0.5, 2)).toEqual([75, 150]);
    expect(delays(linearBackoff({ stepMs: 9_000 }), 0.5, 2)).toEqual([9_000, 10_000]);
  });

  it('grows by a factor when it is exponential, with full jitter by default', () => {
    expect(delays(exponentialBackoff({ jitter: 'none' }))).toEqual([100, 200, 400, 800, 1_600]);
    expect(delays(exponentialBackoff())).toEqual([50, 100, 200, 400, 800]);
    const custom = exponentialBackoff({ initialMs: 10, factor: 3, maxMs: 200, jitter: 'none' });
    expect(delays(custom)).toEqual([10, 30, 90, 200, 200]);
    expect(delays(exponentialBackoff({ jitter: 'none' }), 0, 9).at(-1)).toBe(10_000);
  });

  it('follows from the delay before when it is decorrelated', () => {
    expect(delays(decorrelatedJitter({ initialMs: 100, maxMs: 700 }))).toEqual([200, 350, 575, 700, 700]);
    expect(delays(decorrelatedJitter(), 1, 9).at(-1)).toBe(10_000);
  });

  it('stays between its bounds, whatever chance says', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(chance, fc.integer({ min: 1, max: 2_000 }), (random, retry) => {
        const input = { retry, previousDelayMs: 0, error: undefined, random: () => random };
        const none = exponentialBackoff({ jitter: 'none', maxMs: 5_000 })(input);
        expect(none).toBeLessThanOrEqual(5_000);
        expect(exponentialBackoff({ jitter: 'full', maxMs: 5_000 })(input)).toBeLessThanOrEqual(none);
        const equal = exponentialBackoff({ jitter: 'equal', maxMs: 5_000 })(input);
        expect(equal >= none / 2 && equal <= none).toBe(true);
        const decorrelated = decorrelatedJitter({ initialMs: 10, maxMs: 100 })({ ...input, previousDelayMs: retry });
        expect(decorrelated >= 10 && decorrelated <= 100).toBe(true);
      }),
    );
  });

  it.each([
    ['fixedBackoff.delayMs', () => fixedBackoff({ delayMs: -1 })],
    ['linearBackoff.stepMs', () => linearBackoff({ stepMs: Number.NaN })],
    ['linearBackoff.initialMs', () => linearBackoff({ stepMs: 1, initialMs: -1 })],
    ['linearBackoff.maxMs', () => linearBackoff({ stepMs: 1, maxMs: -1 })],
    ['exponentialBackoff.initialMs', () => exponentialBackoff({ initialMs: -1 })],
    ['exponentialBackoff.factor', () => exponentialBackoff({ factor: 0.5 })],
    ['exponentialBackoff.maxMs', () => exponentialBackoff({ maxMs: -1 })],
    ['decorrelatedJitter.initialMs', () => decorrelatedJitter({ initialMs: -1 })],
    ['decorrelatedJitter.maxMs', () => decorrelatedJitter({ initialMs: 10, maxMs: 9 })],
  ])('refuses a wrong %s', (option, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'RESILIENCE_OPTIONS_INVALID', details: { option } }));
  });
});

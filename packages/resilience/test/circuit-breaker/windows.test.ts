import { createTestClock, type TestClock } from '@tenon/core/testing';
import { circuitBreaker, type CircuitBreaker, type CircuitBreakerOptions } from '@tenon/resilience';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../support/failure-of.ts';
import { scriptedWork } from '../support/scripted-work.ts';

type Ending = 'good' | 'bad' | 'slow';

async function make(breaker: CircuitBreaker, clock: TestClock, endings: readonly Ending[]): Promise<void> {
  for (const ending of endings) {
    const { calls, work } = scriptedWork();
    const running = ending === 'bad' ? failureOf(breaker.run(work)) : breaker.run(work);
    if (ending === 'slow') await clock.advance(100);
    if (ending === 'bad') calls[0]?.fail(new Error('down'));
    else calls[0]?.succeed('up');
    await running;
  }
}

async function stateAfter(options: CircuitBreakerOptions, endings: readonly Ending[]): Promise<string> {
  const clock = createTestClock();
  const breaker = circuitBreaker({ clock, slowCallMs: 100, ...options });
  await make(breaker, clock, endings);
  return breaker.state;
}

const repeat = (ending: Ending, times: number): readonly Ending[] => Array.from({ length: times }, () => ending);

describe.each([
  ['count', { calls: 20 }],
  ['time', { windowMs: 10_000 }],
] as const)('a window of %s', (_, window) => {
  it('opens the circuit by the part of failures, half of them by default', async () => {
    expect(await stateAfter({ window }, [...repeat('good', 6), ...repeat('bad', 5)])).toBe('closed');
    expect(await stateAfter({ window }, [...repeat('good', 6), ...repeat('bad', 6)])).toBe('open');
    const strict = { ...window, failureRatio: 0.1 };
    expect(await stateAfter({ window: strict }, [...repeat('good', 9), 'bad'])).toBe('open');
    expect(await stateAfter({ window: strict }, [...repeat('good', 10), 'bad'])).toBe('closed');
  });

  it('opens nothing before enough calls, 5 by default', async () => {
    expect(await stateAfter({ window }, repeat('bad', 4))).toBe('closed');
    expect(await stateAfter({ window }, repeat('bad', 5))).toBe('open');
    expect(await stateAfter({ window: { ...window, minimumCalls: 2 } }, repeat('bad', 2))).toBe('open');
  });

  it('opens the circuit by the part of slow calls, all of them by default', async () => {
    expect(await stateAfter({ window }, ['good', ...repeat('slow', 8)])).toBe('closed');
    expect(await stateAfter({ window }, repeat('slow', 5))).toBe('open');
    expect(await stateAfter({ window: { ...window, slowRatio: 0.4 } }, ['good', 'good', 'good', 'slow', 'slow'])).toBe(
      'open',
    );
    expect(await stateAfter({ window, slowCallMs: 101 }, repeat('slow', 9))).toBe('closed');
  });
});

describe('a window of the last calls', () => {
  it('forgets the ones before', async () => {
    const window = { calls: 4, failureRatio: 0.75, minimumCalls: 4 };
    expect(await stateAfter({ window }, ['bad', 'bad', 'good', 'good', 'bad'])).toBe('closed');
    expect(await stateAfter({ window }, ['good', 'good', 'bad', 'bad', 'bad'])).toBe('open');
  });

  it('asks for no more calls than it holds', async () => {
    expect(await stateAfter({ window: { calls: 2 } }, repeat('bad', 2))).toBe('open');
  });

  it('sums up what a list of the last calls would', async () => {
    const ending = fc.constantFrom<Ending>('good', 'bad', 'slow');
    await fc.assert(
      fc.asyncProperty(fc.array(ending, { maxLength: 40 }), fc.integer({ min: 1, max: 8 }), async (endings, calls) => {
        const limits = { failureRatio: 0.6, slowRatio: 0.5, minimumCalls: Math.min(3, calls) };
        const expected = endings.findIndex((last, index) => {
          const seen = endings.slice(Math.max(0, index + 1 - calls), index + 1);
          const part = (what: Ending) => seen.filter((one) => one === what).length / seen.length;
          return last !== 'good' && seen.length >= limits.minimumCalls && (part('bad') >= 0.6 || part('slow') >= 0.5);
        });
        const clock = createTestClock();
        const breaker = circuitBreaker({ clock, slowCallMs: 100, window: { calls, ...limits } });
        let opened = -1;
        for (const [index, one] of endings.entries()) {
          if (opened < 0) await make(breaker, clock, [one]);
          if (opened < 0 && breaker.state === 'open') opened = index;
        }
        expect(opened).toBe(expected);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a window of time', () => {
  it('forgets calls when their time is over', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, window: { windowMs: 1_000, minimumCalls: 5 } });
    await make(breaker, clock, repeat('bad', 4));
    await clock.advance(1_000);
    await make(breaker, clock, repeat('bad', 4));
    expect(breaker.state).toBe('closed');
    await clock.advance(899);
    await make(breaker, clock, ['bad']);
    expect(breaker.state).toBe('open');
  });

  it('forgets all of them after any pause', async () => {
    for (const pauseMs of [1_000, 1_100, 5_050, 1_000_000]) {
      const clock = createTestClock();
      const breaker = circuitBreaker({ clock, window: { windowMs: 1_000, minimumCalls: 2 } });
      await make(breaker, clock, ['bad']);
      await clock.advance(pauseMs);
      await make(breaker, clock, ['bad']);
      expect(breaker.state).toBe('closed');
    }
  });
});

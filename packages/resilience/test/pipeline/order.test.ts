import { isCodedError } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import {
  bulkhead,
  circuitBreaker,
  fallback,
  hedge,
  pipeline,
  rateLimit,
  retry,
  strategyOrder,
  timeout,
  type Strategy,
  type StrategyKind,
} from '@tenon/resilience';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';

const clock = createTestClock();
const make: Readonly<Record<StrategyKind, () => Strategy>> = {
  fallback: () => fallback({ clock, to: () => 'cached' }),
  'rate-limit': () => rateLimit({ clock, calls: 1 }),
  timeout: () => timeout({ clock, ms: 1 }),
  retry: () => retry({ clock }),
  hedge: () => hedge({ clock, delayMs: 1 }),
  'circuit-breaker': () => circuitBreaker({ clock }),
  bulkhead: () => bulkhead({ clock }),
};
const ofKinds = (kinds: readonly StrategyKind[]) => pipeline(...kinds.map((kind) => make[kind]()));

function outcomeOf(attempt: () => unknown): string {
  try {
    attempt();
    return 'taken';
  } catch (error) {
    return isCodedError(error) ? `${error.code} ${JSON.stringify(error.details['kinds'])}` : String(error);
  }
}

/** Whether the kinds are what is left of the order when some places are taken out: told another way than the code does. */
function isPartOf(order: readonly StrategyKind[], kinds: readonly StrategyKind[]): boolean {
  const [first, ...rest] = kinds;
  if (first === undefined) return true;
  return order.some((kind, place) => kind === first && isPartOf(order.slice(place + 1), rest));
}

describe('the order of a pipeline', () => {
  it('is taken in full and in every part', () => {
    expect(() => ofKinds(strategyOrder)).not.toThrow();
    expect(() => ofKinds([])).not.toThrow();
    fc.assert(
      fc.property(fc.subarray([...strategyOrder]), (kinds) => {
        expect(() => ofKinds(kinds)).not.toThrow();
      }),
    );
  });

  it('is refused in every other form, and only there', () => {
    const kind = fc.constantFrom(...strategyOrder);
    fc.assert(
      fc.property(fc.array(kind, { maxLength: 8 }), (kinds) => {
        const attempt = () => ofKinds(kinds);
        expect(outcomeOf(attempt)).toBe(
          isPartOf(strategyOrder, kinds) ? 'taken' : `PIPELINE_ORDER_INVALID ${JSON.stringify(kinds)}`,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is refused by the compiler', () => {
    const refused = expect.objectContaining({ code: 'PIPELINE_ORDER_INVALID' });
    // @ts-expect-error a retry stands outside of the circuit breaker
    expect(() => pipeline(circuitBreaker(), retry())).toThrow(refused);
    // @ts-expect-error a timeout between retry and circuit breaker would not be seen by the breaker
    expect(() => pipeline(retry(), timeout({ ms: 1 }), circuitBreaker())).toThrow(refused);
    // @ts-expect-error one retry is enough
    expect(() => pipeline(retry(), retry())).toThrow(refused);
    // @ts-expect-error a fallback stands outside of everything
    expect(() => pipeline(timeout({ ms: 1 }), fallback({ to: () => 1 }))).toThrow(refused);
    expect(
      pipeline(timeout({ ms: 1 }), retry(), circuitBreaker(), bulkhead(), timeout({ ms: 1 })).strategies,
    ).toHaveLength(5);
  });

  it('tells the compiler what a fallback may give', () => {
    const plain = pipeline(retry(), circuitBreaker());
    expectTypeOf(plain.run(() => 1)).resolves.toEqualTypeOf<number>();
    const withFallback = pipeline(fallback({ to: () => 'cached' }), retry());
    expectTypeOf(withFallback.run(() => 1)).resolves.toEqualTypeOf<number | string>();
    expectTypeOf(fallback({ to: async () => true }).run(() => 1)).resolves.toEqualTypeOf<number | boolean>();
    expectTypeOf(withFallback.strategies[1].statistics().retries).toEqualTypeOf<number>();
  });

  it('has one clock', () => {
    expect(() => pipeline(retry({ clock }), timeout({ ms: 1 }))).toThrow(
      expect.objectContaining({ code: 'RESILIENCE_OPTIONS_INVALID', details: { option: 'clock' } }),
    );
  });
});

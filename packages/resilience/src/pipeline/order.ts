import { resilienceError } from '../errors.ts';
import type { StrategyKind } from './strategy.ts';

/**
 * The order of strategies from the outside in. A `timeout` has two places: outside of `retry` it limits the run, as the innermost part
 * each attempt.
 *
 * - A fallback answers for everything within it.
 * - A rate limit counts runs, and turns them away before anything else is spent on them.
 * - The timeout of the run limits all attempts and the waits between them.
 * - A retry tries everything within it again; hedges run beside each attempt.
 * - The circuit breaker sees each attempt, and stands outside of the bulkhead: an open circuit takes no place in a queue.
 * - The timeout of an attempt is within the breaker, which so sees it as a failure, and within the bulkhead, so that waiting for a
 *   place is not held against the dependency.
 */
export const strategyOrder: readonly [
  'fallback',
  'rate-limit',
  'timeout',
  'retry',
  'hedge',
  'circuit-breaker',
  'bulkhead',
  'timeout',
] = Object.freeze(['fallback', 'rate-limit', 'timeout', 'retry', 'hedge', 'circuit-breaker', 'bulkhead', 'timeout']);

/** What may stand within a kind that stands at its first place in `Order`; `never` when it has no place there. */
type After<Order, Kind> = Order extends readonly [infer First, ...infer Rest]
  ? First extends Kind
    ? Rest
    : After<Rest, Kind>
  : never;

/** `unknown` when the strategies stand in order, else a text that says so where the compiler reports it. */
export type InOrder<Strategies, Order = typeof strategyOrder> = Strategies extends readonly [
  { readonly kind: infer Kind },
  ...infer Rest,
]
  ? StrategyKind extends Kind
    ? unknown
    : [After<Order, Kind>] extends [never]
      ? `a ${Kind & string} strategy does not belong here`
      : InOrder<Rest, After<Order, Kind>>
  : unknown;

/**
 * Checks the order at run time, for lists that the compiler does not see.
 *
 * @throws `PIPELINE_ORDER_INVALID`
 */
export function checkOrder(kinds: readonly StrategyKind[]): void {
  let from = 0;
  kinds.forEach((kind, index) => {
    const place = (strategyOrder as readonly StrategyKind[]).indexOf(kind, from);
    if (place < 0) {
      const outer = kinds[index - 1];
      const order = strategyOrder.join(', ');
      throw resilienceError(
        'PIPELINE_ORDER_INVALID',
        `${kind} cannot stand within ${outer}; from the outside in the order is ${order}, each once`,
        { details: { kinds } },
      );
    }
    from = place + 1;
  });
}

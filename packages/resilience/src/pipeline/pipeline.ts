import { systemClock } from '@tenon/core';
import type { Runner } from '../call/call.ts';
import { createRun } from '../call/create-run.ts';
import { invoke } from '../call/invoke.ts';
import { resilienceError } from '../errors.ts';
import { checkOrder, type InOrder } from './order.ts';
import { layer, type Layer, type Strategy } from './strategy.ts';

/** What a fallback among the strategies may give instead of the work's result. */
export type AlternativeOf<Strategies extends readonly Strategy[]> =
  Strategies[number][typeof layer] extends Layer<infer Alternative> ? Alternative : never;

/** Several strategies around the same work. */
export interface Pipeline<Strategies extends readonly Strategy[] = readonly Strategy[]> extends Runner<
  AlternativeOf<Strategies>
> {
  /** The strategies, from the outside in. */
  readonly strategies: Strategies;
}

/**
 * Puts strategies around work, the first one outermost. The order is fixed, as most others do not do what they look like: fallback, rate
 * limit, timeout of the run, retry, hedge, circuit breaker, bulkhead, timeout of each attempt. Leave out what you do not
 * need; the compiler refuses another order, and so does the call.
 *
 * A strategy may be part of several pipelines, which then share its state: one breaker and one bulkhead for a dependency, with retries
 * for reads alone.
 *
 * @param strategies - from the outside in, each kind once (a timeout twice)
 *
 * @example
 * ```ts
 * const guarded = pipeline(timeout({ ms: 5_000 }), retry({ attempts: 3, budget }), circuitBreaker({ failures: 5 }), timeout({ ms: 1_000 }));
 * const quote = await guarded.run(({ signal }) => mail.quote(order, { signal }), { idempotent: true });
 * ```
 * @throws `PIPELINE_ORDER_INVALID` for another order
 * @throws `RESILIENCE_OPTIONS_INVALID` when the strategies have different clocks
 */
export function pipeline<const Strategies extends readonly Strategy[]>(
  ...strategies: Strategies & InOrder<Strategies>
): Pipeline<Strategies> {
  checkOrder(strategies.map(({ kind }) => kind));
  const layers = strategies.map((strategy) => strategy[layer]);
  const clock = layers[0]?.clock ?? systemClock;
  if (layers.some((one) => one.clock !== clock)) {
    throw resilienceError('RESILIENCE_OPTIONS_INVALID', 'the strategies of a pipeline must have the same clock', {
      details: { option: 'clock' },
    });
  }
  const step = layers.reduceRight((within, one) => one.wrap(within), invoke);
  return { strategies, run: createRun<AlternativeOf<Strategies>>(step, clock) };
}

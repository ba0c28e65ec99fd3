import { bulkhead, type Bulkhead, type BulkheadOptions } from '../bulkhead/bulkhead.ts';
import { circuitBreaker, type CircuitBreaker } from '../circuit-breaker/circuit-breaker.ts';
import type { CircuitBreakerOptions } from '../circuit-breaker/circuit-settings.ts';
import { fallback, type FallbackOptions } from '../fallback/fallback.ts';
import { hedge, type HedgeOptions } from '../hedge/hedge.ts';
import { rateLimit, type RateLimitOptions } from '../rate-limit/rate-limit.ts';
import { retry, type Retry } from '../retry/retry.ts';
import type { RetryOptions } from '../retry/retry-config.ts';
import { retryBudget } from '../retry/retry-budget.ts';
import { timeout } from '../timeout/timeout.ts';
import { pipeline, type Pipeline } from './pipeline.ts';
import type { Strategy, StrategyOptions } from './strategy.ts';

/** What {@link standardPipeline} takes. Its name, clock and event sink are those of every strategy. */
export interface StandardPipelineOptions<Alternative = never> extends StrategyOptions {
  /** The time of a run with all its attempts and waits, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /** The time of each attempt, in milliseconds. Default 10,000. */
  readonly attemptTimeoutMs?: number;
  /** Whether the work may be run twice, where the run itself does not say so. Default `false`. */
  readonly idempotent?: boolean;
  /** Default: see {@link retry}, with a budget that hedges share. */
  readonly retry?: Omit<RetryOptions, keyof StrategyOptions | 'idempotent'>;
  /** Default: see {@link circuitBreaker}. */
  readonly circuitBreaker?: Omit<CircuitBreakerOptions, keyof StrategyOptions>;
  /** Default: see {@link bulkhead}. */
  readonly bulkhead?: Omit<BulkheadOptions, keyof StrategyOptions>;
  /** Default: no limit. */
  readonly rateLimit?: Omit<RateLimitOptions, keyof StrategyOptions>;
  /** Default: no hedging. */
  readonly hedge?: Omit<HedgeOptions, keyof StrategyOptions | 'idempotent'>;
  /** Default: none. */
  readonly fallback?: Omit<FallbackOptions<Alternative>, keyof StrategyOptions>;
}

/** A {@link standardPipeline}, with those of its strategies at hand that are looked at most. */
export interface StandardPipeline<Alternative = never> extends Pipeline<
  readonly Strategy<Strategy['kind'], object, Alternative>[]
> {
  readonly retry: Retry;
  readonly circuitBreaker: CircuitBreaker;
  readonly bulkhead: Bulkhead;
}

/**
 * What a call to a dependency needs, in the right order and with defaults that hold: 30 s for the run, three attempts with a budget, a
 * breaker, ten calls at once, 10 s for each attempt. Rate limit, hedging and fallback when asked for.
 *
 * Make one for each dependency, and keep it.
 *
 * @example
 * ```ts
 * const mail = standardPipeline({ name: 'mail', attemptTimeoutMs: 2_000 });
 * const quote = await mail.run(({ signal }) => client.quote(order, { signal }), { idempotent: true });
 * ```
 * @throws `RESILIENCE_OPTIONS_INVALID` when an option is out of range
 */
export function standardPipeline<Alternative = never>(
  options: StandardPipelineOptions<Alternative> = {},
): StandardPipeline<Alternative> {
  const { idempotent = false } = options;
  // Not given is not the same as undefined to the strategies.
  const own: StrategyOptions = {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
  };
  const budget = options.retry?.budget ?? retryBudget(own.clock === undefined ? {} : { clock: own.clock });
  const paid = budget === 'unlimited' ? {} : { budget };
  const retries = retry({ ...options.retry, ...own, budget, idempotent });
  const breaker = circuitBreaker({ ...options.circuitBreaker, ...own });
  const places = bulkhead({ ...options.bulkhead, ...own });
  const strategies: readonly Strategy<Strategy['kind'], object, Alternative>[] = [
    ...(options.fallback === undefined ? [] : [fallback({ ...options.fallback, ...own })]),
    ...(options.rateLimit === undefined ? [] : [rateLimit({ ...options.rateLimit, ...own })]),
    timeout({ ...own, ms: options.timeoutMs ?? 30_000 }),
    retries,
    ...(options.hedge === undefined ? [] : [hedge({ ...paid, ...options.hedge, ...own, idempotent })]),
    breaker,
    places,
    timeout({ ...own, ms: options.attemptTimeoutMs ?? 10_000 }),
  ];
  return { ...pipeline(...strategies), retry: retries, circuitBreaker: breaker, bulkhead: places };
}

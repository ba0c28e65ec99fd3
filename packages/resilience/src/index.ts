export { resilienceErrorCodes } from './errors.ts';
export type { ResilienceError, ResilienceErrorCode } from './errors.ts';
export type { Call, Runner, RunOptions, Work } from './call/call.ts';
export { pipeline } from './pipeline/pipeline.ts';
export type { AlternativeOf, Pipeline } from './pipeline/pipeline.ts';
export { standardPipeline } from './pipeline/standard-pipeline.ts';
export type { StandardPipeline, StandardPipelineOptions } from './pipeline/standard-pipeline.ts';
export { strategyOrder } from './pipeline/order.ts';
export type { InOrder } from './pipeline/order.ts';
export type { Strategy, StrategyKind, StrategyOptions } from './pipeline/strategy.ts';
export { retry } from './retry/retry.ts';
export type { Retry, RetryStatistics } from './retry/retry.ts';
export type { RetryOptions } from './retry/retry-config.ts';
export { decorrelatedJitter, exponentialBackoff, fixedBackoff, linearBackoff } from './retry/backoff.ts';
export type {
  Backoff,
  BackoffInput,
  DecorrelatedJitterOptions,
  ExponentialBackoffOptions,
  FixedBackoffOptions,
  Jitter,
  LinearBackoffOptions,
} from './retry/backoff.ts';
export { retryBudget } from './retry/retry-budget.ts';
export type { RetryBudget, RetryBudgetOptions, RetryBudgetStatistics } from './retry/retry-budget.ts';
export { isRetryable } from './retry/is-retryable.ts';
export { parseRetryAfter } from './retry/retry-after.ts';
export { circuitBreaker, isCircuitFailure } from './circuit-breaker/circuit-breaker.ts';
export type { CircuitBreaker, CircuitBreakerStatistics } from './circuit-breaker/circuit-breaker.ts';
export type {
  CircuitBreakerOptions,
  CountWindowOptions,
  TimeWindowOptions,
  WindowOptions,
} from './circuit-breaker/circuit-settings.ts';
export type { CircuitState } from './circuit-breaker/circuit.ts';
export { breakers } from './circuit-breaker/breakers.ts';
export type { Breakers, BreakersOptions } from './circuit-breaker/breakers.ts';
export { timeout } from './timeout/timeout.ts';
export type { Timeout, TimeoutOptions, TimeoutStatistics } from './timeout/timeout.ts';
export { bulkhead } from './bulkhead/bulkhead.ts';
export type { Bulkhead, BulkheadOptions, BulkheadStatistics } from './bulkhead/bulkhead.ts';
export { rateLimit } from './rate-limit/rate-limit.ts';
export type { RateLimit, RateLimitOptions, RateLimitStatistics } from './rate-limit/rate-limit.ts';
export { hedge } from './hedge/hedge.ts';
export type { Hedge, HedgeOptions, HedgeStatistics } from './hedge/hedge.ts';
export { fallback } from './fallback/fallback.ts';
export type { Fallback, FallbackOptions, FallbackStatistics, GuardedFailure } from './fallback/fallback.ts';
export type {
  BulkheadRejected,
  CircuitChanged,
  CircuitRejected,
  FallbackUsed,
  HedgeStarted,
  LateResult,
  RateLimited,
  ResilienceEvent,
  ResilienceEventSink,
  RetryBudgetExhausted,
  RetryScheduled,
  TimedOut,
} from './events/resilience-event.ts';

/** What every event tells. */
interface NamedEvent {
  /** The dependency, as the strategy's `name` says. */
  readonly name: string;
}

/** A call failed and is tried again after a wait. */
export interface RetryScheduled extends NamedEvent {
  readonly type: 'retry-scheduled';
  /** The try that failed, from 1. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

/** A call failed, could have been tried again, and the budget had nothing left for it. */
export interface RetryBudgetExhausted extends NamedEvent {
  readonly type: 'retry-budget-exhausted';
  readonly attempt: number;
  readonly error: unknown;
}

/** A circuit breaker changed its state. */
export interface CircuitChanged extends NamedEvent {
  readonly type: 'circuit-opened' | 'circuit-half-opened' | 'circuit-closed';
}

/** A circuit breaker turned a call away. */
export interface CircuitRejected extends NamedEvent {
  readonly type: 'circuit-rejected';
  readonly retryAfterMs: number;
}

/** A call took too long and was aborted. */
export interface TimedOut extends NamedEvent {
  readonly type: 'timed-out';
  readonly timeoutMs: number;
}

/** A call that had timed out came back with a result after all; `onLateResult` of its run has it. */
export interface LateResult extends NamedEvent {
  readonly type: 'late-result';
}

/** A bulkhead turned a call away: its queue was full, or the call stood in it for too long. */
export interface BulkheadRejected extends NamedEvent {
  readonly type: 'bulkhead-rejected';
  readonly reason: 'full' | 'queue-timeout';
}

/** A rate limit turned a call away. */
export interface RateLimited extends NamedEvent {
  readonly type: 'rate-limited';
  readonly retryAfterMs: number;
}

/** A call took long, and a second one was started beside it. */
export interface HedgeStarted extends NamedEvent {
  readonly type: 'hedge-started';
  /** 1 for the first hedge of a call. */
  readonly hedge: number;
}

/** A call failed, and a fallback answered instead. */
export interface FallbackUsed extends NamedEvent {
  readonly type: 'fallback-used';
  readonly error: unknown;
}

/** Everything that strategies tell about. Switch on `type`. */
export type ResilienceEvent =
  | RetryScheduled
  | RetryBudgetExhausted
  | CircuitChanged
  | CircuitRejected
  | TimedOut
  | LateResult
  | BulkheadRejected
  | RateLimited
  | HedgeStarted
  | FallbackUsed;

/**
 * Takes events as they happen, on the path of the call: it should be quick. What it throws is ignored, as it must not decide how a
 * call ends.
 */
export type ResilienceEventSink = (event: ResilienceEvent) => void;

import { isCodedError } from '@tenon/core';

/**
 * Codes of this package that ask the caller to go away for a while. Trying again on the spot would defeat what raised them; the
 * caller's own caller may.
 */
const turnedAway = ['BULKHEAD_FULL', 'BULKHEAD_QUEUE_TIMEOUT', 'CIRCUIT_OPEN', 'RATE_LIMITED'] as const;

/** Whether an error says that a guard turned the call away, so that the dependency never saw it. */
export function isTurnedAway(error: unknown): boolean {
  return isCodedError(error, ...turnedAway);
}

/**
 * What `retry` tries again by default: coded errors that call themselves retryable, save those by which a circuit breaker, a bulkhead or a
 * rate limit turns a call away. An error that says nothing about itself is permanent.
 */
export function isRetryable(error: unknown): boolean {
  return isCodedError(error) && error.retryable && !isTurnedAway(error);
}

/** Whether the call ended by a time limit, so that nobody knows if it took effect. */
export function isTimeout(error: unknown): boolean {
  if (isCodedError(error)) return isCodedError(error, 'CALL_TIMED_OUT', 'DEADLINE_EXCEEDED');
  // What AbortSignal.timeout() and fetch with it give.
  return error instanceof Error && error.name === 'TimeoutError';
}

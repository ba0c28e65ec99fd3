import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that this package raises. */
export const resilienceErrorCodes = [
  'BULKHEAD_FULL',
  'BULKHEAD_QUEUE_TIMEOUT',
  'CALL_SUPERSEDED',
  'CALL_TIMED_OUT',
  'CIRCUIT_OPEN',
  'PIPELINE_ORDER_INVALID',
  'RATE_LIMITED',
  'RESILIENCE_OPTIONS_INVALID',
] as const;

/** A code that this package raises. */
export type ResilienceErrorCode = (typeof resilienceErrorCodes)[number];

/** Any failure of this package itself. What the work throws is passed on as it is. */
export type ResilienceError = CodedError<ResilienceErrorCode>;

/** Makes an error of this package; the union of codes is checked at compile time. */
export function resilienceError(
  code: ResilienceErrorCode,
  message: string,
  options?: CodedErrorOptions,
): ResilienceError {
  return new CodedError(code, message, options);
}

import { isCodedError } from '@tenon/core';
import { isCircuitFailure } from '@tenon/resilience';
import type { PreparedHttpRequest } from './http-request.ts';
import type { HttpResponse } from './http-response.ts';

/** One try of a request that did not end well, and what follows from that. Only the guards of an origin see it. */
export class HttpAttemptFailure extends Error {
  /** What went wrong, or the answer that says so. */
  readonly outcome: { readonly error: unknown } | { readonly response: HttpResponse };
  readonly mayRetry: boolean;
  /** Whether it speaks against the origin. */
  readonly isFault: boolean;
  /** How long the answer asks to wait. */
  readonly retryAfterMs: number | undefined;

  /** Says what went wrong, and what follows from it. */
  constructor(
    outcome: HttpAttemptFailure['outcome'],
    says: { readonly mayRetry: boolean; readonly isFault: boolean; readonly retryAfterMs?: number | undefined },
  ) {
    super('a try of a request failed');
    this.outcome = outcome;
    this.mayRetry = says.mayRetry;
    this.isFault = says.isFault;
    this.retryAfterMs = says.retryAfterMs;
  }
}

const faults = [
  'EGRESS_CONNECT_FAILED',
  'EGRESS_EXCHANGE_FAILED',
  'EGRESS_NAME_NOT_FOUND',
  'EGRESS_RESPONSE_INVALID',
  'EGRESS_TIMEOUT',
  'EGRESS_TLS_FAILED',
] as const;

/** Whether a server may have seen a try that ended with this. What does not say so may have been seen. */
export function mayHaveBeenSent(error: unknown): boolean {
  return !isCodedError(error) || error.details['mayHaveBeenSent'] !== false;
}

/**
 * Whether a request may be sent once more: never a body that has been read away; and only where twice is as good as once, or where no
 * server has seen it.
 */
export function mayRepeat(request: PreparedHttpRequest, wasSent: boolean): boolean {
  return request.hasBody() && (request.isIdempotent || !wasSent);
}

/** What follows from an error of a try. */
export function failedAttempt(request: PreparedHttpRequest, error: unknown): HttpAttemptFailure {
  const isPassing = isCodedError(error) && error.retryable;
  return new HttpAttemptFailure(
    { error },
    { mayRetry: isPassing && mayRepeat(request, mayHaveBeenSent(error)), isFault: isCodedError(error, ...faults) },
  );
}

/** Whether an error speaks against an origin. */
export function isHttpFault(error: unknown): boolean {
  return error instanceof HttpAttemptFailure ? error.isFault : isCircuitFailure(error);
}

/** Whether an answer does: the server could not do what it should be able to. */
export function isFaultStatus(status: number): boolean {
  return status >= 500 && status !== 501 && status !== 505;
}

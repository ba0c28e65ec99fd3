import { CodedError, isCodedError, toError } from '@tenon/core';
import { resourceError, type ResourceErrorCode } from '../../errors.ts';

/** What is known of a request that failed. */
export interface HttpFailureFacts {
  readonly method: string;
  readonly host: string;
  readonly isIdempotent: boolean;
  /** Whether any try may have reached a server. */
  readonly mayHaveBeenSent: boolean;
  /** Of the caller and of the lease: whoever of them ended it. */
  readonly caller: AbortSignal | undefined;
  readonly lease: AbortSignal;
}

const codes: Readonly<Record<string, ResourceErrorCode>> = {
  CALL_TIMED_OUT: 'RESOURCE_TIMEOUT',
  DEADLINE_EXCEEDED: 'RESOURCE_TIMEOUT',
  EGRESS_ABORTED: 'RESOURCE_CANCELLED',
  EGRESS_ADDRESS_FORBIDDEN: 'HTTP_TARGET_FORBIDDEN',
  EGRESS_BODY_TOO_LARGE: 'HTTP_RESPONSE_INVALID',
  EGRESS_CLOSED: 'POOL_CLOSED',
  EGRESS_CONNECT_FAILED: 'HTTP_UNREACHABLE',
  EGRESS_EXCHANGE_FAILED: 'HTTP_EXCHANGE_FAILED',
  EGRESS_HOST_FORBIDDEN: 'HTTP_TARGET_FORBIDDEN',
  EGRESS_NAME_NOT_FOUND: 'HTTP_UNREACHABLE',
  EGRESS_OPTIONS_INVALID: 'HTTP_REQUEST_INVALID',
  EGRESS_PORT_FORBIDDEN: 'HTTP_TARGET_FORBIDDEN',
  EGRESS_REDIRECT_FORBIDDEN: 'HTTP_TARGET_FORBIDDEN',
  EGRESS_REQUEST_INVALID: 'HTTP_REQUEST_INVALID',
  EGRESS_RESPONSE_INVALID: 'HTTP_RESPONSE_INVALID',
  EGRESS_SCHEME_FORBIDDEN: 'HTTP_TARGET_FORBIDDEN',
  EGRESS_TIMEOUT: 'RESOURCE_TIMEOUT',
  EGRESS_TLS_FAILED: 'HTTP_UNREACHABLE',
  EGRESS_TOO_MANY_REDIRECTS: 'HTTP_RESPONSE_INVALID',
  EGRESS_URL_INVALID: 'HTTP_REQUEST_INVALID',
};

/**
 * Says of a failure what callers go by: one of the codes of this package or of `@tenon/resilience`, whether a server may have seen the
 * request (`details.mayHaveBeenSent`), and `retryable` only where a repeat cannot do twice what should be done once.
 */
export function httpFailure(thrown: unknown, facts: HttpFailureFacts): CodedError {
  const { caller, lease, mayHaveBeenSent, isIdempotent, method, host } = facts;
  const details = { method, host, mayHaveBeenSent };
  const isSafe = isIdempotent || !mayHaveBeenSent;
  if (lease.aborted) return withDetails(toCoded(lease.reason), details, isSafe);
  if (caller?.aborted === true) {
    return resourceError('RESOURCE_CANCELLED', `the request to "${host}" was given up by its caller`, {
      cause: caller.reason,
      details,
    });
  }
  return withDetails(toCoded(thrown), details, isSafe);
}

function withDetails(error: CodedError, details: CodedError['details'], isSafe: boolean): CodedError {
  const code = codes[error.code];
  return new CodedError(code ?? error.code, error.message, {
    cause: code === undefined ? error.cause : error,
    retryable: error.retryable && isSafe,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    details: { ...error.details, ...details, ...(code === undefined ? {} : { reason: error.code }) },
  });
}

function toCoded(thrown: unknown): CodedError {
  if (isCodedError(thrown)) return thrown;
  return resourceError('HTTP_EXCHANGE_FAILED', 'the request failed for a reason that is not known', {
    cause: toError(thrown),
  });
}

import { isCodedError, toError } from '@tenon/core';
import { resourceError, type ResourceError } from '../../errors.ts';

/** What a statement fails with that was ended by a signal: a deadline is a matter of time, everything else is the caller's wish. */
export function endedBy(resource: string, reason: unknown): ResourceError {
  const cause = reason === undefined ? undefined : toError(reason);
  if (isCodedError(reason, 'DEADLINE_EXCEEDED') || cause?.name === 'TimeoutError') {
    return resourceError('RESOURCE_TIMEOUT', `a statement for database "${resource}" was not done by its deadline`, {
      cause,
      retryable: true,
      details: { resource },
    });
  }
  return resourceError('RESOURCE_CANCELLED', `a statement for database "${resource}" was ended by its caller`, {
    cause,
    details: { resource },
  });
}

/** What a statement fails with that took too long. */
export function overdue(resource: string, timeoutMs: number): ResourceError {
  return resourceError(
    'RESOURCE_TIMEOUT',
    `a statement for database "${resource}" was not done within ${timeoutMs} ms`,
    {
      retryable: true,
      details: { resource, timeoutMs },
    },
  );
}

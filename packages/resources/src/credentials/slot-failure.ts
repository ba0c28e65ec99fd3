import { isCodedError } from '@tenon/core';

/**
 * What a borrower is told where an instance could not be made because of its credentials: that, as it names slot and credential, and says
 * what to do, and not that a pool has failed. Every other failure stays as it is.
 */
export function slotFailureOr(failure: unknown): unknown {
  if (!isCodedError(failure, 'RESOURCE_INITIALIZATION_FAILED', 'RESOURCE_UNAVAILABLE')) return failure;
  const { cause } = failure;
  return isCodedError(cause, 'RESOURCE_CREDENTIAL_MISSING', 'RESOURCE_CREDENTIAL_MISMATCH') ? cause : failure;
}

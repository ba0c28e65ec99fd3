import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that this package raises. */
export const resourceErrorCodes = [
  'LEASE_RELEASED',
  'POOL_CLOSED',
  'POOL_EXHAUSTED',
  /** A borrower would wait for itself. */
  'POOL_NESTED_ACQUIRE',
  'RESOURCES_CLOSED',
  'RESOURCE_ALREADY_REGISTERED',
  'RESOURCE_CANCELLED',
  'RESOURCE_CONFIGURATION_INVALID',
  'RESOURCE_CREDENTIAL_MISMATCH',
  'RESOURCE_CREDENTIAL_MISSING',
  'RESOURCE_DEPENDENCY_CIRCULAR',
  'RESOURCE_DEPENDENCY_FAILED',
  'RESOURCE_INITIALIZATION_FAILED',
  'RESOURCE_QUOTA_EXCEEDED',
  'RESOURCE_REVOKED',
  'RESOURCE_SCOPE_INVALID',
  'RESOURCE_STATE_INVALID',
  'RESOURCE_TENANT_MISMATCH',
  'RESOURCE_TIMEOUT',
  'RESOURCE_TYPE_MISMATCH',
  'RESOURCE_UNAVAILABLE',
] as const;

/** A code that this package raises. */
export type ResourceErrorCode = (typeof resourceErrorCodes)[number];

/** Any failure of this package. Its `details` name the pool or the resource, never an instance or a credential. */
export type ResourceError = CodedError<ResourceErrorCode>;

/** Makes an error of this package; the union of codes is checked at compile time. */
export function resourceError(code: ResourceErrorCode, message: string, options?: CodedErrorOptions): ResourceError {
  return new CodedError(code, message, options);
}

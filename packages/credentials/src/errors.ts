import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that this package raises. */
export const credentialErrorCodes = [
  'CREDENTIALS_CLOSED',
  'CREDENTIALS_OPTIONS_INVALID',
  'CREDENTIAL_ABORTED',
  'CREDENTIAL_AUDIT_UNAVAILABLE',
  'CREDENTIAL_BATCH_FAILED',
  'CREDENTIAL_CONFLICT',
  'CREDENTIAL_EXISTS',
  'CREDENTIAL_EXPIRED',
  'CREDENTIAL_ID_INVALID',
  'CREDENTIAL_INVALID',
  'CREDENTIAL_KIND_MISMATCH',
  'CREDENTIAL_KIND_UNKNOWN',
  'CREDENTIAL_NOT_FOUND',
  'CREDENTIAL_OUTCOME_UNKNOWN',
  'CREDENTIAL_REAUTHORIZATION_REQUIRED',
  'CREDENTIAL_REFRESH_BUSY',
  'CREDENTIAL_REFRESH_FAILED',
  'CREDENTIAL_REFRESH_IMPOSSIBLE',
  'CREDENTIAL_REPEATED',
  'CREDENTIAL_ROTATION_FAILED',
  'CREDENTIAL_ROTATION_IMPOSSIBLE',
  'CREDENTIAL_SCOPE_INVALID',
  'CREDENTIAL_SCOPE_REQUIRED',
  'CREDENTIAL_SCOPE_VIOLATION',
  'CREDENTIAL_STORAGE_CORRUPT',
  'CREDENTIAL_STORAGE_DENIED',
  'CREDENTIAL_STORAGE_FAILED',
  'CREDENTIAL_STORAGE_TIMEOUT',
  'CREDENTIAL_STORAGE_UNAVAILABLE',
  'CREDENTIAL_TENANT_MISMATCH',
  'CREDENTIAL_TOO_LARGE',
  'CREDENTIAL_UNREADABLE',
  'CREDENTIAL_VERSION_CONFLICT',
] as const;

/** A code that this package raises. */
export type CredentialErrorCode = (typeof credentialErrorCodes)[number];

/** Any failure of this package. Its `details` name the credential's `id` and `scope` where there is one, never its material. */
export type CredentialError = CodedError<CredentialErrorCode>;

/** Makes an error of this package; the union of codes is checked at compile time. */
export function credentialError(
  code: CredentialErrorCode,
  message: string,
  options?: CodedErrorOptions,
): CredentialError {
  return new CodedError(code, message, options);
}

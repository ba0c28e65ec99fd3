import { CodedError, type CodedErrorOptions } from './coded-error.ts';

/** Every code that `@tenon/core` raises. */
export const coreErrorCodes = [
  'ABORTED',
  'CONTEXT_MISSING',
  'DEADLINE_EXCEEDED',
  'ID_INVALID',
  'SECRET_REDACTED',
  'TENANT_INVALID',
  'TENANT_REQUIRED',
] as const;

/** A code that `@tenon/core` raises. */
export type CoreErrorCode = (typeof coreErrorCodes)[number];

/** Makes an error of this package; the union of codes is checked at compile time. */
export function coreError(
  code: CoreErrorCode,
  message: string,
  options?: CodedErrorOptions,
): CodedError<CoreErrorCode> {
  return new CodedError(code, message, options);
}

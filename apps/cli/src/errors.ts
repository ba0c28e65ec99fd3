import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that the `tenon` command itself raises. */
export const cliErrorCodes = [
  'ACCOUNT_NONE',
  'DOCTOR_FOUND_PROBLEMS',
  'IMPORT_HAS_REJECTS',
  'PASSWORD_MISSING',
  'RESOURCE_UNHEALTHY',
  'RESOURCE_UNKNOWN',
  'SERVER_UNREACHABLE',
  'TENANT_AMBIGUOUS',
  'TENANT_NONE',
  // An argument or option of the command line is missing, unknown or wrong.
  'USAGE_INVALID',
] as const;

/** A code that the `tenon` command itself raises. */
export type CliErrorCode = (typeof cliErrorCodes)[number];

/** Makes an error of the command; the union of codes is checked at compile time. */
export function cliError(code: CliErrorCode, message: string, options?: CodedErrorOptions): CodedError<CliErrorCode> {
  return new CodedError(code, message, options);
}

import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that `@tenon/database` raises. */
export const databaseErrorCodes = [
  'DATABASE_ABORTED',
  // Wrong user, password, database name or grants.
  'DATABASE_ACCESS_DENIED',
  'DATABASE_BUSY',
  'DATABASE_CLOSED',
  'DATABASE_COMMIT_UNKNOWN',
  // A row with the same key exists already.
  'DATABASE_CONFLICT',
  // A value breaks a rule of the table.
  'DATABASE_CONSTRAINT',
  'DATABASE_DIRECTORY_LOCKED',
  // A lock that the statement needs was not to be had in time.
  'DATABASE_LOCKED',
  'DATABASE_NESTED_TRANSACTION',
  'DATABASE_OPTIONS_INVALID',
  'DATABASE_QUERY_FAILED',
  // A row that is referred to is missing, or still in use.
  'DATABASE_REFERENCE_MISSING',
  'DATABASE_ROLLED_BACK',
  'DATABASE_SERIALIZATION',
  // A statement ran longer than allowed and was stopped.
  'DATABASE_STATEMENT_TIMEOUT',
  'DATABASE_TLS_FAILED',
  'DATABASE_UNAVAILABLE',
  'DATABASE_VALUE_INVALID',
  'MIGRATION_CHANGED',
  'MIGRATION_FAILED',
  'MIGRATION_INVALID',
  'MIGRATION_NEWER',
] as const;

/** A code that `@tenon/database` raises. */
export type DatabaseErrorCode = (typeof databaseErrorCodes)[number];

/** Makes an error of this package; the union of codes is checked at compile time. */
export function databaseError(
  code: DatabaseErrorCode,
  message: string,
  options?: CodedErrorOptions,
): CodedError<DatabaseErrorCode> {
  return new CodedError(code, message, options);
}

import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that an import raises. */
export const importErrorCodes = [
  'IMPORT_COLUMNS_INVALID',
  'IMPORT_FILE_CHANGED',
  'IMPORT_FILE_UNREADABLE',
  'IMPORT_FORMAT_UNKNOWN',
  'IMPORT_OPTIONS_INVALID',
  'IMPORT_REJECTS_UNWRITABLE',
  'IMPORT_STOPPED',
  'IMPORT_TAKEN_OVER',
] as const;

/** A code that an import raises. */
export type ImportErrorCode = (typeof importErrorCodes)[number];

/** Makes an error of an import; the union of codes is checked at compile time. */
export function importError(
  code: ImportErrorCode,
  message: string,
  options?: CodedErrorOptions,
): CodedError<ImportErrorCode> {
  return new CodedError(code, message, options);
}

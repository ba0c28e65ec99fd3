import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that the server itself raises. */
export const serverErrorCodes = [
  'ACCESS_UNDECLARED',
  'BODY_MALFORMED',
  'BODY_TOO_LARGE',
  'CSRF_REFUSED',
  'HEADERS_TOO_LARGE',
  'IF_MATCH_INVALID',
  'IMPORT_COLUMNS_INVALID',
  'IMPORT_FILE_CHANGED',
  'IMPORT_FILE_UNREADABLE',
  'IMPORT_FORMAT_UNKNOWN',
  'IMPORT_OPTIONS_INVALID',
  'IMPORT_REJECTS_UNWRITABLE',
  'IMPORT_STOPPED',
  'IMPORT_TAKEN_OVER',
  'INPUT_INVALID',
  'INTERNAL',
  'KEYS_INVALID',
  'MEDIA_TYPE_UNSUPPORTED',
  'METHOD_NOT_ALLOWED',
  'NOT_READY',
  'PERMISSION_DENIED',
  'PORT_IN_USE',
  'REGISTRATION_CLOSED',
  'REQUEST_MALFORMED',
  'REQUEST_TIMEOUT',
  'RESOURCES_INVALID',
  'RESOURCE_NOT_FOUND',
  'ROUTE_NOT_FOUND',
  'SETTINGS_INVALID',
  'SIGN_IN_REQUIRED',
  'TENANT_NOT_ALLOWED',
] as const;

/** A code that the server itself raises. */
export type ServerErrorCode = (typeof serverErrorCodes)[number];

/** Makes an error of the server; the union of codes is checked at compile time. */
export function serverError(
  code: ServerErrorCode,
  message: string,
  options?: CodedErrorOptions,
): CodedError<ServerErrorCode> {
  return new CodedError(code, message, options);
}

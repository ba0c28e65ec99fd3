import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that `@tenon/auth` raises. */
export const authErrorCodes = [
  'AUTH_ACCOUNT_NOT_FOUND',
  'AUTH_API_KEY_INVALID',
  'AUTH_API_KEY_NOT_FOUND',
  'AUTH_CLOSED',
  'AUTH_CREDENTIALS_INVALID',
  'AUTH_EMAIL_TAKEN',
  'AUTH_INPUT_INVALID',
  'AUTH_OPTIONS_INVALID',
  'AUTH_OVERLOADED',
  'AUTH_REFRESH_BUSY',
  'AUTH_REFRESH_INVALID',
  'AUTH_SCOPE_NOT_GRANTED',
  'AUTH_SESSION_NOT_FOUND',
  'AUTH_SIGNING_KEY_UNREADABLE',
  'AUTH_TENANT_UNAVAILABLE',
  'AUTH_THROTTLED',
  'AUTH_TOKEN_INVALID',
] as const;

/** A code that `@tenon/auth` raises. */
export type AuthErrorCode = (typeof authErrorCodes)[number];

/** Makes an error of this package; the union of codes is checked at compile time. */
export function authError(
  code: AuthErrorCode,
  message: string,
  options?: CodedErrorOptions,
): CodedError<AuthErrorCode> {
  return new CodedError(code, message, options);
}

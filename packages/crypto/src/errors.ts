import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that `@tenon/crypto` raises. */
export const cryptoErrorCodes = [
  'ASSOCIATED_DATA_REQUIRED',
  'ENVELOPE_MALFORMED',
  'ENVELOPE_REJECTED',
  'FERNET_KEY_INVALID',
  'FERNET_TOKEN_EXPIRED',
  'FERNET_TOKEN_FROM_FUTURE',
  'FERNET_TOKEN_MALFORMED',
  'FERNET_TOKEN_REJECTED',
  'FERNET_TTL_INVALID',
  'KEY_INVALID',
  'KEY_LENGTH_INVALID',
  'KEY_RING_DERIVED',
  'KEY_RING_EMPTY',
  'KEY_RING_INVALID',
  'KEY_UNKNOWN',
  'PLAINTEXT_TOO_LARGE',
  'PURPOSE_INVALID',
  'TEXT_INVALID',
] as const;

/** A code that `@tenon/crypto` raises. */
export type CryptoErrorCode = (typeof cryptoErrorCodes)[number];

/** Makes an error of this package; the union of codes is checked at compile time. */
export function cryptoError(
  code: CryptoErrorCode,
  message: string,
  options?: CodedErrorOptions,
): CodedError<CryptoErrorCode> {
  return new CodedError(code, message, options);
}

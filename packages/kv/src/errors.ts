import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that `@tenon/kv` raises. */
export const kvErrorCodes = [
  'KV_ABORTED',
  'KV_CLOSED',
  'KV_FAILED',
  'KV_FULL',
  'KV_KEY_INVALID',
  'KV_OPTIONS_INVALID',
  'KV_TTL_INVALID',
  'KV_UNAVAILABLE',
  'KV_VALUE_INVALID',
] as const;

/** A code that `@tenon/kv` raises. */
export type KvErrorCode = (typeof kvErrorCodes)[number];

/** Makes an error of this package; the union of codes is checked at compile time. */
export function kvError(code: KvErrorCode, message: string, options?: CodedErrorOptions): CodedError<KvErrorCode> {
  return new CodedError(code, message, options);
}

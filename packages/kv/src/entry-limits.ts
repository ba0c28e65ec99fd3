import { kvError } from './errors.ts';
import type { WriteOptions } from './key-value-store.ts';

/** Longest key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 512;

/** Largest value where a driver is not told otherwise, in bytes: 16 MiB. */
export const DEFAULT_MAX_VALUE_BYTES: number = 16 * 1024 * 1024;

/** Largest value that a driver can be told to take, in bytes: 256 MiB. */
export const LARGEST_MAX_VALUE_BYTES: number = 256 * 1024 * 1024;

/** Longest time limit, in milliseconds: 100 years. */
export const MAX_TTL_MS = 3_155_760_000_000;

/** @throws `KV_KEY_INVALID` unless the key is 1 to 512 bytes of UTF-8 without NUL */
export function assertKey(key: string): void {
  // A lone surrogate has no UTF-8 form: encoders put U+FFFD in its place, and two keys would become one.
  if (typeof key !== 'string' || key === '' || key.includes('\0') || !key.isWellFormed()) {
    throw kvError(
      'KV_KEY_INVALID',
      'a key must be text of at least one character, without NUL and without lone surrogates',
    );
  }
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) {
    throw kvError(
      'KV_KEY_INVALID',
      `a key may have ${MAX_KEY_BYTES} bytes of UTF-8 at most, prefixes included; this one has ${bytes}`,
      {
        details: { bytes, maxBytes: MAX_KEY_BYTES },
      },
    );
  }
}

/** @throws `KV_VALUE_INVALID` unless the value is bytes within the limit */
export function assertValue(value: Uint8Array, maxBytes: number): void {
  if (!(value instanceof Uint8Array)) throw kvError('KV_VALUE_INVALID', 'a value must be a Uint8Array');
  if (value.byteLength > maxBytes) {
    throw kvError('KV_VALUE_INVALID', `a value may have ${maxBytes} bytes at most; this one has ${value.byteLength}`, {
      details: { bytes: value.byteLength, maxBytes },
    });
  }
}

/**
 * Reads the time limit of a write.
 *
 * @returns milliseconds, or `undefined` for none
 * @throws `KV_TTL_INVALID` unless it is a whole number from 1 to {@link MAX_TTL_MS}
 */
export function readTtl(options: WriteOptions | undefined): number | undefined {
  const ttlMs = options?.ttlMs;
  if (ttlMs === undefined) return undefined;
  if (!Number.isInteger(ttlMs) || ttlMs < 1 || ttlMs > MAX_TTL_MS) {
    throw kvError('KV_TTL_INVALID', `ttlMs must be a whole number of milliseconds from 1 to ${MAX_TTL_MS}`);
  }
  return ttlMs;
}

/**
 * Checks a whole-number option of a driver.
 *
 * @throws `KV_OPTIONS_INVALID` naming the option
 */
export function checkedOption(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw kvError(
      'KV_OPTIONS_INVALID',
      `key-value store option "${name}" must be a whole number from ${min} to ${max}`,
      {
        details: { option: name },
      },
    );
  }
  return value;
}

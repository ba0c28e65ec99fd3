import { randomFillSync } from 'node:crypto';
import { systemClock, type Clock, type Secret } from '@tenon/core';
import { cryptoError } from './errors.ts';
import { readFernetKey, type FernetKey } from './fernet-key.ts';
import { decryptToken, isAuthentic, IV_BYTES, readToken, writeToken, type FernetToken } from './fernet-token.ts';
import { toBytes } from './to-bytes.ts';

/** What {@link createFernet} takes besides keys. */
export interface FernetOptions {
  /** Dates new tokens and judges the age of old ones. Default: the machine's clock. */
  readonly clock?: Clock;
  /** Fills bytes at random, for initialization vectors. Default: the system's generator. */
  readonly fillRandom?: (bytes: Uint8Array) => void;
}

/** What {@link Fernet.decrypt} takes. */
export interface FernetDecryptOptions {
  /**
   * The greatest age of a token, in milliseconds, 0 or more; judged in whole seconds, as tokens are dated. With it, a token
   * dated more than 60 seconds ahead is refused, too. Default: any age, and the date is not looked at.
   */
  readonly ttlMs?: number;
}

/** Reads and writes Fernet tokens: the first key encrypts, any key decrypts. */
export interface Fernet {
  /**
   * Encrypts and dates a message.
   *
   * @param message - text is encrypted as UTF-8
   * @returns base64url with padding
   * @throws `TEXT_INVALID` when text is not valid Unicode
   */
  encrypt(message: Uint8Array | string): string;
  /**
   * The message of a token. Authenticity is checked before age, so an "expired" token is certainly one of ours.
   *
   * @throws `FERNET_TOKEN_MALFORMED`, `FERNET_TOKEN_REJECTED` when no key made it, `FERNET_TOKEN_EXPIRED`,
   *   `FERNET_TOKEN_FROM_FUTURE`, `FERNET_TTL_INVALID` when `ttlMs` is not a number of 0 or more
   */
  decrypt(token: string, options?: FernetDecryptOptions): Uint8Array;
  /**
   * The same message and date, encrypted anew under the first key.
   *
   * @throws `FERNET_TOKEN_MALFORMED`, `FERNET_TOKEN_REJECTED` when no key made it
   */
  rotate(token: string): string;
}

const MAX_CLOCK_SKEW_SECONDS = 60;

/**
 * Makes a reader and writer of Fernet tokens (public Fernet specification, version 0x80), to exchange encrypted values with
 * other systems. For Tenon's own data use {@link seal}: Fernet binds a token to no record.
 *
 * @param keys - 44 characters of base64url each, as {@link generateFernetKey} makes; at least one
 * @throws `FERNET_KEY_INVALID` when a key is malformed or there is none
 * @example
 * ```ts
 * const fernet = createFernet([newKey, oldKey]);
 * const token = fernet.encrypt('hello');
 * fernet.decrypt(token, { ttlMs: 3_600_000 });
 * ```
 */
export function createFernet(keys: readonly (string | Secret)[], options: FernetOptions = {}): Fernet {
  const clock = options.clock ?? systemClock;
  const fillRandom = options.fillRandom ?? ((bytes: Uint8Array) => void randomFillSync(bytes));
  const ring = keys.map((key, index) => readFernetKey(key, index + 1));
  const [first] = ring;
  if (first === undefined) throw cryptoError('FERNET_KEY_INVALID', 'Fernet needs at least one key, and none was given');

  const nowSeconds = (): number => Math.floor(clock.now() / 1000);
  const encryptAt = (message: Uint8Array, seconds: number): string => {
    const iv = new Uint8Array(IV_BYTES);
    fillRandom(iv);
    return writeToken(first, message, iv, seconds);
  };

  return {
    encrypt: (message) => encryptAt(toBytes(message, 'the message'), nowSeconds()),
    decrypt(text, { ttlMs } = {}) {
      const token = readToken(text);
      const key = requireKey(ring, token);
      if (ttlMs !== undefined) checkAge(token.seconds, ttlMs, nowSeconds());
      return decryptToken(key, token);
    },
    rotate(text) {
      const token = readToken(text);
      const message = decryptToken(requireKey(ring, token), token);
      const rotated = encryptAt(message, token.seconds);
      message.fill(0);
      return rotated;
    },
  };
}

function requireKey(ring: readonly FernetKey[], token: FernetToken): FernetKey {
  const key = ring.find((candidate) => isAuthentic(candidate, token));
  if (key === undefined) {
    throw cryptoError(
      'FERNET_TOKEN_REJECTED',
      'the Fernet token is not authentic: it was changed, or its key is missing',
    );
  }
  return key;
}

function checkAge(seconds: number, ttlMs: number, nowSeconds: number): void {
  // Said this way round, NaN is refused too: every comparison with it is false, so it would switch the check off.
  if (!(ttlMs >= 0)) throw cryptoError('FERNET_TTL_INVALID', 'ttlMs must be a number of milliseconds, 0 or more');
  if (seconds > nowSeconds + MAX_CLOCK_SKEW_SECONDS) {
    throw cryptoError(
      'FERNET_TOKEN_FROM_FUTURE',
      'the Fernet token is dated more than 60 seconds ahead; check the clocks',
    );
  }
  if ((nowSeconds - seconds) * 1000 > ttlMs) {
    throw cryptoError('FERNET_TOKEN_EXPIRED', `the Fernet token is older than ${ttlMs} ms`, { details: { ttlMs } });
  }
}

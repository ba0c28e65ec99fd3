import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { Secret } from '@tenon/core';
import { decodeBase64url } from './base64url.ts';
import { cryptoError } from './errors.ts';

/** The two halves of a Fernet key. */
export interface FernetKey {
  readonly signing: KeyObject;
  readonly encryption: KeyObject;
}

const KEY_TEXT = /^[A-Za-z0-9_-]{43}=$/;

/** Makes a Fernet key: 32 random bytes as 44 characters of base64url, padding included. */
export function generateFernetKey(): Secret {
  return new Secret(`${randomBytes(32).toString('base64url')}=`);
}

/**
 * Reads a Fernet key: 16 bytes for signing, then 16 for encryption.
 *
 * @param position - which of the keys this is, from 1, for the message
 * @throws `FERNET_KEY_INVALID`; the message never shows the key
 */
export function readFernetKey(key: string | Secret, position: number): FernetKey {
  const text = typeof key === 'string' ? key : key.reveal();
  const bytes = KEY_TEXT.test(text) ? decodeBase64url(text.slice(0, -1)) : undefined;
  if (bytes === undefined) {
    throw cryptoError('FERNET_KEY_INVALID', `Fernet key ${position} is not 32 bytes as 44 characters of base64url`, {
      details: { position },
    });
  }
  const halves = {
    signing: createSecretKey(bytes.subarray(0, 16)),
    encryption: createSecretKey(bytes.subarray(16)),
  };
  bytes.fill(0);
  return halves;
}

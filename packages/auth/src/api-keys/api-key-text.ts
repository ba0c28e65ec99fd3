import { hash, randomBytes, randomInt } from 'node:crypto';
import { isSecret, Secret } from '@tenon/core';

/** A key taken apart. */
export interface ParsedApiKey {
  readonly prefix: string;
  /** SHA-256 of the whole text. */
  readonly keyHash: Buffer;
}

const PREFIX_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const PREFIX_CHARACTERS = 8;
const SECRET_BYTES = 32;
const TEXT = /^tnk_([a-z0-9]{8})_[A-Za-z0-9_-]{43}$/;

/** Makes the text of a key: `tnk_`, a prefix to recognise it by, and 256 random bits. */
export function makeApiKey(): ParsedApiKey & { readonly key: Secret } {
  const prefix = Array.from({ length: PREFIX_CHARACTERS }, randomCharacter).join('');
  const text = `tnk_${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { key: new Secret(text), prefix, keyHash: hash('sha256', text, 'buffer') };
}

/** Takes a key apart. @returns `undefined` when the text has not the form of one */
export function parseApiKey(key: Secret | string): ParsedApiKey | undefined {
  const text = isSecret(key) ? key.reveal() : key;
  const prefix = typeof text === 'string' ? TEXT.exec(text)?.[1] : undefined;
  return prefix === undefined ? undefined : { prefix, keyHash: hash('sha256', text, 'buffer') };
}

function randomCharacter(): string {
  return PREFIX_ALPHABET.charAt(randomInt(PREFIX_ALPHABET.length));
}

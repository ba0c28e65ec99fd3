import { isSecret, type Secret } from '@tenon/core';

/** bcrypt reads no further than this, and would take any longer password that begins the same. */
export const MAX_PASSWORD_BYTES = 72;

/** A password in the one form that is hashed. It prints nothing. */
export interface PreparedPassword {
  /** The text in NFC: "ü" typed as one character or as two is the same password. */
  reveal(): string;
  /** Whether it can be hashed at all: valid Unicode of at most 72 bytes. */
  readonly hashable: boolean;
}

/** Brings a password, or whatever was sent as one, into the form that is hashed. */
export function preparePassword(given: Secret | string): PreparedPassword {
  const text = isSecret(given) ? given.reveal() : given;
  if (typeof text !== 'string' || !text.isWellFormed()) return { reveal: () => '', hashable: false };
  const normal = text.normalize('NFC');
  return { reveal: () => normal, hashable: Buffer.byteLength(normal) <= MAX_PASSWORD_BYTES };
}

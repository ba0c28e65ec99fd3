import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { decodeBase64url } from './base64url.ts';
import { cryptoError } from './errors.ts';
import type { FernetKey } from './fernet-key.ts';

// The layout of the public Fernet specification: version, seconds, IV, ciphertext, HMAC-SHA-256 over all before it.
const VERSION = 0x80;
const TIME_AT = 1;
const IV_AT = 9;
const CIPHERTEXT_AT = 25;
const MAC_BYTES = 32;
const BLOCK_BYTES = 16;
const CIPHER = 'aes-128-cbc';

/** Length of the initialization vector, in bytes. */
export const IV_BYTES = 16;

/** A token taken apart, not yet authenticated. */
export interface FernetToken {
  /** All that the HMAC covers. */
  readonly signed: Buffer;
  readonly mac: Buffer;
  /** When it was made, in seconds since the Unix epoch. */
  readonly seconds: number;
}

/** Writes a token. */
export function writeToken(key: FernetKey, plaintext: Uint8Array, iv: Uint8Array, seconds: number): string {
  const cipher = createCipheriv(CIPHER, key.encryption, iv);
  const head = cipher.update(plaintext);
  const tail = cipher.final();
  const macAt = CIPHERTEXT_AT + head.length + tail.length;
  const token = Buffer.allocUnsafe(macAt + MAC_BYTES);
  token[0] = VERSION;
  token.writeUInt32BE(Math.floor(seconds / 2 ** 32), TIME_AT);
  token.writeUInt32BE(seconds % 2 ** 32, TIME_AT + 4);
  token.set(iv, IV_AT);
  token.set(head, CIPHERTEXT_AT);
  token.set(tail, CIPHERTEXT_AT + head.length);
  token.set(macOf(key, token.subarray(0, macAt)), macAt);
  const text = token.toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

/**
 * Takes a token apart.
 *
 * @throws `FERNET_TOKEN_MALFORMED` when the text is not base64url with padding, or its bytes have not the layout
 */
export function readToken(text: string): FernetToken {
  const bytes = decodePadded(text);
  if (bytes === undefined) throw malformed('it is not base64url with padding');
  if (bytes[0] !== VERSION) throw malformed('its version is not 0x80');
  const macAt = bytes.length - MAC_BYTES;
  const ciphertextBytes = macAt - CIPHERTEXT_AT;
  // Padding fills at least one byte, so even an empty message has a block.
  if (ciphertextBytes < BLOCK_BYTES) throw malformed('it is too short');
  if (ciphertextBytes % BLOCK_BYTES !== 0) throw malformed('its ciphertext is not whole blocks');
  return {
    signed: bytes.subarray(0, macAt),
    mac: bytes.subarray(macAt),
    seconds: bytes.readUInt32BE(TIME_AT) * 2 ** 32 + bytes.readUInt32BE(TIME_AT + 4),
  };
}

/** Tells whether a key made the token, in constant time. */
export function isAuthentic(key: FernetKey, token: FernetToken): boolean {
  return timingSafeEqual(macOf(key, token.signed), token.mac);
}

/**
 * Decrypts an authentic token.
 *
 * @throws `FERNET_TOKEN_REJECTED` when the padding is wrong: whoever made it holds the key and wrote nonsense
 */
export function decryptToken(key: FernetKey, token: FernetToken): Uint8Array {
  const decipher = createDecipheriv(CIPHER, key.encryption, token.signed.subarray(IV_AT, CIPHERTEXT_AT));
  const head = decipher.update(token.signed.subarray(CIPHERTEXT_AT));
  try {
    return Buffer.concat([head, decipher.final()]);
  } catch (error) {
    throw cryptoError('FERNET_TOKEN_REJECTED', 'the Fernet token does not decrypt: its padding is wrong', {
      cause: error,
    });
  }
}

function macOf(key: FernetKey, data: Uint8Array): Buffer {
  return createHmac('sha256', key.signing).update(data).digest();
}

function decodePadded(text: string): Buffer | undefined {
  if (typeof text !== 'string' || text.length % 4 !== 0) return undefined;
  const end = text.indexOf('=');
  if (end === -1) return decodeBase64url(text);
  // The unpadded part is canonical, and its length leaves room for exactly the padding that follows.
  return '=='.startsWith(text.slice(end)) ? decodeBase64url(text.slice(0, end)) : undefined;
}

function malformed(why: string): Error {
  return cryptoError('FERNET_TOKEN_MALFORMED', `this is not a Fernet token: ${why}`);
}

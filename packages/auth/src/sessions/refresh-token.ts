import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { isSecret, isUuid, Secret } from '@tenon/core';
import { deriveKey, type KeyRing } from '@tenon/crypto';

/** What an authentic refresh token says: the successor of number `counter - 1` of its session. */
export interface RefreshClaim {
  readonly sessionId: string;
  readonly counter: number;
}

/** Writes and reads refresh tokens. */
export interface RefreshTokens {
  /** The token of a session and counter: the same each time, as long as the ring's first key is the same. */
  write(claim: RefreshClaim): Secret;
  /** What a token says, or `undefined` when no key of the ring made exactly this text. */
  read(token: Secret | string): RefreshClaim | undefined;
}

// version 1 | session id 16 | counter 4 | mac 16 | checksum 4, in bytes
const PREFIX = 'tnr_';
const VERSION = 1;
const SESSION_AT = 1;
const COUNTER_AT = 17;
const MAC_AT = 21;
const CHECKSUM_AT = 37;
const LENGTH = 41;
const TEXT = /^tnr_[A-Za-z0-9_-]{55}$/;

/**
 * Makes the codec. A token is the session's id and a counter under an HMAC-SHA-256, cut to 128 bits, with a key that HKDF
 * derives for that session alone. So the successor of a token can be computed again instead of kept, and whoever reads the
 * database cannot make one. The checksum tells text that was cut or mistyped from a forgery, and serves secret scanners.
 *
 * @param ring - keys of this purpose alone
 */
export function createRefreshTokens(ring: KeyRing): RefreshTokens {
  const macOf = (keyId: string, sessionId: string, signed: Uint8Array): Buffer => {
    const key = deriveKey(ring, `session:${sessionId}`, 32, { keyId });
    return createHmac('sha256', key)
      .update(signed)
      .digest()
      .subarray(0, CHECKSUM_AT - MAC_AT);
  };
  return {
    write({ sessionId, counter }) {
      const bytes = Buffer.alloc(LENGTH);
      bytes[0] = VERSION;
      bytes.write(sessionId.replaceAll('-', ''), SESSION_AT, 'hex');
      bytes.writeUInt32BE(counter, COUNTER_AT);
      bytes.set(macOf(ring.ids[0] as string, sessionId, bytes.subarray(0, MAC_AT)), MAC_AT);
      bytes.set(checksum(bytes), CHECKSUM_AT);
      return new Secret(PREFIX + bytes.toString('base64url'));
    },
    read(token) {
      const bytes = decode(isSecret(token) ? token.reveal() : token);
      if (bytes === undefined) return undefined;
      const sessionId = readUuid(bytes);
      if (!isUuid(sessionId)) return undefined;
      const mac = bytes.subarray(MAC_AT, CHECKSUM_AT);
      const signed = bytes.subarray(0, MAC_AT);
      // A token outlives the rotation of the ring for as long as its key stays in it.
      if (!ring.ids.some((keyId) => timingSafeEqual(macOf(keyId, sessionId, signed), mac))) return undefined;
      return { sessionId, counter: bytes.readUInt32BE(COUNTER_AT) };
    },
  };
}

function decode(text: string): Buffer | undefined {
  if (typeof text !== 'string' || !TEXT.test(text)) return undefined;
  const bytes = Buffer.from(text.slice(PREFIX.length), 'base64url');
  // The last character has spare bits: only the spelling that encoding gives is the token.
  if (PREFIX + bytes.toString('base64url') !== text || bytes[0] !== VERSION) return undefined;
  return timingSafeEqual(checksum(bytes), bytes.subarray(CHECKSUM_AT)) ? bytes : undefined;
}

function checksum(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes.subarray(0, CHECKSUM_AT), 'buffer').subarray(0, LENGTH - CHECKSUM_AT);
}

function readUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex', SESSION_AT, COUNTER_AT);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

import { createHmac, timingSafeEqual } from 'node:crypto';
import { findKey, keysOf, type KeyRing } from './key-ring.ts';
import type { RingKey } from './ring-key.ts';
import { toBytes } from './to-bytes.ts';

// 32 bytes as base64url without padding.
const MAC_LENGTH = 43;

/**
 * Signs data with HMAC-SHA-256 (RFC 2104) under the first key of a ring. What is signed stays readable: this is for values
 * that travel through the caller's hands and must come back unchanged, such as page cursors and refresh tokens.
 *
 * @param ring - keys of this purpose alone: `ring.subring('cursor')`; else a signature made for one use passes in another
 * @returns `keyId.base64url`; safe in URLs and headers, 44 characters and the key id long
 * @throws `TEXT_INVALID` when text is not valid Unicode
 */
export function sign(ring: KeyRing, data: Uint8Array | string): string {
  const [key] = keysOf(ring);
  return `${key.id}.${mac(key, toBytes(data, 'the signed data'))}`;
}

/**
 * Tells, in constant time, whether a signature was made over exactly this data by a key of the ring. Anything malformed is
 * just not a signature: only the very text that {@link sign} gives passes.
 */
export function verify(ring: KeyRing, data: Uint8Array | string, signature: string): boolean {
  if (typeof signature !== 'string' || (typeof data === 'string' && !data.isWellFormed())) return false;
  const dot = signature.indexOf('.');
  const key = findKey(ring, signature.slice(0, Math.max(0, dot)));
  if (key === undefined || signature.length !== dot + 1 + MAC_LENGTH) return false;
  // Compared as text, which is the stricter way: spare bits of base64url make several texts for the same bytes.
  const expected = Buffer.from(mac(key, toBytes(data, 'the signed data')), 'latin1');
  const given = Buffer.from(signature.slice(dot + 1), 'utf8');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function mac(key: RingKey, data: Uint8Array): string {
  return createHmac('sha256', key.signing()).update(data).digest('base64url');
}

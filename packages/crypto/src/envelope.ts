import { asBuffer, decodeBase64url } from './base64url.ts';
import { cryptoError } from './errors.ts';
import { keysOf, type KeyRing } from './key-ring.ts';
import { NONCE_BYTES } from './nonce-pool.ts';
import { isKeyId } from './parse-keys.ts';
import { ENVELOPE_VERSION, type RingKey } from './ring-key.ts';

/** Length of the authentication tag, in bytes: the full 128 bits. */
export const TAG_BYTES = 16;

const PREFIX_BYTES = 2;

/**
 * The id of the key that an envelope was sealed under, read without opening it. It is authenticated only by opening; use
 * it to find what still waits for a new key.
 *
 * @throws `ENVELOPE_MALFORMED` when the bytes are no envelope
 */
export function envelopeKeyId(envelope: Uint8Array): string {
  const headerLength = measureHeader(envelope);
  const id = asBuffer(envelope).toString('latin1', PREFIX_BYTES, headerLength);
  if (!isKeyId(id)) throw malformed('its key id has no valid form');
  return id;
}

/** The text form of an envelope: base64url without padding. */
export function encodeEnvelope(envelope: Uint8Array): string {
  return asBuffer(envelope).toString('base64url');
}

/**
 * The bytes of an envelope in text form.
 *
 * @throws `ENVELOPE_MALFORMED` when the text is not exactly base64url without padding
 */
export function decodeEnvelope(text: string): Uint8Array {
  const bytes = typeof text === 'string' ? decodeBase64url(text) : undefined;
  if (bytes === undefined) throw malformed('its text is not base64url without padding');
  return bytes;
}

/**
 * The key of a ring that an envelope names.
 *
 * @throws `ENVELOPE_MALFORMED` when the bytes are no envelope, `KEY_UNKNOWN` when the ring has no such key
 */
export function keyOfEnvelope(ring: KeyRing, envelope: Uint8Array): RingKey {
  const headerLength = measureHeader(envelope);
  // Compared as bytes: making a string of the id for a lookup costs more, and a ring is short.
  for (const key of keysOf(ring)) {
    if (key.header.length === headerLength && startsWith(envelope, key.header)) return key;
  }
  const keyId = envelopeKeyId(envelope);
  throw cryptoError('KEY_UNKNOWN', `the envelope is sealed under key "${keyId}", which the ring does not have`, {
    details: { keyId },
  });
}

function measureHeader(envelope: Uint8Array): number {
  if (!(envelope instanceof Uint8Array)) throw malformed('it is not a Uint8Array');
  const [version, idLength] = envelope;
  if (version === undefined || idLength === undefined) throw malformed('it is too short');
  if (version !== ENVELOPE_VERSION) throw malformed(`its version ${version} is not known`);
  if (idLength === 0 || idLength > 32) throw malformed('its key id has no valid length');
  const headerLength = PREFIX_BYTES + idLength;
  if (envelope.length < headerLength + NONCE_BYTES + TAG_BYTES) throw malformed('it is too short');
  return headerLength;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  for (let index = 0; index < prefix.length; index += 1) {
    if (bytes[index] !== prefix[index]) return false;
  }
  return true;
}

function malformed(why: string): Error {
  return cryptoError('ENVELOPE_MALFORMED', `this is not a sealed envelope: ${why}`);
}

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { authenticatedBytes, type AssociatedData } from './associated-data.ts';
import { keyOfEnvelope, TAG_BYTES } from './envelope.ts';
import { cryptoError } from './errors.ts';
import { keysOf, type KeyRing } from './key-ring.ts';
import { createNoncePool, NONCE_BYTES } from './nonce-pool.ts';
import { assertUnicode } from './to-bytes.ts';

/** What {@link seal} and {@link open} take. */
export interface SealOptions {
  /** What the envelope belongs to. The same is needed to open it. Never empty. */
  readonly associatedData: AssociatedData;
}

const ALGORITHM = 'aes-256-gcm';
// Without it, node takes tags as short as 4 bytes, which are forged in no time.
const FULL_TAG = Object.freeze({ authTagLength: TAG_BYTES });
// An envelope is made in memory, in one piece. Past this, OpenSSL's own limit of 2 GiB comes near.
const MAX_PLAINTEXT_BYTES = 2 ** 30;

const nextNonce = createNoncePool();

/**
 * Encrypts and authenticates a small value with AES-256-GCM (NIST SP 800-38D) under the first key of a ring, bound to
 * what it belongs to. The envelope names its key and version, and authenticates both.
 *
 * Nonces are random, 96 bits: rotate a key before it has sealed 2^32 values.
 *
 * @param ring - keys of this purpose alone: `ring.subring('credentials')`
 * @param plaintext - at most 1 GiB; text is sealed as UTF-8
 * @returns the envelope: version, key id, nonce, ciphertext, tag; 30 bytes and the key id longer than the plaintext
 * @throws `ASSOCIATED_DATA_REQUIRED`, `TEXT_INVALID` when text is not valid Unicode, `PLAINTEXT_TOO_LARGE`
 * @example
 * ```ts
 * const envelope = seal(keys, 'ghp_…', { associatedData: [tenant, 'credential', id] });
 * openText(keys, envelope, { associatedData: [tenant, 'credential', id] }); // 'ghp_…'
 * ```
 */
export function seal(ring: KeyRing, plaintext: Uint8Array | string, options: SealOptions): Uint8Array {
  assertSealable(plaintext);
  const [key] = keysOf(ring);
  const authenticated = authenticatedBytes(key.header, options.associatedData);
  const nonce = nextNonce();
  const cipher = createCipheriv(ALGORITHM, key.sealing(), nonce, FULL_TAG);
  cipher.setAAD(authenticated);
  const ciphertext = typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext);
  cipher.final();

  const bodyAt = key.header.length + NONCE_BYTES;
  const envelope = Buffer.allocUnsafe(bodyAt + ciphertext.length + TAG_BYTES);
  envelope.set(key.header);
  envelope.set(nonce, key.header.length);
  envelope.set(ciphertext, bodyAt);
  envelope.set(cipher.getAuthTag(), bodyAt + ciphertext.length);
  return envelope;
}

/**
 * Opens an envelope with whichever key of the ring it names.
 *
 * @param options - the associated data that it was sealed with
 * @returns the plaintext, in memory of its own: the caller may wipe it
 * @throws `ENVELOPE_MALFORMED` when the bytes are no envelope, `KEY_UNKNOWN` when the ring has not its key,
 *   `ENVELOPE_REJECTED` when a byte was changed, the key is another one of the same id, or the associated data differs;
 *   `ASSOCIATED_DATA_REQUIRED` and `TEXT_INVALID` as for {@link seal}
 */
export function open(ring: KeyRing, envelope: Uint8Array, options: SealOptions): Uint8Array {
  const key = keyOfEnvelope(ring, envelope);
  const authenticated = authenticatedBytes(key.header, options.associatedData);
  const bodyAt = key.header.length + NONCE_BYTES;
  const tagAt = envelope.length - TAG_BYTES;
  // Views made like this cost a third of what `subarray` of a Buffer does, of which there are three to an envelope.
  const part = (from: number, to: number): Uint8Array =>
    new Uint8Array(envelope.buffer, envelope.byteOffset + from, to - from);
  const decipher = createDecipheriv(ALGORITHM, key.sealing(), part(key.header.length, bodyAt), FULL_TAG);
  decipher.setAAD(authenticated);
  decipher.setAuthTag(part(tagAt, envelope.length));
  const plaintext = decipher.update(part(bodyAt, tagAt));
  try {
    decipher.final();
  } catch (error) {
    // Decrypted, but not authentic: it must not be found in memory by anyone.
    plaintext.fill(0);
    throw cryptoError(
      'ENVELOPE_REJECTED',
      `the envelope under key "${key.id}" is not authentic: it was changed, belongs to another record, or the key differs`,
      { cause: error, details: { keyId: key.id } },
    );
  }
  return plaintext;
}

/**
 * Opens an envelope that was sealed from text.
 *
 * @throws what {@link open} throws, and `TEXT_INVALID` when the plaintext is not UTF-8
 */
export function openText(ring: KeyRing, envelope: Uint8Array, options: SealOptions): string {
  const plaintext = open(ring, envelope, options);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch (error) {
    throw cryptoError('TEXT_INVALID', 'the plaintext of the envelope is not UTF-8 text; open it as bytes', {
      cause: error,
    });
  } finally {
    plaintext.fill(0);
  }
}

function assertSealable(plaintext: Uint8Array | string): void {
  if (typeof plaintext === 'string') assertUnicode(plaintext, 'the plaintext');
  else if (!(plaintext instanceof Uint8Array)) {
    throw cryptoError('TEXT_INVALID', 'the plaintext must be text or a Uint8Array');
  }
  if (plaintext.length > MAX_PLAINTEXT_BYTES) {
    throw cryptoError('PLAINTEXT_TOO_LARGE', 'a plaintext is at most 1 GiB; seal a file in pieces', {
      details: { maxBytes: MAX_PLAINTEXT_BYTES },
    });
  }
}

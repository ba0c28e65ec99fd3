import { KeyObject } from 'node:crypto';
import { cryptoError } from './errors.ts';
import { expandKey } from './hkdf.ts';
import { findKey, keysOf, type KeyRing } from './key-ring.ts';
import { assertPurpose } from './purpose.ts';

/** What {@link deriveKey} takes. */
export interface DeriveKeyOptions {
  /** Which key of the ring to derive from. Default: the first. Not used when a single key is given. */
  readonly keyId?: string;
}

const MIN_BYTES = 16;
// RFC 5869, section 2.3: 255 blocks of the hash.
const MAX_BYTES = 255 * 32;

/**
 * Derives a key for one purpose by HKDF-SHA-256 (RFC 5869). The same source, purpose and length give the same key, for
 * ever; a different purpose gives an independent one. The result is a `KeyObject`, which prints nothing; `export()`
 * gives its bytes to code that needs them.
 *
 * @param source - a ring, or a single secret key of 16 bytes or more
 * @param purpose - 1 to 128 printable ASCII characters without space, for example `jwt:ed25519`
 * @param lengthBytes - 16 to 8160
 * @throws `PURPOSE_INVALID`, `KEY_LENGTH_INVALID`, `KEY_INVALID` when the single key is not a secret key of 16 bytes or
 *   more, `KEY_UNKNOWN` when the ring has no key with the given id
 */
export function deriveKey(
  source: KeyRing | KeyObject,
  purpose: string,
  lengthBytes: number,
  options: DeriveKeyOptions = {},
): KeyObject {
  assertPurpose(purpose);
  if (!Number.isInteger(lengthBytes) || lengthBytes < MIN_BYTES || lengthBytes > MAX_BYTES) {
    throw cryptoError('KEY_LENGTH_INVALID', `a derived key is ${MIN_BYTES} to ${MAX_BYTES} bytes long`);
  }
  return expandKey(materialOf(source, options.keyId), `tenon/v1/key/${purpose}`, lengthBytes);
}

function materialOf(source: KeyRing | KeyObject, keyId: string | undefined): KeyObject {
  if (source instanceof KeyObject) {
    if (source.type !== 'secret' || (source.symmetricKeySize ?? 0) < MIN_BYTES) {
      throw cryptoError('KEY_INVALID', `keys are derived from a secret key of ${MIN_BYTES} bytes or more`);
    }
    return source;
  }
  if (keyId === undefined) return keysOf(source)[0].material;
  const key = findKey(source, keyId);
  if (key === undefined) throw cryptoError('KEY_UNKNOWN', `the ring has no key "${keyId}"`, { details: { keyId } });
  return key.material;
}

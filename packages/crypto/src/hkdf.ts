import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

const NO_SALT = new Uint8Array(0);

/**
 * HKDF-SHA-256 (RFC 5869) without salt: the input keys are uniformly random, so extraction needs none (section 3.1).
 *
 * @param material - the key to derive from
 * @param info - what the derived key is for; different text gives an independent key
 * @param lengthBytes - 1 to 8160
 */
export function expandKey(material: KeyObject, info: string, lengthBytes: number): KeyObject {
  const bytes = new Uint8Array(hkdfSync('sha256', material, NO_SALT, info, lengthBytes));
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

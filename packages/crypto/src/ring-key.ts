import type { KeyObject } from 'node:crypto';
import { expandKey } from './hkdf.ts';

/** The only version of the envelope. */
export const ENVELOPE_VERSION = 1;

/** Length of a ring's keys, in bytes. */
export const KEY_BYTES = 32;

/** One key of a ring. The material itself only ever feeds HKDF: each algorithm has a key of its own. */
export interface RingKey {
  readonly id: string;
  readonly material: KeyObject;
  /** What an envelope under this key begins with: version, length of the id, the id. */
  readonly header: Buffer;
  /** The AES-256-GCM key, derived at first use and kept. */
  sealing(): KeyObject;
  /** The HMAC-SHA-256 key, derived at first use and kept. */
  signing(): KeyObject;
}

/** Makes a key of a ring from its material. */
export function createRingKey(id: string, material: KeyObject): RingKey {
  const name = Buffer.from(id, 'latin1');
  let sealing: KeyObject | undefined;
  let signing: KeyObject | undefined;
  return {
    id,
    material,
    header: Buffer.concat([Uint8Array.of(ENVELOPE_VERSION, name.length), name]),
    sealing: () => (sealing ??= expandKey(material, 'tenon/v1/seal', KEY_BYTES)),
    signing: () => (signing ??= expandKey(material, 'tenon/v1/sign', KEY_BYTES)),
  };
}

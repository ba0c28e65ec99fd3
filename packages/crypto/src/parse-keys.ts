import { createSecretKey, type KeyObject } from 'node:crypto';
import { decodeBase64url } from './base64url.ts';
import { cryptoError } from './errors.ts';
import { KEY_BYTES } from './ring-key.ts';

const KEY_ID = /^[a-z0-9-]{1,32}$/;

/** A key as it stands in the text form of a ring. */
export interface ParsedKey {
  readonly id: string;
  readonly material: KeyObject;
}

/** Tells whether text has the form of a key id: 1 to 32 lower-case letters, digits or `-`. */
export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/**
 * Reads the text form of a ring: `id:base64url,id:base64url`.
 *
 * Messages name a key by its place and its id, and the id only when it has the form of one: a misplaced colon must not
 * make an error print key material.
 *
 * @param text - one line; white space around the whole is ignored
 * @param source - where the text is from, for messages, for example `TENON_KEYS`
 * @throws `KEY_RING_EMPTY` when there is no key, `KEY_RING_INVALID` when any part is malformed
 */
export function parseKeys(text: string, source: string): readonly [ParsedKey, ...ParsedKey[]] {
  const line = text.trim();
  if (line === '') {
    throw cryptoError('KEY_RING_EMPTY', `${source} holds no key. Make one with "tenon keys generate"`);
  }
  const seen = new Set<string>();
  const [first = '', ...others] = line.split(',');
  const parse = (entry: string, index: number): ParsedKey => {
    const [id = '', encoded, ...rest] = entry.split(':');
    const refuse = (why: string): never => {
      // Without a colon it may be the key itself.
      const keyId = encoded !== undefined && isKeyId(id) ? id : undefined;
      const name = keyId === undefined ? `key ${index + 1}` : `key ${index + 1} ("${keyId}")`;
      throw cryptoError('KEY_RING_INVALID', `${source}: ${name} ${why}`, {
        details: { position: index + 1, ...(keyId !== undefined && { keyId }) },
      });
    };
    if (encoded === undefined || rest.length > 0) return refuse('is not of the form id:key');
    if (!isKeyId(id)) return refuse('has no valid id: 1 to 32 lower-case letters, digits or "-"');
    if (seen.has(id)) return refuse('has the id of an earlier key; each id stands for one key');
    seen.add(id);
    return { id, material: readMaterial(encoded, refuse) };
  };
  return [parse(first, 0), ...others.map((entry, index) => parse(entry, index + 1))];
}

function readMaterial(encoded: string, refuse: (why: string) => never): KeyObject {
  const bytes = decodeBase64url(encoded);
  if (bytes === undefined) return refuse('is not base64url without padding. Make one with "tenon keys generate"');
  if (bytes.length !== KEY_BYTES) return refuse(`is ${bytes.length} bytes long and must be ${KEY_BYTES}`);
  // Someone filled the place with a stand-in (all zero, all "A") and forgot it: anyone can guess such a key.
  if (bytes.every((byte) => byte === bytes[0])) return refuse('is a placeholder, one byte repeated. Make a real one');
  const material = createSecretKey(bytes);
  bytes.fill(0);
  return material;
}

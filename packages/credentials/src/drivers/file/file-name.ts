import { createHash } from 'node:crypto';
import { isTenantId } from '@tenon/core';
import { isCredentialId } from '../../identity/credential-id.ts';
import { keyText, parseKeyText, type CredentialKey } from '../../identity/credential-key.ts';
import { scopeProblem } from '../../identity/scope.ts';

// 255 bytes are what file systems take; some of it is left for those that encrypt names.
const MAX_STEM = 135;
const EXTENSION = '.json';
const HASHED = /^~[0-9a-f]{64}\.json$/;

/**
 * The name of a credential's file: `acme,org.acme+team.eng,github.json`. Different keys have different names on disks that do not tell
 * cases apart, too: an upper-case letter is written as `=` and the lower-case one. Names that would be too long are a SHA-256 instead.
 */
export function toFileName(key: CredentialKey): string {
  const text = keyText(key);
  const stem = text.replaceAll(/[A-Z:/|]/g, (character) => SUBSTITUTES.get(character) ?? `=${character.toLowerCase()}`);
  if (stem.length <= MAX_STEM) return stem + EXTENSION;
  return `~${createHash('sha256').update(text).digest('hex')}${EXTENSION}`;
}

/**
 * The key of a file by its name.
 *
 * @returns `hashed` when only the file itself tells; `undefined` when it is no credential's file
 */
export function fromFileName(name: string): CredentialKey | 'hashed' | undefined {
  if (HASHED.test(name)) return 'hashed';
  if (!name.endsWith(EXTENSION)) return undefined;
  const text = name
    .slice(0, -EXTENSION.length)
    .replaceAll(/=.|[.+,]/g, (found) => ORIGINALS.get(found) ?? found.slice(1).toUpperCase());
  const key = parseKeyText(text);
  // Not a name that somebody made up: it must be the one that its key would have.
  const isKey = key !== undefined && isTenantId(key.tenant) && isCredentialId(key.id) && !scopeProblem(key.scope);
  return isKey && toFileName(key) === name ? key : undefined;
}

// Of a key's own punctuation, none is a letter, a digit, `_` or `-`, and none of the substitutes occurs in a key.
const SUBSTITUTES: ReadonlyMap<string, string> = new Map([
  [':', '.'],
  ['/', '+'],
  ['|', ','],
]);
const ORIGINALS: ReadonlyMap<string, string> = new Map([...SUBSTITUTES].map(([from, to]) => [to, from]));

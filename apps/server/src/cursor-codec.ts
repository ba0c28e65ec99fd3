import type { JsonValue } from '@tenon/core';
import { sign, verify, type KeyRing } from '@tenon/crypto';
import type { CursorCodec } from '@tenon/database';

const MAX_LENGTH = 4_096;

/**
 * Cursors as signed text, so that nobody can ask for a key that no list gave out.
 *
 * @param keys - a subring of their own
 */
export function createCursorCodec(keys: KeyRing): CursorCodec {
  return {
    encode(value: JsonValue): string {
      const text = JSON.stringify(value);
      return `${Buffer.from(text).toString('base64url')}.${sign(keys, text)}`;
    },
    decode(cursor: string): JsonValue | undefined {
      const dot = cursor.indexOf('.');
      if (dot === -1 || cursor.length > MAX_LENGTH) return undefined;
      const text = Buffer.from(cursor.slice(0, dot), 'base64url').toString();
      return verify(keys, text, cursor.slice(dot + 1)) ? (JSON.parse(text) as JsonValue) : undefined;
    },
  };
}

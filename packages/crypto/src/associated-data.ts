import { cryptoError } from './errors.ts';
import { assertUnicode, toBytes } from './to-bytes.ts';

/**
 * What an envelope is bound to: the identity of the record that it belongs to, so that it opens nowhere else. Never
 * empty. Parts are joined unambiguously: `['ab', 'c']` and `['a', 'bc']` differ. Text and its UTF-8 bytes are the same.
 */
export type AssociatedData = string | Uint8Array | readonly string[];

/**
 * The bytes that an envelope authenticates beside its ciphertext: its own header, then the associated data.
 *
 * @throws `ASSOCIATED_DATA_REQUIRED` when there is none, `TEXT_INVALID` when text is not valid Unicode
 */
export function authenticatedBytes(header: Uint8Array, data: AssociatedData): Uint8Array {
  if (typeof data === 'string') {
    assertUnicode(data, 'the associated data');
    const bytes = Buffer.allocUnsafe(header.length + requireSome(Buffer.byteLength(data)));
    bytes.set(header);
    bytes.write(data, header.length);
    return bytes;
  }
  const given = Array.isArray(data) ? joinParts(data) : toBytes((data ?? '') as Uint8Array, 'the associated data');
  const bytes = Buffer.allocUnsafe(header.length + requireSome(given.length));
  bytes.set(header);
  bytes.set(given, header.length);
  return bytes;
}

function requireSome(length: number): number {
  if (length > 0) return length;
  throw cryptoError(
    'ASSOCIATED_DATA_REQUIRED',
    'associated data is required: name the record that the envelope belongs to, for example [tenant, table, id]',
  );
}

// Each part behind its own length, so that no two lists of parts give the same bytes.
function joinParts(parts: readonly string[]): Uint8Array {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = toBytes(part, 'a part of the associated data');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

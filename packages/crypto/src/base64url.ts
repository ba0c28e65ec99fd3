/** A view of bytes as a Buffer, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Decodes base64url without padding (RFC 4648, section 5), strictly: node's decoder skips foreign characters and ignores
 * spare bits, so that many texts would stand for the same bytes.
 *
 * @returns the bytes, or `undefined` when the text is not exactly what encoding them gives
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

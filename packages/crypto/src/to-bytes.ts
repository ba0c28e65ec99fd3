import { cryptoError } from './errors.ts';

/**
 * Refuses text that UTF-8 cannot carry: a lone surrogate would silently become U+FFFD, so the text would come back
 * changed, and two different texts would sign or bind alike.
 *
 * @param name - what the text is, for the message
 * @throws `TEXT_INVALID`
 */
export function assertUnicode(text: string, name: string): void {
  if (!text.isWellFormed()) {
    throw cryptoError(
      'TEXT_INVALID',
      `${name} holds a lone surrogate, which UTF-8 cannot carry; give bytes or valid text`,
    );
  }
}

/**
 * The bytes of an input. Bytes are passed through without a copy; text becomes UTF-8.
 *
 * @throws `TEXT_INVALID` when text is not valid Unicode, or when the input is neither text nor bytes
 */
export function toBytes(input: Uint8Array | string, name: string): Uint8Array {
  if (typeof input === 'string') {
    assertUnicode(input, name);
    return Buffer.from(input, 'utf8');
  }
  if (input instanceof Uint8Array) return input;
  throw cryptoError('TEXT_INVALID', `${name} must be text or a Uint8Array`);
}

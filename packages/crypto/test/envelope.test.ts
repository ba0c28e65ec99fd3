import { decodeEnvelope, encodeEnvelope, envelopeKeyId, KeyRing, openText, seal } from '@tenon/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from './code-of.ts';

const ring = KeyRing.generate({ id: 'k1' });
const bound = { associatedData: 'record' };

describe('the text form of an envelope', () => {
  it('goes through columns and headers and comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (plaintext) => {
        const text = encodeEnvelope(seal(ring, plaintext, bound));
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(openText(ring, decodeEnvelope(text), bound)).toBe(plaintext);
      }),
    );
  });

  it('is read strictly: one text for one envelope', () => {
    const text = encodeEnvelope(seal(ring, 'some text', bound));
    // 41 bytes end in a character with two spare bits, which node's decoder ignores.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const spareBits = text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(text.slice(-1)) + 1);
    expect(Buffer.from(spareBits, 'base64url')).toEqual(Buffer.from(text, 'base64url'));
    for (const other of [
      `${text}=`,
      ` ${text}`,
      `${text}\n`,
      spareBits,
      `${text.slice(0, 9)} ${text.slice(9)}`,
      '+/8',
      'A',
    ]) {
      expect(codeOf(() => decodeEnvelope(other))).toBe('ENVELOPE_MALFORMED');
    }
    expect(codeOf(() => decodeEnvelope(undefined as unknown as string))).toBe('ENVELOPE_MALFORMED');
  });

  it('encodes a view without what surrounds it', () => {
    expect(encodeEnvelope(Uint8Array.of(9, 1, 2, 3, 9).subarray(1, 4))).toBe('AQID');
  });
});

describe('the key id of an envelope', () => {
  it('is refused when it does not have the form of one, so that it is safe to show', () => {
    const envelope = Uint8Array.from(seal(ring, 'text', bound));
    for (const byte of [0x00, 0x0a, 0x20, 0x3a, 0x41, 0x5f, 0x7f, 0xff]) {
      envelope[2] = byte;
      expect(codeOf(() => envelopeKeyId(envelope))).toBe('ENVELOPE_MALFORMED');
    }
  });

  it('is refused when the bytes are no envelope of a known version', () => {
    const envelope = seal(ring, '', bound);
    for (let version = 0; version < 256; version += 1) {
      if (version === 1) continue;
      const other = Uint8Array.from(envelope);
      other[0] = version;
      expect(codeOf(() => envelopeKeyId(other))).toBe('ENVELOPE_MALFORMED');
    }
    for (const idLength of [0, 33, 255]) {
      expect(codeOf(() => envelopeKeyId(Uint8Array.of(1, idLength, ...new Uint8Array(400).fill(0x61))))).toBe(
        'ENVELOPE_MALFORMED',
      );
    }
    expect(envelopeKeyId(Uint8Array.of(1, 32, ...new Uint8Array(60).fill(0x61)))).toBe('a'.repeat(32));
    expect(codeOf(() => envelopeKeyId(Uint8Array.of(1, 32, ...new Uint8Array(59).fill(0x61))))).toBe(
      'ENVELOPE_MALFORMED',
    );
  });
});

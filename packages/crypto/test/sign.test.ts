import { KeyRing, sign, verify } from '@tenon/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from './code-of.ts';

const ring = KeyRing.generate({ id: 'k1' });
const data = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.string({ unit: 'binary', maxLength: 100 }));

describe('signing', () => {
  it('passes exactly the data that was signed', () => {
    fc.assert(
      fc.property(data, data, (signed, other) => {
        const signature = sign(ring, signed);
        expect(signature).toMatch(/^k1\.[A-Za-z0-9_-]{43}$/);
        expect(verify(ring, signed, signature)).toBe(true);
        expect(verify(ring, other, signature)).toBe(Buffer.from(signed).equals(Buffer.from(other)));
      }),
    );
  });

  it('is HMAC-SHA-256 under a derived key, and stays so for ever', () => {
    const kept = KeyRing.parse('old-key:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8');
    expect(sign(kept, 'signed in 2026')).toBe('old-key.JVnd8X8EwMOphY3YKlkpsCTJ69zdWm5vJRMBSR0KdE8');
  });

  it('refuses text that is not valid Unicode, which verifying just does not pass', () => {
    expect(codeOf(() => sign(ring, '\uD800'))).toBe('TEXT_INVALID');
    expect(verify(ring, '\uD800', sign(ring, '\uFFFD'))).toBe(false);
  });
});

describe('verifying', () => {
  it('passes signatures of every key of the ring, and makes new ones with the first', () => {
    const old = sign(ring, 'data');
    const rotated = ring.rotate({ id: 'k2' });
    expect(verify(rotated, 'data', old)).toBe(true);
    expect(sign(rotated, 'data')).toMatch(/^k2\./);
    expect(verify(ring, 'data', sign(rotated, 'data'))).toBe(false);
  });

  it('does not pass the signature of another purpose, or of another key with the same id', () => {
    expect(verify(ring.subring('cursor'), 'data', sign(ring.subring('refresh-tokens'), 'data'))).toBe(false);
    expect(verify(ring, 'data', sign(KeyRing.generate({ id: 'k1' }), 'data'))).toBe(false);
  });

  it('passes no other text than the signature itself', () => {
    const signature = sign(ring, 'data');
    const mac = signature.slice(3);
    const variants = [
      '',
      '.',
      'k1',
      'k1.',
      mac,
      `.${mac}`,
      `k2.${mac}`,
      `${signature}=`,
      ` ${signature}`,
      `${signature}.`,
    ];
    variants.push(`k1.${mac.slice(1)}`, `k1.${mac}A`, `k1..${mac}`, `k1.${'é'.repeat(43)}`, `K1.${mac}`);
    expect(variants.filter((variant) => verify(ring, 'data', variant))).toEqual([]);
    for (const value of [undefined, null, 5, [signature]] as unknown as string[]) {
      expect(verify(ring, 'data', value)).toBe(false);
    }
  });

  it('passes no signature with any character changed, spare bits of the last one included', () => {
    const signature = sign(ring, 'data');
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('');
    for (let at = 0; at < signature.length; at += 1) {
      for (const character of characters.filter((other) => other !== signature[at])) {
        expect(verify(ring, 'data', signature.slice(0, at) + character + signature.slice(at + 1))).toBe(false);
      }
    }
  });
});

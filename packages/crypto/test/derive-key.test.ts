import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { deriveKey, KeyRing } from '@tenon/crypto';
import { describe, expect, it } from 'vitest';
import { codeOf } from './code-of.ts';

const kept = KeyRing.parse('old-key:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8');
const hex = (...args: Parameters<typeof deriveKey>): string =>
  deriveKey(...args)
    .export()
    .toString('hex');

describe('deriving a key', () => {
  it('is HKDF-SHA-256, and stays the same for ever', () => {
    expect(hex(kept, 'jwt', 32)).toBe('fe23b01302da8038b47344048b6adc7d124de2e05dcd882bc10f04162cab59b9');
    expect(hex(kept, 'jwt', 16)).toBe('fe23b01302da8038b47344048b6adc7d');
  });

  it('gives an independent key to each purpose and each source', () => {
    const sources = [kept, KeyRing.generate(), kept.subring('jwt'), createSecretKey(randomBytes(32))];
    const keys = sources.flatMap((source) => ['jwt', 'jwt2', 'cursor'].map((purpose) => hex(source, purpose, 32)));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('takes a single key as it takes the key of a ring', () => {
    const single = createSecretKey(Uint8Array.from({ length: 32 }, (_, index) => index));
    expect(hex(single, 'jwt', 32)).toBe(hex(kept, 'jwt', 32));
  });

  it('uses the first key of a ring, or the one that is named', () => {
    const rotated = kept.rotate({ id: 'new' });
    expect(hex(rotated, 'jwt', 32)).not.toBe(hex(kept, 'jwt', 32));
    expect(hex(rotated, 'jwt', 32)).toBe(hex(rotated, 'jwt', 32, { keyId: 'new' }));
    expect(hex(rotated, 'jwt', 32, { keyId: 'old-key' })).toBe(hex(kept, 'jwt', 32));
    expect(codeOf(() => deriveKey(rotated, 'jwt', 32, { keyId: 'gone' }))).toBe('KEY_UNKNOWN');
  });

  it('gives as many bytes as asked, from 16 to 8160', () => {
    for (const length of [16, 17, 33, 8160]) expect(deriveKey(kept, 'jwt', length).symmetricKeySize).toBe(length);
    for (const length of [15, 8161, 0, -1, 16.5, Number.NaN, Infinity]) {
      expect(codeOf(() => deriveKey(kept, 'jwt', length))).toBe('KEY_LENGTH_INVALID');
    }
  });

  it('refuses a purpose that is not printable ASCII, and a source that is no secret key of 16 bytes', () => {
    expect(codeOf(() => deriveKey(kept, '', 32))).toBe('PURPOSE_INVALID');
    expect(codeOf(() => deriveKey(kept, 'zwei Worte', 32))).toBe('PURPOSE_INVALID');
    const { privateKey } = generateKeyPairSync('ed25519');
    for (const key of [createSecretKey(randomBytes(15)), privateKey]) {
      expect(codeOf(() => deriveKey(key, 'jwt', 32))).toBe('KEY_INVALID');
    }
  });

  it('gives a key that prints nothing', () => {
    const key = deriveKey(kept, 'jwt', 32);
    expect(inspect(key, { showHidden: true, depth: 9 }) + JSON.stringify(key)).not.toContain('fe23');
  });
});

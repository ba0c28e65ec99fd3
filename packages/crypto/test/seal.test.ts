import { createDecipheriv, createSecretKey, hkdfSync } from 'node:crypto';
import { decodeEnvelope, envelopeKeyId, KeyRing, open, openText, seal, type AssociatedData } from '@tenon/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, thrownBy } from './code-of.ts';

const ring = KeyRing.generate({ id: 'k1' });
const bound = { associatedData: 'acme/credential/github' };

// "k1" is 2 bytes: version, length, id, then 12 bytes of nonce and 16 of tag around the ciphertext.
const HEADER = 4;
const OVERHEAD = HEADER + 12 + 16;

const bytes = fc.uint8Array({ maxLength: 300 });
const someData = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 80 }),
  fc.string({ minLength: 1, maxLength: 80, unit: 'binary' }),
  fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { minLength: 1, maxLength: 4 }),
) satisfies fc.Arbitrary<AssociatedData>;

describe('sealing and opening', () => {
  it('gives back any bytes under any associated data', () => {
    fc.assert(
      fc.property(bytes, someData, (plaintext, associatedData) => {
        const opened = open(ring, seal(ring, plaintext, { associatedData }), { associatedData });
        expect(Buffer.compare(opened, plaintext)).toBe(0);
      }),
    );
  });

  it('gives back any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(openText(ring, seal(ring, text, bound), bound)).toBe(text);
      }),
    );
    expect(openText(ring, seal(ring, '\uFEFFwith a mark', bound), bound)).toBe('\uFEFFwith a mark');
  });

  it('gives back an empty value and a big one', () => {
    expect(open(ring, seal(ring, '', bound), bound)).toHaveLength(0);
    const big = new Uint8Array(5_000_000).fill(7);
    expect(Buffer.compare(open(ring, seal(ring, big, bound), bound), big)).toBe(0);
  });

  it('takes a view into a larger buffer, for the plaintext and for the envelope', () => {
    const plaintext = new Uint8Array([9, 9, 1, 2, 3, 9]).subarray(2, 5);
    const envelope = seal(ring, plaintext, bound);
    const larger = new Uint8Array(envelope.length + 10).fill(9);
    larger.set(envelope, 5);
    expect([...open(ring, larger.subarray(5, 5 + envelope.length), bound)]).toEqual([1, 2, 3]);
  });

  it('opens into memory of its own, which the caller may wipe', () => {
    const envelope = seal(ring, 'text', bound);
    open(ring, envelope, bound).fill(0);
    expect(openText(ring, envelope, bound)).toBe('text');
  });

  it('uses a fresh nonce each time, past the end of any pool', () => {
    const nonces = Array.from({ length: 2000 }, () =>
      Buffer.from(seal(ring, '', bound)).toString('hex', HEADER, HEADER + 12),
    );
    expect(new Set(nonces).size).toBe(2000);
  });
});

describe('the envelope', () => {
  it('is version, key id, nonce, ciphertext and tag, under keys derived by HKDF: anyone can read it who has the key', () => {
    const envelope = Buffer.from(seal(ring, 'hello', bound));
    expect(envelope).toHaveLength(OVERHEAD + 5);
    expect(envelope.subarray(0, HEADER)).toEqual(Buffer.from([1, 2, 0x6b, 0x31]));
    const material = Buffer.from(ring.format().reveal().slice('k1:'.length), 'base64url');
    const key = createSecretKey(Buffer.from(hkdfSync('sha256', material, '', 'tenon/v1/seal', 32)));
    const decipher = createDecipheriv('aes-256-gcm', key, envelope.subarray(HEADER, HEADER + 12));
    decipher.setAAD(Buffer.concat([envelope.subarray(0, HEADER), Buffer.from(bound.associatedData)]));
    decipher.setAuthTag(envelope.subarray(-16));
    expect(decipher.update(envelope.subarray(HEADER + 12, -16)).toString() + decipher.final('utf8')).toBe('hello');
  });

  it('opens when it was sealed long ago: layout, derivation and joining of parts never change', () => {
    const kept = KeyRing.parse('old-key:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8');
    const plain = 'AQdvbGQta2V5b1FuGjkifMSMtmVsA5cOWDNAvIPJViIz8PmhdHYxah8e1yomwVKEzOsG';
    expect(openText(kept, decodeEnvelope(plain), bound)).toBe('sealed in 2026');
    const inParts = 'AQdvbGQta2V54BYVM28zk5mSnjYAZShU_pds-cxBkgQOGrBGFv2HUXyj3AHtDaV82NCl';
    const associatedData = ['acme', 'credential', 'github'];
    expect(openText(kept.subring('credentials'), decodeEnvelope(inParts), { associatedData })).toBe('sealed in 2026');
  });

  it('names its key, and only opening vouches for the name', () => {
    expect(envelopeKeyId(seal(ring, 'text', bound))).toBe('k1');
    expect(envelopeKeyId(seal(ring.rotate({ id: 'k2' }), 'text', bound))).toBe('k2');
  });
});

describe('keys', () => {
  it('still open after rotation, while new envelopes use the new key', () => {
    const old = seal(ring, 'old', bound);
    const rotated = ring.rotate({ id: 'k2' }).rotate({ id: 'k3' });
    expect(openText(rotated, old, bound)).toBe('old');
    const fresh = seal(rotated, 'fresh', bound);
    expect(envelopeKeyId(fresh)).toBe('k3');
    expect(openText(rotated, fresh, bound)).toBe('fresh');
  });

  it('that the ring does not have are named in the error', () => {
    const envelope = seal(ring.rotate({ id: 'gone' }), 'text', bound);
    const error = thrownBy(() => open(ring, envelope, bound));
    expect(error).toMatchObject({ code: 'KEY_UNKNOWN', details: { keyId: 'gone' } });
  });

  it('of the same id but other material open nothing', () => {
    const other = KeyRing.generate({ id: 'k1' });
    expect(codeOf(() => open(other, seal(ring, 'text', bound), bound))).toBe('ENVELOPE_REJECTED');
  });
});

describe('an envelope that was tampered with', () => {
  it('fails closed for every byte changed, in whichever way', () => {
    const envelope = seal(ring, 'a value', bound);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 255 }), (mask) => {
        for (let at = 0; at < envelope.length; at += 1) {
          const changed = Uint8Array.from(envelope);
          changed[at] = (changed[at] ?? 0) ^ mask;
          const code = codeOf(() => open(ring, changed, bound));
          expect(code).toMatch(at < HEADER ? /^(ENVELOPE_MALFORMED|KEY_UNKNOWN)$/ : /^ENVELOPE_REJECTED$/);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('fails closed when it is cut at any length or added to', () => {
    const envelope = seal(ring, 'a value', bound);
    for (let length = 0; length < envelope.length; length += 1) {
      const code = codeOf(() => open(ring, envelope.subarray(0, length), bound));
      expect(code).toBe(length < OVERHEAD ? 'ENVELOPE_MALFORMED' : 'ENVELOPE_REJECTED');
    }
    expect(codeOf(() => open(ring, Buffer.concat([envelope, Buffer.alloc(1)]), bound))).toBe('ENVELOPE_REJECTED');
  });

  it('fails closed when its header is exchanged for that of another key of the ring', () => {
    const both = ring.rotate({ id: 'k2' });
    const envelope = Uint8Array.from(seal(both, 'text', bound));
    envelope[3] = 0x31;
    expect(envelopeKeyId(envelope)).toBe('k1');
    expect(codeOf(() => open(both, envelope, bound))).toBe('ENVELOPE_REJECTED');
  });

  it('never opens from random bytes', () => {
    const codes = /^(ENVELOPE_MALFORMED|KEY_UNKNOWN|ENVELOPE_REJECTED)$/;
    const shaped = fc
      .uint8Array({ maxLength: 80 })
      .map((tail) => Buffer.concat([Uint8Array.of(1, 2, 0x6b, 0x31), tail]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), shaped), (random) => {
        expect(codeOf(() => open(ring, random, bound))).toMatch(codes);
      }),
    );
  });
});

describe('associated data', () => {
  it('that differs in any way opens nothing', () => {
    fc.assert(
      fc.property(bytes, someData, someData, (plaintext, associatedData, other) => {
        fc.pre(!Buffer.from(flatten(associatedData)).equals(flatten(other)));
        const envelope = seal(ring, plaintext, { associatedData });
        expect(codeOf(() => open(ring, envelope, { associatedData: other }))).toBe('ENVELOPE_REJECTED');
      }),
    );
  });

  it('keeps its parts apart', () => {
    const envelope = seal(ring, 'text', { associatedData: ['ab', 'c'] });
    for (const associatedData of [['a', 'bc'], ['abc'], ['ab', 'c', ''], ['', 'ab', 'c'], ['c', 'ab'], 'abc']) {
      expect(codeOf(() => open(ring, envelope, { associatedData }))).toBe('ENVELOPE_REJECTED');
    }
    expect(openText(ring, envelope, { associatedData: ['ab', 'c'] })).toBe('text');
  });

  it('means the same as text and as its UTF-8 bytes', () => {
    const envelope = seal(ring, 'text', { associatedData: 'Zürich' });
    expect(openText(ring, envelope, { associatedData: Buffer.from('Zürich') })).toBe('text');
  });

  it('is required, to seal and to open', () => {
    const envelope = seal(ring, 'text', bound);
    for (const associatedData of ['', new Uint8Array(0), [], undefined, null]) {
      const none = { associatedData } as { associatedData: AssociatedData };
      expect(codeOf(() => seal(ring, 'text', none))).toBe('ASSOCIATED_DATA_REQUIRED');
      expect(codeOf(() => open(ring, envelope, none))).toBe('ASSOCIATED_DATA_REQUIRED');
    }
  });
});

describe('input that cannot be sealed', () => {
  it('is refused when UTF-8 cannot carry it, so that nothing comes back changed', () => {
    for (const text of ['\uD800', 'a\uDFFFb']) {
      expect(codeOf(() => seal(ring, text, bound))).toBe('TEXT_INVALID');
      expect(codeOf(() => seal(ring, 'text', { associatedData: text }))).toBe('TEXT_INVALID');
      expect(codeOf(() => seal(ring, 'text', { associatedData: ['a', text] }))).toBe('TEXT_INVALID');
    }
  });

  it('is refused when it is neither text nor bytes', () => {
    for (const value of [undefined, null, 5, {}, [1, 2], new ArrayBuffer(4)] as unknown as Uint8Array[]) {
      expect(codeOf(() => seal(ring, value, bound))).toBe('TEXT_INVALID');
      expect(codeOf(() => open(ring, value, bound))).toBe('ENVELOPE_MALFORMED');
    }
    expect(codeOf(() => seal(ring, 'text', { associatedData: 5 as unknown as string }))).toBe('TEXT_INVALID');
    expect(codeOf(() => seal(ring, 'text', { associatedData: [5] as unknown as string[] }))).toBe('TEXT_INVALID');
  });

  it('is refused when it is larger than 1 GiB', () => {
    // The memory is only reserved: nothing touches it.
    expect(codeOf(() => seal(ring, new Uint8Array(2 ** 30 + 1), bound))).toBe('PLAINTEXT_TOO_LARGE');
  });

  it('is not made text when the plaintext is not UTF-8', () => {
    expect(codeOf(() => openText(ring, seal(ring, Uint8Array.of(0xff), bound), bound))).toBe('TEXT_INVALID');
  });
});

function flatten(data: AssociatedData): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof Uint8Array) return Buffer.from(data);
  return Buffer.from(JSON.stringify(data));
}

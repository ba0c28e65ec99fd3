import { constantTimeEqual } from '@tenon/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('comparing in constant time', () => {
  it('agrees with plain comparison for text and bytes of any length', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(text, text, bytes, bytes, (a, b, c, d) => {
        expect(constantTimeEqual(a, a)).toBe(true);
        expect(constantTimeEqual(a, b)).toBe(a === b);
        expect(constantTimeEqual(c, Uint8Array.from(c))).toBe(true);
        expect(constantTimeEqual(c, d)).toBe(Buffer.compare(c, d) === 0);
        expect(constantTimeEqual(a, Buffer.from(a))).toBe(true);
      }),
    );
  });

  it('tells apart a prefix, an empty value, and one changed character', () => {
    expect(constantTimeEqual('', '')).toBe(true);
    expect(constantTimeEqual('', 'a')).toBe(false);
    expect(constantTimeEqual('secret', 'secre')).toBe(false);
    expect(constantTimeEqual('secret', 'secreT')).toBe(false);
    expect(constantTimeEqual('x'.repeat(100_000), `${'x'.repeat(99_999)}y`)).toBe(false);
  });

  it('compares a view without what surrounds it', () => {
    expect(constantTimeEqual(Uint8Array.of(9, 1, 2, 9).subarray(1, 3), Uint8Array.of(1, 2))).toBe(true);
  });

  it('lets text that is not valid Unicode equal nothing', () => {
    expect(constantTimeEqual('\uD800', '\uFFFD')).toBe(false);
    expect(constantTimeEqual('\uFFFD', '\uD800')).toBe(false);
    expect(constantTimeEqual('\uD800', '\uD800')).toBe(false);
  });
});

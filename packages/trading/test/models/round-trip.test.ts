import fc from 'fast-check';
import { unwrap } from '@tenon/core';
import {
  decodeOrder,
  decodeProduct,
  encodeOrder,
  encodeProduct,
  parseNewProduct,
  parseOrder,
  parseProduct,
  type Order,
  type Product,
} from '@tenon/trading';
import { describe, expect, test } from 'vitest';
import { anyOrder, anyProduct } from '../support/arbitraries.ts';
import { problemsOf } from '../support/problems.ts';
import { order, product } from '../support/samples.ts';

const runs = { numRuns: 500 };

describe('a product', () => {
  test('comes back from JSON as it went in', () => {
    fc.assert(
      fc.property(anyProduct, (input) => {
        const stored = unwrap(parseProduct(input));
        expect(unwrap(decodeProduct(encodeProduct(stored)))).toStrictEqual(stored);
      }),
      runs,
    );
  });

  test('that was parsed is not changed by parsing it again', () => {
    fc.assert(
      fc.property(anyProduct, (input) => {
        const once = unwrap(parseProduct(input));
        expect(unwrap(parseProduct(once))).toStrictEqual(once);
      }),
      runs,
    );
  });

  test('is written with the fields of its schema in their order, and nothing else', () => {
    const leaky = { passwordHash: 'x', ...Object.fromEntries(Object.entries(product).toReversed()), tenantId: 'acme' };
    expect(encodeProduct(leaky as unknown as Product)).toBe(JSON.stringify(product));
  });
});

describe('an order', () => {
  test('comes back from JSON as it went in', () => {
    fc.assert(
      fc.property(anyOrder, (input) => {
        const stored = unwrap(parseOrder(input));
        expect(unwrap(decodeOrder(encodeOrder(stored)))).toStrictEqual(stored);
      }),
      runs,
    );
  });

  test('that was parsed is not changed by parsing it again', () => {
    fc.assert(
      fc.property(anyOrder, (input) => {
        const once = unwrap(parseOrder(input));
        expect(unwrap(parseOrder(once))).toStrictEqual(once);
      }),
      runs,
    );
  });

  test('is written with the fields of its schema, in its lines too, and nothing else', () => {
    const leaky = { ...order, holdsStock: true, lines: order.lines.map((line) => ({ cost: 1, ...line })) };
    expect(unwrap(decodeOrder(encodeOrder(leaky as Order)))).toStrictEqual(order);
  });
});

test('any JSON value whatsoever is answered with a value or with problems, never with an exception', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue({ noUnicodeString: false }), fc.anything()), (input) => {
      for (const parse of [parseProduct, parseNewProduct, parseOrder]) {
        const result = parse(input);
        expect(result.ok || result.error.length > 0).toBe(true);
      }
    }),
    runs,
  );
});

test.each(['', '{', 'null,', '{"sku":}', '\u{feff}x'])('text that is not JSON is refused: %o', (text) => {
  expect(problemsOf(decodeProduct(text))).toEqual([' not_json']);
  expect(problemsOf(decodeOrder(text))).toEqual([' not_json']);
});

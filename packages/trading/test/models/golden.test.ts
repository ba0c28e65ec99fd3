import { readFileSync } from 'node:fs';
import { unwrap } from '@tenon/core';
import { decodeOrder, decodeProduct, encodeOrder, encodeProduct, parseOrder, parseProduct } from '@tenon/trading';
import { expect, test } from 'vitest';
import { order, product } from '../support/samples.ts';

// Formatted for people; only white space between the tokens may differ from what is written.
const read = (name: string) =>
  JSON.stringify(JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8')));

const cases = {
  product,
  'product-of-any-script': {
    ...product,
    sku: 'SKU/ÄÖ-1',
    name: 'O’Brien & Müller <李雷> 👩‍👩‍👧‍👦 \u202eabc',
    description: 'two lines\n\t"quoted" \\ back\u2028slash',
    category: null,
    priceMinor: 0,
    stock: Number.MAX_SAFE_INTEGER,
    status: 'archived',
    createdAt: '0001-01-01T00:00:00.000Z',
    updatedAt: '9999-12-31T23:59:59.999Z',
    version: 2_147_483_647,
  },
  order,
  'order-shipped': {
    ...order,
    externalId: '10248',
    status: 'shipped',
    shippedAt: '2026-02-02T08:15:30.123Z',
    version: 4,
  },
} as const;

// What was written once must be read for ever: these files change only together with a new version of the schema.
test.each([
  ['product', parseProduct, encodeProduct, decodeProduct],
  ['product-of-any-script', parseProduct, encodeProduct, decodeProduct],
  ['order', parseOrder, encodeOrder, decodeOrder],
  ['order-shipped', parseOrder, encodeOrder, decodeOrder],
] as const)('%s is written as in its golden file, and read from it', (name, parse, encode, decode) => {
  const value = unwrap<unknown>(parse(cases[name]));
  expect((encode as (value: unknown) => string)(value)).toBe(read(name));
  expect(unwrap<unknown>(decode(read(name)))).toStrictEqual(value);
});

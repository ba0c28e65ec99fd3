import { parseNewProduct, parseProduct, parseProductPatch } from '@tenon/trading';
import { describe, expect, test } from 'vitest';
import { testLimits, type Limit } from '../support/limits.ts';
import { problemsOf } from '../support/problems.ts';
import { newProduct, product } from '../support/samples.ts';

const text = (length: number) => 'x'.repeat(length);

// For each limit: one below, the limit, one above.
const inputLimits: readonly Limit[] = [
  ['sku', text(0), 'too_short'],
  ['sku', text(1)],
  ['sku', text(64)],
  ['sku', text(65), 'too_long'],
  ['name', text(0), 'too_short'],
  ['name', text(1)],
  ['name', text(255)],
  ['name', text(256), 'too_long'],
  ['description', text(0)],
  ['description', text(10_000)],
  ['description', text(10_001), 'too_long'],
  ['category', text(0), 'too_short'],
  ['category', text(1)],
  ['category', text(100)],
  ['category', text(101), 'too_long'],
  ['category', null],
  ['priceMinor', -1, 'out_of_range'],
  ['priceMinor', 0],
  ['priceMinor', 999_999_999_999],
  ['priceMinor', 1_000_000_000_000, 'out_of_range'],
  ['priceMinor', 0.5, 'wrong_type'],
  ['currency', 'EU', 'malformed'],
  ['currency', 'EURO', 'malformed'],
  ['currency', 'EUR'],
  ['currency', 'EUX', 'unknown_currency'],
  ['stock', -1, 'out_of_range'],
  ['stock', 0],
  ['stock', 1_000_000_000],
  ['stock', 1_000_000_001, 'out_of_range'],
  ['status', 'active'],
  ['status', 'archived'],
  ['status', 'deleted', 'unknown_value'],
];

describe.each([
  ['a new product', (change: object) => parseNewProduct({ ...newProduct, ...change })],
  ['a change of a product', (change: object) => parseProductPatch(change)],
])('%s', (_, parse) => {
  testLimits(inputLimits, (field, value) => problemsOf(parse({ [field]: value })));
});

describe('a stored product', () => {
  const storedLimits: readonly Limit[] = [
    ...inputLimits.filter(([field]) => field !== 'stock'),
    ['stock', -1, 'out_of_range'],
    ['stock', 0],
    ['stock', Number.MAX_SAFE_INTEGER],
    ['stock', Number.MAX_SAFE_INTEGER + 1, 'out_of_range'],
    ['version', 0, 'out_of_range'],
    ['version', 1],
    ['version', 2_147_483_647],
    ['version', 2_147_483_648, 'out_of_range'],
    ['id', '', 'malformed'],
    ['id', product.id.toUpperCase(), 'malformed'],
    ['id', `${product.id}0`, 'malformed'],
    ['createdAt', '2026-01-31', 'malformed'],
    ['createdAt', '2026-01-31T12:00:00Z', 'malformed'],
    ['createdAt', '2026-02-30T12:00:00.000Z', 'not_a_time'],
    ['createdAt', '2026-01-31T24:01:00.000Z', 'not_a_time'],
    ['createdAt', '0000-01-31T12:00:00.000Z', 'not_a_time'],
    ['createdAt', '2024-02-29T23:59:59.999Z'],
    ['updatedAt', '9999-12-31T23:59:59.999Z'],
    ['updatedAt', 1_700_000_000, 'wrong_type'],
  ];
  testLimits(storedLimits, (field, value) => problemsOf(parseProduct({ ...product, [field]: value })));

  test.each(Object.keys(product))('needs %s', (field) => {
    const { [field]: _, ...rest } = product as Record<string, unknown>;
    expect(problemsOf(parseProduct(rest))).toEqual([`/${field} required`]);
  });
});

test('a new product needs sku, name, price and currency, and says so all at once', () => {
  expect(problemsOf(parseNewProduct({}))).toEqual([
    '/sku required',
    '/name required',
    '/priceMinor required',
    '/currency required',
  ]);
});

test('everything that is wrong with a product is told at once, each place once', () => {
  const input = { sku: '', name: 7, description: null, priceMinor: -1, currency: 'euro', colour: 'red', stock: '3' };
  expect(problemsOf(parseNewProduct(input)).toSorted()).toEqual([
    '/colour unknown_field',
    '/currency malformed',
    '/description wrong_type',
    '/name wrong_type',
    '/priceMinor out_of_range',
    '/sku too_short',
    '/stock wrong_type',
  ]);
});

test('a change names at least one field', () => {
  expect(problemsOf(parseProductPatch({}))).toEqual([' empty']);
  expect(problemsOf(parseProductPatch({ name: undefined }))).toEqual([' empty']);
});

test('no input carries what the system gives: id, tenant, times, version', () => {
  for (const field of ['id', 'tenantId', 'tenant_id', 'createdAt', 'updatedAt', 'version']) {
    const value = (product as Record<string, unknown>)[field] ?? 'acme';
    expect(problemsOf(parseNewProduct({ ...newProduct, [field]: value }))).toEqual([`/${field} unknown_field`]);
    expect(problemsOf(parseProductPatch({ name: 'Chai', [field]: value }))).toEqual([`/${field} unknown_field`]);
  }
});

test('a problem says in words what would be right, and never repeats the value', () => {
  const result = parseNewProduct({ ...newProduct, sku: '', currency: 'XBAD', name: 'secret\n' });
  expect(result).toEqual({
    ok: false,
    error: [
      { path: '/sku', code: 'too_short', message: 'must not be empty' },
      { path: '/currency', code: 'malformed', message: 'must be the ISO 4217 code of a currency, as EUR' },
    ],
  });
});

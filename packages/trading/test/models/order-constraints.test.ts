import {
  parseImportedOrder,
  parseNewOrder,
  parseOrder,
  parseOrderPatch,
  parseOrderReplacement,
  type NewOrderLine,
  type OrderStatus,
} from '@tenon/trading';
import { newId } from '@tenon/core';
import { describe, expect, test } from 'vitest';
import { testLimits } from '../support/limits.ts';
import { problemsOf } from '../support/problems.ts';
import { ids, importedOrder, newOrder, order } from '../support/samples.ts';

const line: NewOrderLine = { productId: ids[0], quantity: 1 };
const lines = (count: number) => Array.from({ length: count }, () => ({ productId: newId(), quantity: 1 }));

describe.each([
  ['a new order', (change: object) => parseNewOrder({ ...newOrder, ...change })],
  ['a replacement', (change: object) => parseOrderReplacement({ ...newOrder, ...change })],
  ['a change of an order', (change: object) => parseOrderPatch({ ...newOrder, ...change })],
])('%s', (_, parse) => {
  testLimits(
    [
      ['lines', lines(0), 'too_few'],
      ['lines', lines(1)],
      ['lines', lines(200)],
      ['lines', lines(201), 'too_many'],
      ['lines', {}, 'wrong_type'],
      ['externalId', '', 'too_short'],
      ['externalId', 'x'],
      ['externalId', 'x'.repeat(128)],
      ['externalId', 'x'.repeat(129), 'too_long'],
      ['externalId', null],
      ['externalId', undefined],
      ['externalId', 7, 'wrong_type'],
    ],
    (field, value) => problemsOf(parse({ [field]: value })),
  );

  testLimits(
    [
      ['quantity', 0, 'out_of_range'],
      ['quantity', 1],
      ['quantity', 1_000_000],
      ['quantity', 1_000_001, 'out_of_range'],
      ['quantity', 1.5, 'wrong_type'],
      ['quantity', undefined, 'required'],
      ['discountPercent', -1, 'out_of_range'],
      ['discountPercent', 0],
      ['discountPercent', 100],
      ['discountPercent', 101, 'out_of_range'],
      ['productId', '', 'malformed'],
      ['productId', undefined, 'required'],
      ['unitPriceMinor', 1, 'unknown_field'],
      ['totalMinor', 1, 'unknown_field'],
      ['tenantId', 'acme', 'unknown_field'],
    ],
    (field, value) => problemsOf(parse({ lines: [{ ...line, [field]: value }] })),
    '/lines/0',
  );

  test('names each product once, and says which line repeats one beside all other problems', () => {
    const input = { lines: [line, { ...line, quantity: 0 }, null, 'x', line] };
    expect(problemsOf(parse(input)).toSorted()).toEqual([
      '/lines/1/productId duplicate',
      '/lines/1/quantity out_of_range',
      '/lines/2 wrong_type',
      '/lines/3 wrong_type',
      '/lines/4/productId duplicate',
    ]);
  });

  test.each(['id', 'tenantId', 'userId', 'currency', 'totalMinor', 'placedAt', 'version'])('carries no %s', (field) => {
    expect(problemsOf(parse({ [field]: 'x' }))).toEqual([`/${field} unknown_field`]);
  });
});

test('a new order is a draft or placed, a change may name any status, a replacement none', () => {
  const statuses = ['draft', 'placed', 'paid', 'shipped', 'delivered', 'cancelled', 'lost'];
  const accepted = (parse: (input: object) => ReturnType<typeof problemsOf>) =>
    statuses.filter((status) => parse({ ...newOrder, status }).length === 0);
  expect(accepted((input) => problemsOf(parseNewOrder(input)))).toEqual(['draft', 'placed']);
  expect(accepted((input) => problemsOf(parseOrderPatch(input)))).toEqual(statuses.slice(0, -1));
  expect(accepted((input) => problemsOf(parseOrderReplacement(input)))).toEqual([]);
});

test('a change of an order names at least one field', () => {
  expect(problemsOf(parseOrderPatch({}))).toEqual([' empty']);
  expect(problemsOf(parseOrderPatch({ status: 'paid' }))).toEqual([]);
});

describe('a stored order', () => {
  const stored = (change: object) => problemsOf(parseOrder({ ...order, ...change }));
  const when = '2026-02-01T00:00:00.000Z';

  test('is accepted as it is', () => {
    expect(stored({})).toEqual([]);
  });

  test.each(Object.keys(order))('needs %s', (field) => {
    expect(stored({ [field]: undefined })).toContain(`/${field} required`);
  });

  test('has lines whose totals are what quantity, price and discount come to', () => {
    const [first, second] = order.lines;
    expect(stored({ lines: [{ ...first, totalMinor: 3419 }, second], totalMinor: 5319 })).toEqual([
      '/lines/0/totalMinor contradiction',
    ]);
  });

  test('has the sum of its lines as its total', () => {
    expect(stored({ totalMinor: 5319 })).toEqual(['/totalMinor contradiction']);
    expect(stored({ totalMinor: Number.MAX_SAFE_INTEGER })).toEqual(['/totalMinor contradiction']);
    expect(stored({ totalMinor: Number.MAX_SAFE_INTEGER + 1 })).toEqual(['/totalMinor out_of_range']);
    expect(stored({ totalMinor: -1 })).toEqual(['/totalMinor out_of_range']);
  });

  test('is refused, and no number overflows, when its lines come to more than a number holds', () => {
    const huge = { ...order.lines[0], quantity: 1_000_000, unitPriceMinor: 999_999_999_999, discountPercent: 0 };
    expect(stored({ lines: [{ ...huge, totalMinor: Number.MAX_SAFE_INTEGER }], totalMinor: 0 })).toEqual([
      '/lines/0/totalMinor contradiction',
      '/totalMinor contradiction',
    ]);
  });

  const states: readonly (readonly [OrderStatus, string | null, string | null, string?])[] = [
    ['draft', null, null],
    ['draft', when, null, '/placedAt contradiction'],
    ['draft', null, when, '/shippedAt contradiction'],
    ['placed', when, null],
    ['placed', null, null, '/placedAt contradiction'],
    ['placed', when, when, '/shippedAt contradiction'],
    ['paid', when, null],
    ['paid', when, when, '/shippedAt contradiction'],
    ['shipped', when, when],
    ['shipped', when, null],
    ['shipped', null, when, '/placedAt contradiction'],
    ['delivered', when, when],
    ['cancelled', null, null],
    ['cancelled', when, null],
    ['cancelled', when, when],
    ['cancelled', null, when, '/shippedAt contradiction'],
  ];
  for (const [status, placedAt, shippedAt, problem] of states) {
    test(`that is ${status}, placed at ${placedAt} and shipped at ${shippedAt} is ${problem ?? 'accepted'}`, () => {
      expect(stored({ status, placedAt, shippedAt })).toEqual(problem === undefined ? [] : [problem]);
    });
  }

  test('has moments that exist, or null', () => {
    expect(stored({ placedAt: '2026-13-01T00:00:00.000Z' })).toEqual(['/placedAt not_a_time']);
    expect(stored({ placedAt: 'yesterday' })).toEqual(['/placedAt malformed']);
    expect(stored({ placedAt: 7 })).toEqual(['/placedAt wrong_type']);
  });
});

describe('an imported order', () => {
  const imported = (change: object) => problemsOf(parseImportedOrder({ ...importedOrder, ...change }));

  testLimits(
    [
      ['placedAt', '1996-07-04'],
      ['placedAt', '1996-07-04T08:15Z'],
      ['placedAt', '1996-07-04T08:15:30+02:00'],
      ['placedAt', '1996-07-04T08:15:30.123Z'],
      ['placedAt', '0001-01-01'],
      ['placedAt', '0000-12-31', 'not_a_time'],
      ['placedAt', '1996-02-30', 'not_a_time'],
      ['placedAt', '1996-07-04T25:00Z', 'not_a_time'],
      ['placedAt', '04.07.1996', 'malformed'],
      ['placedAt', '1996-07-04T08:15', 'malformed'], // of which time zone?
      ['placedAt', '', 'malformed'],
      ['placedAt', undefined, 'required'],
      ['shippedAt', null],
      ['shippedAt', '1996-07-16'],
      ['shippedAt', '1996-02-30', 'not_a_time'],
      ['externalId', '', 'too_short'],
      ['externalId', 'x'.repeat(128)],
      ['externalId', 'x'.repeat(129), 'too_long'],
      ['externalId', null, 'wrong_type'],
      ['userEmail', 'a@', 'too_short'],
      ['userEmail', `${'a'.repeat(250)}@b.c`],
      ['userEmail', `${'a'.repeat(251)}@b.c`, 'too_long'],
      ['status', 'draft', 'unknown_value'],
      ['status', 'delivered'],
      ['currency', 'USD'],
      ['currency', 'USX', 'unknown_currency'],
      ['tenantId', 'acme', 'unknown_field'],
    ],
    (field, value) => imported({ [field]: value }),
  );

  test('states prices, and each sku once', () => {
    const [first] = importedOrder.lines;
    expect(imported({ lines: [{ ...first, unitPriceMinor: undefined }, first] })).toEqual([
      '/lines/1/sku duplicate',
      '/lines/0/unitPriceMinor required',
    ]);
  });

  test('that was shipped is no longer only placed or paid', () => {
    expect(imported({ shippedAt: '1996-07-16', status: 'placed' })).toEqual(['/shippedAt contradiction']);
    expect(imported({ shippedAt: '1996-07-16', status: 'paid' })).toEqual(['/shippedAt contradiction']);
    expect(imported({ shippedAt: '1996-07-16', status: 'cancelled' })).toEqual([]);
  });
});

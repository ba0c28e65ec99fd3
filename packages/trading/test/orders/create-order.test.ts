import { newId } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { parseOrder, type NewOrder, type Order, type Product } from '@tenon/trading';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createProduct, openTrading, type OpenTrading, type TestTenant } from '../support/open-trading.ts';
import { failureOf, problemsOf } from '../support/problems.ts';

describe.each(describeDrivers())('creating orders on %s', (driver) => {
  let open: OpenTrading;
  let tenant: TestTenant;
  let chai: Product;
  let chang: Product;

  beforeAll(async () => {
    open = await openTrading(driver);
  });
  afterAll(() => open.drop());
  beforeEach(async () => {
    tenant = await open.newTenant();
    await tenant.run(async () => {
      chai = await createProduct(open.trading, { priceMinor: 1800, stock: 10 });
      chang = await createProduct(open.trading, { priceMinor: 1900, stock: 10 });
    });
  });
  const create = (input: NewOrder, options: object = {}) =>
    tenant.run(() => open.trading.orders.create(input, { userId: tenant.userId, ...options }));
  const get = (id: string) => tenant.run(() => open.trading.orders.get(id));
  const stockOf = async ({ id }: Product) => (await tenant.run(() => open.trading.products.get(id)))?.stock;
  const rows = (table: string) => open.query(`select * from ${table} where tenant_id = '${tenant.id}'`);

  test('a placed order takes stock, and is read back as it was answered', async () => {
    const { order, created } = await create({
      externalId: 'web-17',
      lines: [
        { productId: chang.id, quantity: 3 },
        { productId: chai.id, quantity: 2 },
      ],
    });
    const now = new Date(open.clock.now()).toISOString();
    expect(created).toBe(true);
    expect(order).toEqual({
      id: expect.any(String),
      externalId: 'web-17',
      userId: tenant.userId,
      status: 'placed',
      currency: 'EUR',
      lines: [
        {
          productId: chang.id,
          sku: chang.sku,
          quantity: 3,
          unitPriceMinor: 1900,
          discountPercent: 0,
          totalMinor: 5700,
        },
        { productId: chai.id, sku: chai.sku, quantity: 2, unitPriceMinor: 1800, discountPercent: 0, totalMinor: 3600 },
      ],
      totalMinor: 9300,
      placedAt: now,
      shippedAt: null,
      createdAt: now,
      updatedAt: now,
      version: 1,
    });
    expect(problemsOf(parseOrder(order))).toEqual([]);
    expect(await get(order.id)).toEqual(order);
    expect([await stockOf(chai), await stockOf(chang)]).toEqual([8, 7]);
  });

  test('taking stock raises the version of a product, so that a stale edit of its stock is refused', async () => {
    await create({ lines: [{ productId: chai.id, quantity: 1 }] });
    const stale = tenant.run(() => open.trading.products.update(chai.id, { stock: 10 }, chai.version));
    expect(await codeOf(stale)).toBe('PRODUCT_VERSION_CONFLICT');
  });

  test('a draft takes no stock', async () => {
    const { order } = await create({ status: 'draft', lines: [{ productId: chai.id, quantity: 99 }] });
    expect(order).toMatchObject({ status: 'draft', placedAt: null, totalMinor: 178_200 });
    expect(await get(order.id)).toEqual(order);
    expect(await stockOf(chai)).toBe(10);
  });

  test('the whole stock can be ordered, and not one more', async () => {
    const tooMany = create({ lines: [{ productId: chai.id, quantity: 11 }] });
    expect(await failureOf(tooMany)).toEqual({
      code: 'ORDER_STOCK_SHORT',
      details: { lines: [{ productId: chai.id, requested: 11, available: 10 }] },
    });
    await create({ lines: [{ productId: chai.id, quantity: 10 }] });
    expect(await stockOf(chai)).toBe(0);
    expect(await codeOf(create({ lines: [{ productId: chai.id, quantity: 1 }] }))).toBe('ORDER_STOCK_SHORT');
  });

  test('when one line lacks stock, none is taken and nothing is written', async () => {
    const lines = [
      { productId: chai.id, quantity: 1 },
      { productId: chang.id, quantity: 11 },
    ];
    expect(await codeOf(create({ lines }, { idempotencyKey: 'k' }))).toBe('ORDER_STOCK_SHORT');
    expect([await stockOf(chai), await stockOf(chang)]).toEqual([10, 10]);
    expect([await rows('orders'), await rows('order_lines'), await rows('order_requests')]).toEqual([[], [], []]);
  });

  test.each(['placed', 'draft'] as const)('unknown and archived products cannot be ordered (%s)', async (status) => {
    await tenant.run(() => open.trading.products.update(chang.id, { status: 'archived' }));
    const unknown = newId();
    const lines = [chai.id, unknown, chang.id].map((productId) => ({ productId, quantity: 1 }));
    expect(await failureOf(create({ status, lines }))).toEqual({
      code: 'ORDER_PRODUCT_UNAVAILABLE',
      details: { productIds: [unknown, chang.id] },
    });
    expect(await stockOf(chai)).toBe(10);
  });

  test.each(['placed', 'draft'] as const)('an order has one currency (%s)', async (status) => {
    await tenant.run(() => open.trading.products.update(chang.id, { currency: 'USD' }));
    const lines = [chai.id, chang.id].map((productId) => ({ productId, quantity: 1 }));
    expect(await failureOf(create({ status, lines }))).toMatchObject({
      code: 'ORDER_CURRENCY_MIXED',
      details: { currencies: expect.arrayContaining(['EUR', 'USD']) },
    });
    expect((await create({ status, lines: [lines[1] as NewOrder['lines'][number]] })).order.currency).toBe('USD');
  });

  test('a discount needs permission, and is taken off with half up rounding', async () => {
    await tenant.run(() => open.trading.products.update(chai.id, { priceMinor: 5 }));
    const input: NewOrder = { lines: [{ productId: chai.id, quantity: 3, discountPercent: 10 }] };
    expect(await codeOf(create(input))).toBe('ORDER_DISCOUNT_NOT_ALLOWED');
    expect(await codeOf(create(input, { allowDiscounts: false }))).toBe('ORDER_DISCOUNT_NOT_ALLOWED');
    expect((await create(input, { allowDiscounts: true })).order).toMatchObject({ totalMinor: 14 });
    const free = { lines: [{ productId: chai.id, quantity: 1, discountPercent: 0 }] };
    expect(await codeOf(create(free))).toBe('none');
  });

  test('prices stay as they were when the order was placed', async () => {
    const { order } = await create({ lines: [{ productId: chai.id, quantity: 1 }] });
    await tenant.run(() => open.trading.products.update(chai.id, { priceMinor: 1, sku: `NEW-${chai.sku}` }));
    expect(await get(order.id)).toEqual(order);
  });

  test('a total that no number holds exactly is refused, and no stock is taken', async () => {
    await tenant.run(() => open.trading.products.update(chai.id, { priceMinor: 999_999_999_999, stock: 1_000_000 }));
    const order = create({ lines: [{ productId: chai.id, quantity: 1_000_000 }] });
    expect(await codeOf(order)).toBe('ORDER_TOTAL_TOO_LARGE');
    expect(await stockOf(chai)).toBe(1_000_000);
  });

  test.each([newId(), '', '\0', 'nobody'])('nobody called %o can order', async (userId) => {
    const lines = [{ productId: chai.id, quantity: 1 }];
    expect(await codeOf(create({ lines }, { userId }))).toBe('ORDER_USER_UNKNOWN');
    expect(await stockOf(chai)).toBe(10);
  });

  test('an external id is taken once in a tenant', async () => {
    const lines = [{ productId: chai.id, quantity: 1 }];
    await create({ externalId: 'x', lines });
    expect(await codeOf(create({ externalId: 'x', lines }))).toBe('ORDER_EXTERNAL_ID_TAKEN');
    expect(await codeOf(create({ externalId: null, lines }))).toBe('none');
    expect(await codeOf(create({ externalId: null, lines }))).toBe('none');
    expect(await stockOf(chai)).toBe(7);
  });

  test('an invalid order is refused with every problem', async () => {
    const input = { lines: [{ productId: 'x', quantity: 0 }], tenantId: 'acme' } as unknown as NewOrder;
    expect(await failureOf(create(input))).toMatchObject({
      code: 'ORDER_INVALID',
      details: {
        problems: [
          { path: '/tenantId', code: 'unknown_field' },
          { path: '/lines/0/productId', code: 'malformed' },
          { path: '/lines/0/quantity', code: 'out_of_range' },
        ],
      },
    });
  });

  test('two hundred lines are one order, in their order', async () => {
    const products = await tenant.run(async () => {
      const all: Product[] = [];
      for (let count = 0; count < 200; count += 1) all.push(await createProduct(open.trading, { priceMinor: count }));
      return all;
    });
    const lines = products.toReversed().map(({ id }, index) => ({ productId: id, quantity: (index % 9) + 1 }));
    const { order } = await create({ lines });
    const stored = (await get(order.id)) as Order;
    expect(stored).toEqual(order);
    expect(stored.lines.map(({ productId, quantity }) => ({ productId, quantity }))).toEqual(lines);
  });
});

import { newId } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import {
  isOrderMove,
  orderMoves,
  orderStatuses,
  type NewOrder,
  type Order,
  type OrderPatch,
  type OrderStatus,
  type Product,
} from '@tenon/trading';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createProduct, openTrading, type OpenTrading, type TestTenant } from '../support/open-trading.ts';
import { failureOf } from '../support/problems.ts';

/** How an order comes to a status. */
const paths: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  draft: [],
  placed: ['placed'],
  paid: ['placed', 'paid'],
  shipped: ['placed', 'paid', 'shipped'],
  delivered: ['placed', 'paid', 'shipped', 'delivered'],
  cancelled: ['placed', 'cancelled'],
};

describe.each(describeDrivers())('changing orders on %s', (driver) => {
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
  const orders = () => open.trading.orders;
  const update = (id: string, patch: OrderPatch, options = {}) => tenant.run(() => orders().update(id, patch, options));
  const get = (id: string) => tenant.run(() => orders().get(id));
  const stock = async () => (await tenant.run(() => open.trading.products.get(chai.id)))?.stock;
  const draft = async (lines: NewOrder['lines'] = [{ productId: chai.id, quantity: 2 }]): Promise<Order> =>
    (
      await tenant.run(() =>
        orders().create({ status: 'draft', lines }, { userId: tenant.userId, allowDiscounts: true }),
      )
    ).order;
  const inStatus = async (status: OrderStatus): Promise<Order> => {
    let order = await draft();
    for (const step of paths[status]) order = await update(order.id, { status: step });
    return order;
  };

  const pairs = orderStatuses.flatMap((from) => orderStatuses.map((to) => [from, to] as const));

  test.each(pairs.filter(([from, to]) => isOrderMove(from, to)))('from %s to %s', async (from, to) => {
    const order = await inStatus(from);
    const moved = await update(order.id, { status: to });
    expect(moved).toMatchObject({ status: to, version: order.version + 1 });
    expect(await get(order.id)).toEqual(moved);
  });

  test.each(pairs.filter(([from, to]) => !isOrderMove(from, to)))('not from %s to %s', async (from, to) => {
    const order = await inStatus(from);
    const before = await stock();
    expect(await failureOf(update(order.id, { status: to }))).toEqual({
      code: 'ORDER_MOVE_ILLEGAL',
      details: { id: order.id, from, to, legal: orderMoves[from] },
    });
    expect(await get(order.id)).toEqual(order);
    expect(await stock()).toBe(before);
  });

  test('stock is taken when a draft is placed, and given back when the order is cancelled', async () => {
    const order = await draft();
    expect(await stock()).toBe(10);
    await update(order.id, { status: 'placed' });
    expect(await stock()).toBe(8);
    await update(order.id, { status: 'paid' });
    expect(await stock()).toBe(8);
    await update(order.id, { status: 'cancelled' });
    expect(await stock()).toBe(10);
  });

  test('a cancelled draft gives back nothing, because it took nothing', async () => {
    const order = await draft();
    await update(order.id, { status: 'cancelled' });
    expect(await stock()).toBe(10);
  });

  test('stock is given back to an archived product too', async () => {
    const order = await inStatus('placed');
    await tenant.run(() => open.trading.products.update(chai.id, { status: 'archived' }));
    await update(order.id, { status: 'cancelled' });
    expect(await stock()).toBe(10);
  });

  test('placing and shipping are dated, and the dates stay', async () => {
    const order = await draft();
    const at: Record<string, string> = {};
    let latest: Order = order;
    for (const status of ['placed', 'paid', 'shipped', 'delivered'] as const) {
      await open.clock.advance(1_000);
      at[status] = new Date(open.clock.now()).toISOString();
      latest = await update(order.id, { status });
      expect(latest.updatedAt).toBe(at[status]);
    }
    expect(latest).toMatchObject({ placedAt: at['placed'], shippedAt: at['shipped'], createdAt: order.createdAt });
    expect(await get(order.id)).toEqual(latest);
  });

  test('a draft is placed at the prices of that moment, discounts kept', async () => {
    const order = await draft([{ productId: chai.id, quantity: 2, discountPercent: 50 }]);
    expect(order.totalMinor).toBe(1800);
    await tenant.run(() => open.trading.products.update(chai.id, { priceMinor: 100, sku: `RENAMED-${chai.sku}` }));
    const placed = await update(order.id, { status: 'placed' });
    expect(placed.lines).toMatchObject([{ sku: `RENAMED-${chai.sku}`, unitPriceMinor: 100, discountPercent: 50 }]);
    expect(placed.totalMinor).toBe(100);
    expect(await get(order.id)).toEqual(placed);
  });

  test('a draft without enough stock stays a draft', async () => {
    const order = await draft([{ productId: chai.id, quantity: 11 }]);
    expect(await codeOf(update(order.id, { status: 'placed' }))).toBe('ORDER_STOCK_SHORT');
    expect(await get(order.id)).toEqual(order);
    expect(await stock()).toBe(10);
  });

  test('the lines of a draft can be changed: more, fewer, others', async () => {
    const order = await draft();
    const two = [
      { productId: chang.id, quantity: 1 },
      { productId: chai.id, quantity: 5 },
    ];
    const more = await update(order.id, { lines: two });
    expect(more).toMatchObject({ totalMinor: 10_900, version: 2 });
    expect(await get(order.id)).toEqual(more);
    const fewer = await update(order.id, { lines: [{ productId: chang.id, quantity: 3 }] });
    expect(fewer.lines).toHaveLength(1);
    expect(await get(order.id)).toEqual(fewer);
    expect(await stock()).toBe(10);
  });

  test('new lines and a move in one change: the lines come first', async () => {
    const order = await draft();
    const lines = [{ productId: chai.id, quantity: 7 }];
    const placed = await update(order.id, { status: 'placed', lines });
    expect(placed).toMatchObject({ status: 'placed', totalMinor: 12_600 });
    expect(await get(order.id)).toEqual(placed);
    expect(await stock()).toBe(3);
    const other = await draft();
    const cancelled = await update(other.id, { status: 'cancelled', lines });
    expect(await get(other.id)).toEqual(cancelled);
    expect(await stock()).toBe(3);
  });

  test('only staff give discounts, in a change and in a replacement', async () => {
    const order = await draft();
    const lines = [{ productId: chai.id, quantity: 1, discountPercent: 1 }];
    expect(await codeOf(update(order.id, { lines }))).toBe('ORDER_DISCOUNT_NOT_ALLOWED');
    expect(await codeOf(tenant.run(() => orders().replace(order.id, { lines })))).toBe('ORDER_DISCOUNT_NOT_ALLOWED');
    expect(await codeOf(update(order.id, { lines }, { allowDiscounts: true }))).toBe('none');
  });

  test('a replacement sets lines and external id; a left out external id is none', async () => {
    const order = await draft();
    const named = await update(order.id, { externalId: 'x' });
    expect(named.externalId).toBe('x');
    const lines = [{ productId: chang.id, quantity: 1 }];
    const replaced = await tenant.run(() => orders().replace(order.id, { lines }));
    expect(replaced).toMatchObject({ externalId: null, status: 'draft', totalMinor: 1900, version: 3 });
    expect(await get(order.id)).toEqual(replaced);
  });

  test('an external id can be set, kept and taken away at any time', async () => {
    const order = await inStatus('paid');
    expect(await update(order.id, { externalId: 'x' })).toMatchObject({ externalId: 'x', status: 'paid' });
    expect(await update(order.id, { status: 'shipped' })).toMatchObject({ externalId: 'x' });
    expect(await update(order.id, { externalId: null })).toMatchObject({ externalId: null });
    const other = await inStatus('draft');
    await update(other.id, { externalId: 'taken' });
    expect(await codeOf(update(order.id, { externalId: 'taken' }))).toBe('ORDER_EXTERNAL_ID_TAKEN');
  });

  test.each(orderStatuses.filter((status) => status !== 'draft'))('the lines of a %s order stay', async (status) => {
    const order = await inStatus(status);
    const lines = [{ productId: chang.id, quantity: 1 }];
    const notDraft = { code: 'ORDER_NOT_DRAFT', details: { id: order.id, status } };
    expect(await failureOf(update(order.id, { lines }))).toEqual(notDraft);
    expect(await failureOf(tenant.run(() => orders().replace(order.id, { lines })))).toEqual(notDraft);
    expect(await get(order.id)).toEqual(order);
  });

  test.each(['draft', 'cancelled'] as const)('a %s order is removed with its lines', async (status) => {
    const order = await inStatus(status);
    await tenant.run(() => orders().remove(order.id));
    expect(await get(order.id)).toBeUndefined();
    expect(await open.query(`select from order_lines where order_id = '${order.id}'`)).toEqual([]);
  });

  test.each(['placed', 'paid', 'shipped', 'delivered'] as const)('a %s order is not removed', async (status) => {
    const order = await inStatus(status);
    const notRemovable = { code: 'ORDER_NOT_REMOVABLE', details: { id: order.id, status } };
    expect(await failureOf(tenant.run(() => orders().remove(order.id)))).toEqual(notRemovable);
    expect(await get(order.id)).toEqual(order);
  });

  test('a change of a version that is no more is refused, and says which version there is', async () => {
    const order = await draft();
    const { id } = await update(order.id, { externalId: 'second' }, { expectedVersion: 1 });
    const conflict = { code: 'ORDER_VERSION_CONFLICT', details: { id, expected: 1, actual: 2 } };
    const old = { expectedVersion: 1 };
    expect(await failureOf(update(id, { status: 'placed' }, old))).toEqual(conflict);
    const lines = [{ productId: chai.id, quantity: 1 }];
    expect(await failureOf(tenant.run(() => orders().replace(id, { lines }, old)))).toEqual(conflict);
    expect(await failureOf(tenant.run(() => orders().remove(id, old)))).toEqual(conflict);
    expect(await codeOf(tenant.run(() => orders().remove(id, { expectedVersion: 2 })))).toBe('none');
  });

  test.each([newId(), '', '\0', '\ud800', "' or 1=1"])('there is no order %o', async (id) => {
    await tenant.run(async () => {
      const notFound = { code: 'ORDER_NOT_FOUND', details: { id } };
      expect(await orders().get(id)).toBeUndefined();
      expect(await failureOf(orders().update(id, { status: 'paid' }))).toEqual(notFound);
      expect(await failureOf(orders().replace(id, { lines: [{ productId: chai.id, quantity: 1 }] }))).toEqual(notFound);
      expect(await failureOf(orders().remove(id))).toEqual(notFound);
      expect(await open.trading.ownerOf('orders', id)).toBeUndefined();
    });
  });

  test("somebody else's order looks like none to those who see only their own", async () => {
    const other = await open.newUser(tenant, 'other@example.com');
    const order = await draft();
    await tenant.run(async () => {
      const scope = { onlyUserId: other };
      const notFound = { code: 'ORDER_NOT_FOUND', details: { id: order.id } };
      expect(await orders().get(order.id, scope)).toBeUndefined();
      expect(await failureOf(orders().update(order.id, { status: 'placed' }, scope))).toEqual(notFound);
      expect(await failureOf(orders().replace(order.id, { lines: order.lines }, scope))).toMatchObject({
        code: 'ORDER_INVALID',
      });
      const lines = [{ productId: chai.id, quantity: 1 }];
      expect(await failureOf(orders().replace(order.id, { lines }, scope))).toEqual(notFound);
      expect(await failureOf(orders().remove(order.id, scope))).toEqual(notFound);
      expect(await orders().get(order.id, { onlyUserId: tenant.userId })).toEqual(order);
    });
  });

  test('customers place and cancel their orders; what comes between is for staff', async () => {
    const mine = { onlyUserId: tenant.userId };
    const order = await draft();
    expect(await codeOf(update(order.id, { status: 'placed' }, mine))).toBe('none');
    expect(await failureOf(update(order.id, { status: 'paid' }, mine))).toEqual({
      code: 'ORDER_MOVE_NOT_ALLOWED',
      details: { id: order.id, to: 'paid' },
    });
    expect(await codeOf(update(order.id, { status: 'paid' }, { ...mine, allowedMoves: ['paid'] }))).toBe('none');
    expect(await codeOf(update(order.id, { status: 'shipped' }, { allowedMoves: ['paid'] }))).toBe(
      'ORDER_MOVE_NOT_ALLOWED',
    );
    expect(await codeOf(update(order.id, { status: 'cancelled' }, mine))).toBe('none');
  });
});

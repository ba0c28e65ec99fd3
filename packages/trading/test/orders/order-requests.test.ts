import { runAs } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import type { CreatedOrder, NewOrder, Product } from '@tenon/trading';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createProduct, openTrading, type OpenTrading, type TestTenant } from '../support/open-trading.ts';

describe.each(describeDrivers())('idempotency keys on %s', (driver) => {
  let open: OpenTrading;
  let tenant: TestTenant;
  let product: Product;
  let input: NewOrder;

  beforeAll(async () => {
    open = await openTrading(driver);
  });
  afterAll(() => open.drop());
  beforeEach(async () => {
    tenant = await open.newTenant();
    product = await tenant.run(() => createProduct(open.trading, { stock: 100 }));
    input = { lines: [{ productId: product.id, quantity: 1 }] };
  });
  const create = (key: string, order: NewOrder = input): Promise<CreatedOrder> =>
    tenant.run(() => open.trading.orders.create(order, { userId: tenant.userId, idempotencyKey: key }));
  const stock = async () => (await tenant.run(() => open.trading.products.get(product.id)))?.stock;

  test('the same request again answers with the order it made, and takes no stock', async () => {
    const first = await create('k');
    const second = await create('k');
    expect(first.created).toBe(true);
    expect(second).toEqual({ order: first.order, created: false });
    expect(await stock()).toBe(99);
  });

  test('the order is answered as it is now', async () => {
    const { order } = await create('k');
    const paid = await tenant.run(() => open.trading.orders.update(order.id, { status: 'paid' }));
    expect((await create('k')).order).toEqual(paid);
  });

  test('twenty requests at once with one key make one order', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => create('k')));
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(answers.map(({ order }) => order.id)).size).toBe(1);
    expect(await stock()).toBe(99);
    expect(await open.query(`select from orders where tenant_id = '${tenant.id}'`)).toHaveLength(1);
  });

  test.each<readonly [string, (order: NewOrder) => NewOrder]>([
    ['quantity', ({ lines: [line] }) => ({ lines: [{ ...(line as NewOrder['lines'][number]), quantity: 2 }] })],
    ['external id', (order) => ({ ...order, externalId: 'x' })],
    ['status', (order) => ({ ...order, status: 'draft' })],
  ])('the same key with another %s is refused', async (_, change) => {
    await create('k');
    expect(await codeOf(create('k', change(input)))).toBe('ORDER_IDEMPOTENCY_MISMATCH');
    expect(await stock()).toBe(99);
  });

  test('the same order spelled otherwise is the same request', async () => {
    const first = await create('k');
    const line = { discountPercent: 0, quantity: 1, productId: ` ${product.id} ` };
    const again = await create('k', { status: 'placed', externalId: null, lines: [line] });
    expect(again).toEqual({ order: first.order, created: false });
  });

  test('another person with the same key makes an order of their own', async () => {
    const otherUser = await open.newUser(tenant, 'other@example.com');
    const first = await create('k');
    const second = await tenant.run(() =>
      open.trading.orders.create(input, { userId: otherUser, idempotencyKey: 'k' }),
    );
    expect(second.created).toBe(true);
    expect(second.order.id).not.toBe(first.order.id);
  });

  test('another actor with the same key makes an order of its own, for the same person too', async () => {
    const by = (id: string) =>
      runAs({ tenant: tenant.id, actor: { type: 'api-key', id } }, () =>
        open.trading.orders.create(input, { userId: tenant.userId, idempotencyKey: 'k' }),
      );
    const [one, two, again] = [await by('key-1'), await by('key-2'), await by('key-1')];
    expect([one.created, two.created, again.created]).toEqual([true, true, false]);
    expect(again.order.id).toBe(one.order.id);
  });

  test('a request that failed leaves its key free', async () => {
    const tooMuch = { lines: [{ productId: product.id, quantity: 101 }] };
    expect(await codeOf(create('k', tooMuch))).toBe('ORDER_STOCK_SHORT');
    expect((await create('k')).created).toBe(true);
  });

  test('a request whose order was removed makes no second one', async () => {
    const { order } = await create('k', { ...input, status: 'draft' });
    await tenant.run(() => open.trading.orders.remove(order.id));
    expect(await codeOf(create('k', { ...input, status: 'draft' }))).toBe('ORDER_NOT_FOUND');
  });

  test.each(['', 'x'.repeat(256), 'ä', 'a\nb', '\0'])('%o is no key', async (key) => {
    expect(await codeOf(create(key))).toBe('ORDER_IDEMPOTENCY_KEY_INVALID');
  });

  test.each(['x', 'x'.repeat(255), ' ', '~'])('%o is a key', async (key) => {
    expect((await create(key)).created).toBe(true);
  });

  test('keys are forgotten when they are old enough, those of all tenants and no others', async () => {
    await open.trading.orders.forgetRequests({ olderThanMs: -1 });
    await create('old');
    await open.clock.advance(60_000);
    await create('new');
    expect(await open.trading.orders.forgetRequests({ olderThanMs: 60_001 })).toBe(0);
    expect(await open.trading.orders.forgetRequests({ olderThanMs: 59_999 })).toBe(1);
    expect((await create('new')).created).toBe(false);
    expect((await create('old')).created).toBe(true);
  });
});

import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import type { Product } from '@tenon/trading';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createProduct, openTrading, type OpenTrading, type TestTenant } from '../support/open-trading.ts';

describe.each(describeDrivers())('orders at the same time on %s', (driver) => {
  let open: OpenTrading;
  let tenant: TestTenant;

  beforeAll(async () => {
    open = await openTrading(driver);
  });
  afterAll(() => open.drop());
  beforeEach(async () => {
    tenant = await open.newTenant();
  });

  const order = (lines: readonly (readonly [Product, number])[]) =>
    open.trading.orders.create(
      { lines: lines.map(([{ id }, quantity]) => ({ productId: id, quantity })) },
      { userId: tenant.userId },
    );
  const stockOf = async (product: Product) => (await open.trading.products.get(product.id))?.stock;
  const count = (codes: readonly string[]) =>
    Object.fromEntries([...new Set(codes)].map((code) => [code, codes.filter((one) => one === code).length]));

  test('of a hundred buyers of ten pieces exactly ten get one', async () => {
    await tenant.run(async () => {
      const product = await createProduct(open.trading, { stock: 10 });
      const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf(order([[product, 1]]))));
      expect(count(codes)).toEqual({ none: 10, ORDER_STOCK_SHORT: 90 });
      expect(await stockOf(product)).toBe(0);
      expect(await open.query(`select from orders where tenant_id = '${tenant.id}'`)).toHaveLength(10);
    });
  });

  test('buyers of several products in any order of lines never block each other for good', async () => {
    await tenant.run(async () => {
      const goods: Product[] = [];
      for (let index = 0; index < 4; index += 1) goods.push(await createProduct(open.trading, { stock: 1_000 }));
      const rotated = (by: number) => [...goods.slice(by % 4), ...goods.slice(0, by % 4)];
      const buyers = Array.from({ length: 120 }, (_, index) => {
        const mine = index % 2 === 0 ? rotated(index) : rotated(index).toReversed();
        return codeOf(order(mine.map((product) => [product, 1])));
      });
      expect(count(await Promise.all(buyers))).toEqual({ none: 120 });
      for (const product of goods) expect(await stockOf(product)).toBe(880);
    });
  });

  test('placing, cancelling and importing the same products at once never blocks for good', async () => {
    await tenant.run(async () => {
      const goods: Product[] = [];
      // By sku they come in the opposite order of their ids.
      for (let index = 0; index < 6; index += 1) {
        goods.push(await createProduct(open.trading, { sku: `REVERSED-${9 - index}`, stock: 1_000 }));
      }
      const rows = (name: string) =>
        goods.map(({ sku }) => ({ sku, name, priceMinor: 1_000, currency: 'EUR', stock: 1_000 })).toReversed();
      const placeAndCancel = async (index: number) => {
        const mine = index % 2 === 0 ? goods : goods.toReversed();
        const placed = await order(mine.map((product) => [product, 1]));
        await open.trading.orders.update(placed.order.id, { status: 'cancelled' });
      };
      const work = Array.from({ length: 60 }, (_, index) =>
        codeOf(index % 3 === 0 ? open.trading.products.importBatch(rows(`Name ${index}`)) : placeAndCancel(index)),
      );
      expect(count(await Promise.all(work))).toEqual({ none: 60 });
    });
  });

  test('an order that is placed and cancelled by many at once ends in one state, with stock to match', async () => {
    await tenant.run(async () => {
      const product = await createProduct(open.trading, { stock: 10 });
      const lines = [{ productId: product.id, quantity: 4 }];
      const { order: draft } = await open.trading.orders.create({ status: 'draft', lines }, { userId: tenant.userId });
      const moves = Array.from({ length: 20 }, (_, index) =>
        codeOf(open.trading.orders.update(draft.id, { status: index % 2 === 0 ? 'placed' : 'cancelled' })),
      );
      const codes = count(await Promise.all(moves));
      const final = await open.trading.orders.get(draft.id);
      expect(final?.status).toBe('cancelled');
      expect(final?.version).toBe(1 + (codes['none'] ?? 0));
      expect(await stockOf(product)).toBe(10);
    });
  });

  test('lines that are changed while the draft is being placed are either placed or refused, never mixed', async () => {
    await tenant.run(async () => {
      const product = await createProduct(open.trading, { stock: 100 });
      for (let round = 0; round < 10; round += 1) {
        const before = (await stockOf(product)) ?? 0;
        const one = [{ productId: product.id, quantity: 1 }];
        const { order: draft } = await open.trading.orders.create(
          { status: 'draft', lines: one },
          { userId: tenant.userId },
        );
        await Promise.all([
          codeOf(open.trading.orders.update(draft.id, { lines: [{ productId: product.id, quantity: 3 }] })),
          codeOf(open.trading.orders.update(draft.id, { status: 'placed' })),
        ]);
        const final = await open.trading.orders.get(draft.id);
        expect(before - ((await stockOf(product)) ?? 0)).toBe(final?.lines[0]?.quantity);
      }
    });
  });
});

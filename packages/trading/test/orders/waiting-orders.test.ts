import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProduct, openTrading, type OpenTrading, type TestTenant } from '../support/open-trading.ts';

// The embedded database has one connection: there, nothing waits for a row.
describe.runIf(describeDrivers().includes('postgres'))('on PostgreSQL, orders that waited for a product', () => {
  let open: OpenTrading;
  let tenant: TestTenant;

  beforeAll(async () => {
    open = await openTrading('postgres');
    tenant = await open.newTenant();
  });
  afterAll(() => open.drop());

  /** Changes a product in a transaction that ends only when the work waits for it. */
  const whileWaiting = async (change: string, work: () => Promise<string>): Promise<string> => {
    const { promise: changed, resolve } = Promise.withResolvers<void>();
    const waiting = changed.then(() => tenant.run(work));
    await open.database.withSystem('test', async (tx) => {
      await sql.raw(change).execute(tx);
      resolve();
      const waits = sql<{ is: boolean }>`select exists (
        select from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where not l.granted and a.datname = current_database()) as is`;
      while ((await waits.execute(tx)).rows[0]?.is !== true);
    });
    return waiting;
  };

  test.each([
    ['the pieces that came', 0, `stock = 5`, 'none', 4],
    ['the pieces that went', 5, `stock = 0`, 'ORDER_STOCK_SHORT', 0],
    ['that it was archived', 5, `status = 'archived'`, 'ORDER_PRODUCT_UNAVAILABLE', 5],
  ])('see %s meanwhile', async (_, stock, change, code, left) => {
    const { id } = await tenant.run(() => createProduct(open.trading, { stock }));
    const lines = [{ productId: id, quantity: 1 }];
    const order = () => codeOf(open.trading.orders.create({ lines }, { userId: tenant.userId }));
    expect(await whileWaiting(`update products set ${change} where id = '${id}'`, order)).toBe(code);
    expect(await tenant.run(() => open.trading.products.get(id))).toMatchObject({ stock: left });
  });

  test('give back to the stock that there is by then', async () => {
    const { id } = await tenant.run(() => createProduct(open.trading, { stock: 5 }));
    const lines = [{ productId: id, quantity: 5 }];
    const { order } = await tenant.run(() => open.trading.orders.create({ lines }, { userId: tenant.userId }));
    const cancel = () => codeOf(open.trading.orders.update(order.id, { status: 'cancelled' }));
    expect(await whileWaiting(`update products set stock = 100, version = 7 where id = '${id}'`, cancel)).toBe('none');
    expect(await tenant.run(() => open.trading.products.get(id))).toMatchObject({ stock: 105, version: 8 });
  });

  test('place the lines that the draft has by then', async () => {
    const { id } = await tenant.run(() => createProduct(open.trading, { stock: 10 }));
    const lines = [{ productId: id, quantity: 1 }];
    const draft = await tenant.run(() =>
      open.trading.orders.create({ status: 'draft', lines }, { userId: tenant.userId }),
    );
    const change = `update orders set version = version + 1 where id = '${draft.order.id}';
      update order_lines set quantity = 4 where order_id = '${draft.order.id}'`;
    const place = () => codeOf(open.trading.orders.update(draft.order.id, { status: 'placed' }));
    expect(await whileWaiting(change, place)).toBe('none');
    expect(await tenant.run(() => open.trading.products.get(id))).toMatchObject({ stock: 6 });
    expect(await tenant.run(() => open.trading.orders.get(draft.order.id))).toMatchObject({
      version: 3,
      lines: [{ quantity: 4, totalMinor: 4_000 }],
    });
  });
});

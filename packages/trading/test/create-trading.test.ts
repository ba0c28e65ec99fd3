import { isUuid, newId, runAs, type LogFields, type Logger } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { createTrading, productListing, orderListing } from '@tenon/trading';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cursors, openTrading, someProduct, type OpenTrading, type TestTenant } from './support/open-trading.ts';
import { recordStatements } from './support/record-statements.ts';

describe.each(describeDrivers())('the options of trading on %s', (driver) => {
  let open: OpenTrading;
  let tenant: TestTenant;

  beforeAll(async () => {
    open = await openTrading(driver);
    tenant = await open.newTenant();
  });
  afterAll(() => open.drop());

  test('times come from the clock', async () => {
    const clock = createTestClock(Date.UTC(1999, 11, 31, 23, 59, 59, 999));
    const trading = createTrading({ database: open.database, clock });
    const product = await tenant.run(() => trading.products.create(someProduct()));
    expect(product.createdAt).toBe('1999-12-31T23:59:59.999Z');
    expect(await tenant.run(() => trading.products.get(product.id))).toEqual(product);
  });

  test("without a clock, times are the machine's", async () => {
    const trading = createTrading({ database: open.database });
    const before = Date.now();
    const { createdAt } = await tenant.run(() => trading.products.create(someProduct()));
    expect(Date.parse(createdAt)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(createdAt)).toBeLessThanOrEqual(Date.now());
  });

  test('ids come from the generator, and are UUIDs without one', async () => {
    const id = newId();
    const given = createTrading({ database: open.database, newId: () => id });
    expect(await tenant.run(() => given.products.create(someProduct()))).toMatchObject({ id });
    const own = await tenant.run(() => open.trading.products.create(someProduct()));
    expect(isUuid(own.id)).toBe(true);
  });

  test('imports are logged with their counts, and nothing of their rows', async () => {
    const lines: [LogFields, string][] = [];
    const logger: Logger = {
      debug: () => undefined,
      info: (fields, message) => lines.push([fields, message]),
      warn: () => undefined,
      error: () => undefined,
      child: () => logger,
    };
    const trading = createTrading({ database: open.database, logger });
    await tenant.run(async () => {
      await trading.products.importBatch([someProduct(), {}]);
      await trading.orders.importBatch([{}]);
    });
    expect(lines).toEqual([
      [{ created: 1, updated: 0, unchanged: 0, rejected: 1 }, 'products imported'],
      [{ created: 0, updated: 0, unchanged: 0, rejected: 1 }, 'orders imported'],
    ]);
  });

  // Where statistics are missing, the planner takes the last of several indexes that look equally good to it, and the plan
  // is kept: single rows would be looked for among all of the tenant's.
  test('before any statistics exist, single rows are found through their unique keys', async () => {
    const recording = recordStatements();
    const { products, orders } = createTrading({ database: recording.database });
    const id = newId();
    await products.get(id);
    await orders.get(id);
    const found = await Promise.all(
      [
        ...recording.take(),
        { sql: 'select 1 from orders where tenant_id = $1 and id = $2 for key share', parameters: [tenant.id, id] },
        { sql: 'select 1 from products where tenant_id = $1 and id = $2 for key share', parameters: [tenant.id, id] },
        { sql: 'select 1 from products where sku = $1', parameters: ['x'] },
        { sql: 'select 1 from orders where external_id = $1', parameters: ['x'] },
      ].map((statement) => open.explain(tenant, statement)),
    );
    const indexes = found.map((plan) =>
      [...plan.matchAll(/using (\w+)/g)].map(([, index]) => String(index)).toSorted(),
    );
    expect(indexes).toEqual([
      ['products_pkey'],
      ['order_lines_pkey', 'orders_pkey'],
      ['orders_pkey'],
      ['products_pkey'],
      ['products_sku_unique'],
      ['orders_external_id_unique'],
    ]);
    expect(found[1]).toMatch(/order_lines_pkey[^\n]+\n\s+Index Cond: .*order_id = /);
  });
});

test('each operation sends few statements', async () => {
  const recording = recordStatements();
  const { products, orders } = createTrading({ database: recording.database });
  const id = newId();
  const order = { lines: [{ productId: id, quantity: 1 }] };
  const count = async (work: () => Promise<unknown>): Promise<number> => {
    await work().catch(() => undefined);
    return recording.take().length;
  };
  await runAs({ tenant: 'acme' }, async () => {
    const productPage = productListing.parse({}, cursors);
    const orderPage = orderListing.parse({}, cursors);
    if (!productPage.ok || !orderPage.ok) throw new Error('the lists were refused');
    expect({
      listProducts: await count(() => products.list(productPage.value, cursors)),
      getProduct: await count(() => products.get(id)),
      createProduct: await count(() => products.create(someProduct())),
      importProducts: await count(() => products.importBatch([someProduct(), someProduct()])),
      listNoOrders: await count(() => orders.list(orderPage.value, cursors)),
      getOrder: await count(() => orders.get(id)),
      takeStock: await count(() => orders.create(order, { userId: id })),
    }).toEqual({
      listProducts: 1,
      getProduct: 1,
      createProduct: 1,
      importProducts: 1,
      listNoOrders: 1,
      getOrder: 1,
      takeStock: 1,
    });
  });
});

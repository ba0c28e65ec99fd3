import fc from 'fast-check';
import { newId, runAs } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { findUnprotectedTables } from '@tenon/database';
import { describeDrivers } from '@tenon/database/testing';
import { orderListing, productListing, type Order, type Product, type Trading } from '@tenon/trading';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fillTenant, orderFields, productFields, type Holding } from './support/holdings.ts';
import { anyQuery, expectedIds, readAllPages } from './support/list-model.ts';
import { createProduct, cursors, openTrading, someProduct, type OpenTrading } from './support/open-trading.ts';
import { failureOf } from './support/problems.ts';

describe.each(describeDrivers())('tenants on %s', (driver) => {
  let open: OpenTrading;
  let trading: Trading;
  let holdings: readonly Holding[];

  beforeAll(async () => {
    open = await openTrading(driver);
    ({ trading } = open);
    holdings = [await fillTenant(open, 1), await fillTenant(open, 2), await fillTenant(open, 3)];
  });
  afterAll(() => open.drop());
  const anyHolding = fc.nat(2).map((index) => holdings[index] as Holding);

  test('property 10: a list of products holds exactly what the model says, for any filter, sort and page size', async () => {
    await fc.assert(
      fc.asyncProperty(anyHolding, anyQuery(productFields), async ({ tenant, products }, query) => {
        const items = await tenant.run(() =>
          readAllPages(productListing, query, (request) => trading.products.list(request, cursors)),
        );
        expect(items.map(({ id }) => id)).toEqual(expectedIds(products, productFields, query));
        for (const item of items) expect(item).toEqual(products.find(({ id }) => id === item.id));
      }),
      { numRuns: 150 },
    );
  });

  test('property 10: a list of orders holds exactly what the model says, of one person where only theirs are asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.boolean(), fc.infiniteStream(fc.nat()), async (index, own, random) => {
        const { tenant, orders, userIds } = holdings[index] as Holding;
        const fields = orderFields([...userIds, (holdings[(index + 1) % 3] as Holding).tenant.userId]);
        const [query = {}] = fc.sample(anyQuery(fields), { seed: random.next().value, numRuns: 1 });
        const scope = own ? { onlyUserId: userIds[0] as string } : {};
        const visible = own ? orders.filter(({ userId }) => userId === userIds[0]) : orders;
        const items = await tenant.run(() =>
          readAllPages(orderListing, query, (request) => trading.orders.list(request, cursors, scope)),
        );
        expect(items.map(({ id }) => id)).toEqual(expectedIds(visible, fields, query));
        for (const item of items) expect(item).toEqual(orders.find(({ id }) => id === item.id));
      }),
      { numRuns: 150 },
    );
  });

  test('property 10: SQL without any condition sees the rows of the tenant and no others', async () => {
    for (const { tenant, products, orders } of holdings) {
      const seen = await tenant.run(() =>
        open.database.withTenant(async (tx) => ({
          products: (await sql<{ id: string }>`select id from products`.execute(tx)).rows,
          orders: (await sql<{ id: string }>`select id from orders`.execute(tx)).rows,
          tenants: (await sql<{ tenant_id: string }>`select distinct tenant_id from order_lines`.execute(tx)).rows,
        })),
      );
      expect(seen.products.map(({ id }) => id).toSorted()).toEqual(products.map(({ id }) => id).toSorted());
      expect(seen.orders.map(({ id }) => id).toSorted()).toEqual(orders.map(({ id }) => id).toSorted());
      expect(seen.tenants).toEqual([{ tenant_id: tenant.id }]);
    }
  });

  test("another tenant's product behaves as one that does not exist, in every call", async () => {
    const [{ tenant }, { products }] = holdings as [Holding, Holding];
    const theirs = (products[0] as Product).id;
    await tenant.run(async () => {
      for (const id of [theirs, newId()]) {
        const notFound = { code: 'PRODUCT_NOT_FOUND', details: { id } };
        expect(await trading.products.get(id)).toBeUndefined();
        expect(await failureOf(trading.products.update(id, { name: 'x' }))).toEqual(notFound);
        expect(await failureOf(trading.products.update(id, { name: 'x' }, 1))).toEqual(notFound);
        expect(await failureOf(trading.products.replace(id, someProduct()))).toEqual(notFound);
        expect(await failureOf(trading.products.remove(id))).toEqual(notFound);
        const lines = [{ productId: id, quantity: 1 }];
        expect(await failureOf(trading.orders.create({ lines }, { userId: tenant.userId }))).toEqual({
          code: 'ORDER_PRODUCT_UNAVAILABLE',
          details: { productIds: [id] },
        });
      }
    });
    expect(await trading.ownerOf('products', theirs)).toBe(holdings[1]?.tenant.id);
  });

  test("another tenant's order and person behave as if they did not exist, in every call", async () => {
    const [{ tenant, products }, { orders, userIds }] = holdings as [Holding, Holding];
    const theirs = (orders[0] as Order).id;
    const lines = [{ productId: (products[0] as Product).id, quantity: 1 }];
    await tenant.run(async () => {
      for (const id of [theirs, newId()]) {
        const notFound = { code: 'ORDER_NOT_FOUND', details: { id } };
        expect(await trading.orders.get(id)).toBeUndefined();
        expect(await failureOf(trading.orders.update(id, { status: 'cancelled' }))).toEqual(notFound);
        expect(await failureOf(trading.orders.replace(id, { lines }))).toEqual(notFound);
        expect(await failureOf(trading.orders.remove(id))).toEqual(notFound);
      }
      for (const userId of [userIds[0] as string, newId()]) {
        expect(await codeOf(trading.orders.create({ lines }, { userId }))).toBe('ORDER_USER_UNKNOWN');
      }
    });
    expect(await trading.ownerOf('orders', theirs)).toBe(holdings[1]?.tenant.id);
  });

  test('property 11: what is created, changed and imported belongs to the tenant of the context', async () => {
    await fc.assert(
      fc.asyncProperty(anyHolding, fc.constantFrom('create', 'import', 'order'), async ({ tenant, products }, way) => {
        const ids = await tenant.run(async () => {
          if (way === 'create') return [(await createProduct(trading)).id];
          if (way === 'import') {
            const row = someProduct();
            await trading.products.importBatch([row]);
            const found = await open.query<{ id: string }>(`select id from products where sku = '${row.sku}'`);
            return found.map(({ id }) => id);
          }
          const lines = [{ productId: (products[0] as Product).id, quantity: 1 }];
          return [(await trading.orders.create({ status: 'draft', lines }, { userId: tenant.userId })).order.id];
        });
        const table = way === 'order' ? 'orders' : 'products';
        const rows = await open.query(`select tenant_id from ${table} where id = '${ids[0]}'`);
        expect(rows).toEqual([{ tenant_id: tenant.id }]);
        await tenant.run(() => (way === 'order' ? trading.orders : trading.products).remove(ids[0] as string));
      }),
      { numRuns: 100 },
    );
  });

  test('property 11: a tenant in the payload is refused in every way of writing, and nothing is written', async () => {
    const key = fc.constantFrom('tenantId', 'tenant_id', 'tenant', 'TenantId');
    const way = fc.constantFrom('create', 'replace', 'update', 'import', 'order', 'orderLine', 'orderImport');
    await fc.assert(
      fc.asyncProperty(anyHolding, fc.nat(2), key, way, async (mine, other, field, how) => {
        const { tenant, products, orders } = mine;
        const smuggled = { [field]: (holdings[other] as Holding).tenant.id };
        const product = products[0] as Product;
        const line = { productId: product.id, quantity: 1 };
        const { userId, email } = tenant;
        const draft = orders[0] as Order;
        const imported = { externalId: 'z', userEmail: email, placedAt: '2026-01-01' };
        const importLines = [{ sku: product.sku, quantity: 1, unitPriceMinor: 1 }];
        const before = await snapshot(open);
        const attempts: Readonly<Record<string, () => Promise<unknown>>> = {
          create: () => trading.products.create({ ...someProduct(), ...smuggled }),
          replace: () => trading.products.replace(product.id, { ...someProduct(), ...smuggled }),
          update: () => trading.products.update(product.id, { name: 'x', ...smuggled }),
          import: () => trading.products.importBatch([{ ...someProduct(), ...smuggled }]),
          order: () => trading.orders.create({ lines: [line], ...smuggled }, { userId }),
          orderLine: () => trading.orders.update(draft.id, { lines: [{ ...line, ...smuggled }] }),
          orderImport: () => trading.orders.importBatch([{ ...imported, lines: importLines, ...smuggled }]),
        };
        const outcome = await tenant.run(() => failureOf((attempts[how] as () => Promise<unknown>)()));
        expect(JSON.stringify(outcome)).toContain('"code":"unknown_field"');
        expect(JSON.stringify(outcome)).toMatch(/PRODUCT_INVALID|ORDER_INVALID|"rejected":\[\{"index":0/);
        expect(await snapshot(open)).toEqual(before);
      }),
      { numRuns: 140 },
    );
  });

  test('property 11: SQL that names another tenant is refused by the database itself', async () => {
    const [{ tenant }, { tenant: other, products }] = holdings as [Holding, Holding];
    const refused = (statement: string) =>
      codeOf(tenant.run(() => open.database.withTenant((tx) => sql.raw(statement).execute(tx))));
    expect(
      await refused(`insert into products (tenant_id, id, sku, name, name_key, price_minor, currency, stock, status,
        created_at, updated_at) values ('${other.id}', '${newId()}', 's', 'n', 'n', 1, 'EUR', 1, 'active', now(), now())`),
    ).toBe('DATABASE_ACCESS_DENIED');
    expect(await refused(`update products set tenant_id = '${other.id}'`)).toBe('DATABASE_ACCESS_DENIED');
    await refused(`update products set name = 'taken over' where id = '${(products[0] as Product).id}'`);
    expect(await other.run(() => trading.products.get((products[0] as Product).id))).toEqual(products[0]);
  });

  test('a tenant without anything sees nothing', async () => {
    await runAs({ tenant: 'nobody' }, async () => {
      const request = productListing.parse({}, cursors);
      if (!request.ok) throw new Error('refused');
      expect(await trading.products.list(request.value, cursors)).toMatchObject({ items: [], hasMore: false });
    });
  });

  test('every table of trading is under row level security', async () => {
    expect(await findUnprotectedTables(open.database)).toEqual([]);
    const tables = await open.query<{ name: string }>(`select c.relname as name from pg_class c
      where c.relkind = 'r' and c.relforcerowsecurity and c.relname ~ '^(products|orders|order_)' order by 1`);
    expect(tables.map(({ name }) => name)).toEqual(['order_lines', 'order_requests', 'orders', 'products']);
  });
});

function snapshot(open: OpenTrading): Promise<readonly unknown[]> {
  return open.query(`select 'products' as what, count(*) as rows, sum(version) as versions from products
    union all select 'orders', count(*), sum(version) from orders
    union all select 'lines', count(*), sum(quantity) from order_lines`);
}

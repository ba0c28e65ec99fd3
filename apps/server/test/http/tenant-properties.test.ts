import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemsOf, type Page } from '../support/client.ts';
import { countRows } from '../support/count-rows.ts';
import { createOrder, createProduct, productBody, userBody } from '../support/samples.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

interface Row {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** A list, and filters of it with what they mean. */
interface Kind {
  readonly name: string;
  readonly sorts: readonly string[];
  readonly filters: fc.Arbitrary<readonly (readonly [parameter: string, matches: (row: Row) => boolean])[]>;
}

const NAMES = ['Chai', 'chang', 'Aniseed', 'Ärger'];
const lower = (value: unknown): string => String(value).toLowerCase();

const kinds: readonly Kind[] = [
  {
    name: 'products',
    sorts: ['-createdAt', 'createdAt', 'sku', '-name', 'price'],
    filters: fc.subarray([
      ['price[gte]=2', (row: Row) => Number(row['priceMinor']) >= 2],
      ['price[lt]=4', (row: Row) => Number(row['priceMinor']) < 4],
      ['status=active', (row: Row) => row['status'] === 'active'],
      ['name[prefix]=ch', (row: Row) => lower(row['name']).startsWith('ch')],
      ['category[in]=Tea,Coffee', (row: Row) => ['Tea', 'Coffee'].includes(String(row['category']))],
    ] as const),
  },
  {
    name: 'users',
    sorts: ['-createdAt', 'name', '-email', 'createdAt'],
    filters: fc.subarray([
      ['role[in]=member,viewer', (row: Row) => ['member', 'viewer'].includes(String(row['role']))],
      ['status=active', (row: Row) => row['status'] === 'active'],
      ['name[prefix]=%C3%A4', (row: Row) => lower(row['name']).startsWith('ä')],
      ['country=Mexico', (row: Row) => row['country'] === 'Mexico'],
    ] as const),
  },
  {
    name: 'orders',
    sorts: ['-createdAt', 'totalMinor', '-totalMinor', 'createdAt'],
    filters: fc.subarray([
      ['totalMinor[gt]=3', (row: Row) => Number(row['totalMinor']) > 3],
      ['status=placed', (row: Row) => row['status'] === 'placed'],
      ['externalId[in]=1,2,3', (row: Row) => ['1', '2', '3'].includes(String(row['externalId']))],
    ] as const),
  },
];

describe.each(describeDrivers())('lists of random data of three tenants, on %s', (driver) => {
  let server: TestServer;
  let tenants: readonly TestTenant[];
  let rows: ReadonlyMap<string, readonly Row[]>;

  beforeAll(async () => {
    server = await startTestServer(driver);
    tenants = [await server.newTenant(), await server.newTenant(), await server.newTenant()];
    const seed = fc.sample(fc.array(fc.nat({ max: 5 }), { minLength: 240, maxLength: 240 }), {
      numRuns: 1,
      seed: 7,
    })[0];
    let used = 0;
    const random = (): number => seed?.[used++ % 240] ?? 0;
    for (const tenant of tenants) await fill(server, tenant, random);
    const model = new Map<string, readonly Row[]>();
    for (const tenant of tenants) {
      for (const { name } of kinds) model.set(`${tenant.id} ${name}`, await readAll(tenant, name));
    }
    rows = model;
  });
  afterAll(() => server.stop());

  it.each(kinds)("property 10: $name show the tenant's own rows and no others", async ({ name, sorts, filters }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 2 }),
        fc.constantFrom(...sorts),
        fc.integer({ min: 5, max: 100 }),
        filters,
        async (index, sort, limit, chosen) => {
          const tenant = tenants[index] as TestTenant;
          const expected = (rows.get(`${tenant.id} ${name}`) ?? []).filter((row) =>
            chosen.every(([, matches]) => matches(row)),
          );
          const seen: Row[] = [];
          let cursor = '';
          do {
            const parameters = [`sort=${sort}`, `limit=${limit}`, 'total=true', ...chosen.map(([one]) => one), cursor];
            const answer = await tenant.owner.get(`/v1/${name}?${parameters.filter((one) => one !== '').join('&')}`);
            expect(answer.status, answer.text).toBe(200);
            const { items, nextCursor, total } = answer.as<Page<Row>>();
            expect(total).toEqual({ value: expected.length, relation: 'exact' });
            seen.push(...items);
            cursor = nextCursor === null ? '' : `cursor=${nextCursor}`;
          } while (cursor !== '');
          const byId = (left: Row, right: Row): number => (left.id < right.id ? -1 : 1);
          expect(seen.toSorted(byId)).toEqual(expected.toSorted(byId));
        },
      ),
      { numRuns: 100, endOnFailure: true },
    );
  });
});

/** Gives a tenant rows that look like those of the other tenants. */
async function fill(server: TestServer, tenant: TestTenant, random: () => number): Promise<void> {
  const { tenancy, trading } = server.services;
  const pick = <T>(values: readonly T[]): T => values[random() % values.length] as T;
  const count = (kind: number): number => 12 + kind + random();
  await tenant.run(async () => {
    const people = Array.from({ length: count(5) }, (_, index) =>
      userBody({
        email: `person-${index}@example.com`,
        name: pick(NAMES),
        role: pick(['admin', 'member', 'viewer']),
        status: pick(['active', 'invited', 'disabled']),
        country: pick(['Mexico', 'UK', null]),
      }),
    );
    await tenancy.users.importBatch(people as never);
    const products = Array.from({ length: count(8) }, (_, index) =>
      productBody({
        sku: `SKU-${index}`,
        name: pick(NAMES),
        priceMinor: random(),
        category: pick(['Tea', 'Coffee', null]),
        status: pick(['active', 'archived']),
      }),
    );
    await trading.products.importBatch(products);
    const orders = Array.from({ length: count(2) }, (_, index) => ({
      externalId: String(index),
      userEmail: `person-${index % 3}@example.com`,
      status: pick(['placed', 'paid', 'cancelled']),
      placedAt: `2026-01-0${1 + random()}`,
      lines: [{ sku: `SKU-${index % 5}`, quantity: 1 + random(), unitPriceMinor: random() }],
    }));
    const report = await trading.orders.importBatch(orders);
    expect(report.rejected).toEqual([]);
  });
}

async function readAll(tenant: TestTenant, name: string): Promise<readonly Row[]> {
  const { items, hasMore } = (await tenant.owner.get(`/v1/${name}?limit=100`)).as<Page<Row>>();
  expect(items.length).toBeGreaterThan(10);
  expect(hasMore).toBe(false);
  return items;
}

describe.each(describeDrivers())('the tenant of what is written, on %s', (driver) => {
  let server: TestServer;
  let tenant: TestTenant;
  let other: TestTenant;

  beforeAll(async () => {
    server = await startTestServer(driver);
    tenant = await server.newTenant();
    other = await server.newTenant();
  });
  afterAll(() => server.stop());

  it('property 11: is that of the caller, and a body that names one is refused', async () => {
    const { owner } = tenant;
    const product = await createProduct(owner);
    const order = await createOrder(owner, product, 1, { status: 'draft' });
    const lines = [{ productId: product.id, quantity: 1 }];
    const person = { role: 'member', status: 'active' };
    const writes: readonly (readonly [string, string, () => object])[] = [
      ['POST', '/v1/users', () => userBody()],
      ['PUT', `/v1/users/${owner.userId}`, () => userBody(person)],
      ['PATCH', `/v1/users/${owner.userId}`, () => ({ name: newId() })],
      ['POST', '/v1/products', () => productBody()],
      ['PUT', `/v1/products/${product.id}`, () => productBody()],
      ['PATCH', `/v1/products/${product.id}`, () => ({ stock: 7 })],
      ['POST', '/v1/orders', () => ({ lines })],
      ['PUT', `/v1/orders/${order.id}`, () => ({ lines })],
      ['PATCH', `/v1/orders/${order.id}`, () => ({ status: 'placed' })],
      ['PATCH', '/v1/tenant', () => ({ name: 'Another' })],
      ['PATCH', '/v1/tenant/settings', () => ({ language: 'fr' })],
      ['POST', '/v1/api-keys', () => ({ name: 'x', scopes: ['users:read'] })],
    ];
    const field = fc.constantFrom('tenantId', 'tenant_id', 'tenant', 'TenantId');
    const value = fc.oneof(fc.constantFrom(other.id, tenant.id, 'main', '', null, 7), fc.string());
    const before = await countRows(server);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...writes), field, value, async ([method, path, make], name, one) => {
        const answer = await owner.send(method, path, { body: { ...make(), [name]: one } });
        expect(answer.status, `${method} ${path} ${answer.text}`).toBe(422);
        expect(problemsOf(answer)).toEqual({ [`/${name}`]: 'unknown_field' });
      }),
      { numRuns: 150, endOnFailure: true },
    );
    expect(await countRows(server)).toEqual(before);
  });

  it('is that of the caller in every table', async () => {
    const { owner } = tenant;
    const product = await createProduct(owner);
    const ids = [
      (await owner.post('/v1/users', userBody())).as<Row>().id,
      product.id,
      (await createOrder(owner, product)).id,
      (await owner.post('/v1/api-keys', { name: 'x', scopes: ['users:read'] })).as<{ apiKey: Row }>().apiKey.id,
    ];
    const tables = ['users', 'products', 'orders', 'api_keys'];
    const { rows } = await server.services.database.withSystem('test', (tx) =>
      sql
        .raw<{ tenant_id: string }>(
          tables.map((table, index) => `select tenant_id from ${table} where id = '${ids[index]}'`).join(' union all '),
        )
        .execute(tx),
    );
    expect(rows.map((row) => row.tenant_id)).toEqual(tables.map(() => tenant.id));
  });
});

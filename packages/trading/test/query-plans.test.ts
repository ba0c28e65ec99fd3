import { newId, runAs } from '@tenon/core';
import type { ListingParameters, ListRequest, MigrationSet } from '@tenon/database';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { tenancyMigrations } from '@tenon/tenancy';
import { createTrading, orderListing, productListing, tradingMigrations } from '@tenon/trading';
import { CompiledQuery } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cursors, someProduct } from './support/open-trading.ts';
import { recordStatements, type RecordedStatement } from './support/record-statements.ts';

const ROWS = 50_000;
const TENANT = 'big';
const uuid = (kind: string, number: string) =>
  `lpad(to_hex(${number}), 8, '0') || '-0000-7000-8000-${kind}' || lpad(to_hex(${number}), 8, '0')`;

// Two tenants: one with nearly everything, so that no index looks good merely because it names the tenant.
const generate = `
  insert into tenants (tenant_id, name) values ('${TENANT}', 'Big'), ('small', 'Small');
  insert into users (tenant_id, id, email, email_key, name)
    select '${TENANT}', ${uuid('bbbb', 'n')}, 'u' || n || '@example.com', 'u' || n || '@example.com', 'User ' || n
    from generate_series(1, 5000) n;
  insert into products (tenant_id, id, sku, name, name_key, description, category, price_minor, currency, stock, status,
    created_at, updated_at)
    select case when n % 20 = 0 then 'small' else '${TENANT}' end, ${uuid('aaaa', 'n')}, 'SKU-' || n, 'Name ' || n * 7919 % 50021, 'name ' || n * 7919 % 50021, repeat('text ', 10),
      'Category ' || n % 40, n * 31 % 10007, 'EUR', 10, case when n % 30 = 0 then 'archived' else 'active' end,
      timestamptz '2026-01-01' + n * interval '1 minute', now()
    from generate_series(1, ${ROWS}) n;
  insert into orders (tenant_id, id, external_id, user_id, status, currency, total_minor, holds_stock, placed_at, created_at,
    updated_at)
    select '${TENANT}', ${uuid('cccc', 'n')}, case when n % 3 = 0 then 'ext-' || n end,
      lpad(to_hex(1 + n % 5000), 8, '0') || '-0000-7000-8000-bbbb' || lpad(to_hex(1 + n % 5000), 8, '0'),
      (array['placed', 'paid', 'shipped', 'delivered', 'delivered', 'delivered', 'cancelled'])[1 + n % 7], 'EUR',
      n * 31 % 10007, false, timestamptz '2026-01-01' + n * interval '1 minute',
      timestamptz '2026-01-01' + n * interval '1 minute', now()
    from generate_series(1, ${ROWS}) n;
  insert into order_lines (tenant_id, order_id, position, product_id, sku, quantity, unit_price_minor, discount_percent,
    total_minor)
    select o.tenant_id, o.id, position, p.id, p.sku, 1, 1, 0, 1
    from (select tenant_id, id, row_number() over (order by id) as n from orders) o
    cross join generate_series(0, 1) position
    join (select tenant_id, id, sku, row_number() over (order by id) as n from products where tenant_id = '${TENANT}') p
      on p.n = 1 + (o.n * 7 + position) % 40000;
  insert into order_requests (tenant_id, actor_id, idempotency_key, fingerprint, order_id, created_at)
    select tenant_id, user_id, id, 'f', id, created_at from orders limit 5000;
  analyze;`;
const generated: MigrationSet = {
  name: 'generated_rows',
  migrations: [{ version: 1, name: 'many_rows', sql: generate }],
};

const products = ['aaaa'].flatMap((kind) => [1, 77, 4711].map((n) => idOf(kind, n)));
function idOf(kind: string, n: number): string {
  const hex = n.toString(16).padStart(8, '0');
  return `${hex}-0000-7000-8000-${kind}${hex}`;
}

const productFilters: readonly ListingParameters[] = [
  { sku: 'SKU-77' },
  { 'sku[in]': 'SKU-1,SKU-77,none' },
  { 'sku[prefix]': 'SKU-77' },
  { 'sku[prefix]': 'SKU' },
  { name: 'name 77' },
  { 'name[prefix]': 'name 77' },
  { 'name[prefix]': 'n' },
  { category: 'Category 7' },
  { 'category[in]': 'Category 7,Category 8' },
  { status: 'active' },
  { status: 'archived' },
  { 'status[in]': 'active,archived' },
  ...['eq', 'gt', 'gte', 'lt', 'lte'].flatMap((operator) =>
    ['1', '5000', '10000'].map((price) => ({ [`price[${operator}]`]: price })),
  ),
  { 'price[gte]': '100', 'price[lte]': '110' },
  ...['gt', 'gte', 'lt', 'lte'].flatMap((operator) =>
    ['2026-01-02', '2026-01-20', '2026-02-04'].map((day) => ({ [`createdAt[${operator}]`]: day })),
  ),
  { status: 'archived', category: 'Category 10', 'price[gte]': '5000' },
];
const orderFilters: readonly ListingParameters[] = [
  { userId: idOf('bbbb', 77) },
  { 'userId[in]': `${idOf('bbbb', 77)},${idOf('bbbb', 78)}` },
  { externalId: 'ext-3' },
  { 'externalId[in]': 'ext-3,ext-6,none' },
  ...['draft', 'placed', 'delivered'].map((status) => ({ status })),
  { 'status[in]': 'paid,shipped' },
  ...['eq', 'gt', 'gte', 'lt', 'lte'].flatMap((operator) =>
    ['1', '5000', '10000'].map((total) => ({ [`totalMinor[${operator}]`]: total })),
  ),
  ...['placedAt', 'createdAt'].flatMap((field) =>
    ['gt', 'gte', 'lt', 'lte'].flatMap((operator) =>
      ['2026-01-02', '2026-01-20', '2026-02-04'].map((day) => ({ [`${field}[${operator}]`]: day })),
    ),
  ),
  { status: 'paid', 'totalMinor[gte]': '5000', 'placedAt[gte]': '2026-01-20' },
];
const sortsOf = (fields: readonly string[]) => fields.flatMap((field) => [field, `-${field}`]);

describe.runIf(describeDrivers().includes('postgres'))(
  'on a PostgreSQL with fifty thousand products and orders',
  () => {
    let opened: TestDatabase;
    const recording = recordStatements();
    const trading = createTrading({ database: recording.database });

    beforeAll(async () => {
      opened = await openTestDatabase('postgres', [tenancyMigrations(), tradingMigrations(), generated], {
        statementTimeoutMs: 0,
      });
    }, 120_000);
    afterAll(() => opened.drop());

    /** The tables that the plan of a statement reads from one end to the other. */
    const scanned = ({ sql, parameters }: RecordedStatement, system = false): Promise<readonly string[]> =>
      runAs({ tenant: TENANT }, async () => {
        const explain = CompiledQuery.raw(`explain (format json) ${sql}`, [...parameters]);
        const { database } = opened;
        const { rows } = await (system
          ? database.withSystem('explain', (tx) => tx.executeQuery<Plans>(explain))
          : database.withTenant((tx) => tx.executeQuery<Plans>(explain)));
        return sequentialScans(rows[0]?.['QUERY PLAN'][0]?.Plan);
      });
    const allScanned = async (statements: readonly RecordedStatement[], system = false): Promise<readonly string[]> => {
      expect(statements.length).toBeGreaterThan(0);
      const found: string[] = [];
      for (const statement of statements) {
        for (const table of await scanned(statement, system)) found.push(`${table}: ${statement.sql}`);
      }
      return found;
    };
    const attempt = async (work: () => Promise<unknown>): Promise<readonly RecordedStatement[]> => {
      await work().catch(() => undefined);
      return recording.take();
    };
    const sortKeys: Readonly<Record<string, string | number>> = {
      sku: 'SKU-3',
      name: 'name 3',
      price: 5_000,
      totalMinor: 5_000,
      createdAt: '2026-01-20T00:00:00.000Z',
    };
    /** First page and a later one. */
    const requests = (
      listing: typeof productListing | typeof orderListing,
      query: ListingParameters,
    ): ListRequest[] => {
      const first = listing.parse(query, cursors);
      if (!first.ok) throw new Error(JSON.stringify([query, first.error]));
      const after = [...first.value.sorts.map(({ field }) => sortKeys[field] as string), idOf('aaaa', 25_000)];
      return [first.value, { ...first.value, after }];
    };

    test('the check itself finds a sequential scan where there is one', async () => {
      const statement = { sql: `select * from products where description = 'x'`, parameters: [] };
      expect(await scanned(statement, true)).toEqual(['products']);
    });

    test('every filter and sort of products, alone and together, is answered by an index', async () => {
      const found: string[] = [];
      for (const filter of [{}, ...productFilters]) {
        for (const sort of [
          undefined,
          ...sortsOf(['sku', 'name', 'price', 'createdAt']),
          '-createdAt,name',
          'price,-name',
        ]) {
          for (const request of requests(productListing, { ...filter, ...(sort === undefined ? {} : { sort }) })) {
            const statements = await attempt(() => trading.products.list(request, cursors));
            for (const table of await allScanned(statements)) found.push(`${JSON.stringify([filter, sort])} ${table}`);
          }
        }
      }
      expect(found).toEqual([]);
    }, 120_000);

    test('every filter and sort of orders, of all and of one person, is answered by an index', async () => {
      const found: string[] = [];
      for (const filter of [{}, ...orderFilters]) {
        for (const sort of [undefined, ...sortsOf(['totalMinor', 'createdAt'])]) {
          for (const request of requests(orderListing, { ...filter, ...(sort === undefined ? {} : { sort }) })) {
            for (const scope of [{}, { onlyUserId: idOf('bbbb', 77) }]) {
              const statements = await attempt(() => trading.orders.list(request, cursors, scope));
              for (const table of await allScanned(statements))
                found.push(`${JSON.stringify([filter, sort])} ${table}`);
            }
          }
        }
      }
      expect(found).toEqual([]);
    }, 120_000);

    test('every field of the lists is covered by the two tests above', () => {
      const fieldsOf = (filters: readonly ListingParameters[]) =>
        [
          ...new Set(filters.flatMap((filter) => Object.keys(filter).map((name) => name.replace(/\[.*/, '')))),
        ].toSorted();
      expect(fieldsOf(productFilters)).toEqual(Object.keys(productListing.definition.fields).toSorted());
      expect(fieldsOf(orderFilters)).toEqual(Object.keys(orderListing.definition.fields).toSorted());
    });

    test('reading, changing and removing one row reads no table from one end to the other', async () => {
      const [id = ''] = products;
      const order = idOf('cccc', 77);
      const lines = products.map((one) => ({ productId: one, quantity: 1 }));
      const by = { userId: idOf('bbbb', 77), idempotencyKey: 'k' };
      const statements = [
        ...(await attempt(() => trading.products.get(id))),
        ...(await attempt(() => trading.products.create(someProduct()))),
        ...(await attempt(() => trading.products.update(id, { name: 'x' }, 1))),
        ...(await attempt(() => trading.products.remove(id))),
        ...(await attempt(() => trading.orders.get(order))),
        ...(await attempt(() => trading.orders.get(order, { onlyUserId: by.userId }))),
        ...(await attempt(() => trading.orders.create({ lines }, { userId: by.userId }))),
        ...(await attempt(() => trading.orders.create({ lines, status: 'draft' }, { userId: by.userId }))),
        ...(await attempt(() => trading.orders.create({ lines }, by))),
        ...(await attempt(() => trading.orders.update(order, { status: 'paid' }))),
        ...(await attempt(() => trading.orders.remove(order))),
      ];
      expect(statements.length).toBeGreaterThanOrEqual(13);
      expect(await allScanned(statements)).toEqual([]);
    });

    test('whose a row is, is found without reading a table', async () => {
      for (const resource of ['products', 'orders'] as const) {
        const statements = await attempt(() => trading.ownerOf(resource, newId()));
        expect(await allScanned(statements, true)).toEqual([]);
      }
    });

    test('lines of many orders, and the rows that an import names, are found without reading a table', async () => {
      const lookups = await attempt(() =>
        trading.products.importBatch(Array.from({ length: 2_000 }, () => someProduct())),
      );
      const imported = Array.from({ length: 1_000 }, (_, n) => ({
        externalId: `ext-${n}`,
        userEmail: `u${n}@example.com`,
        placedAt: '2026-01-01',
        lines: [{ sku: `SKU-${n}`, quantity: 1, unitPriceMinor: 1 }],
      }));
      const orderLookups = await attempt(() => trading.orders.importBatch(imported));
      expect(orderLookups).toHaveLength(3);
      expect(await allScanned([...lookups, ...orderLookups])).toEqual([]);
      const orderIds = Array.from({ length: 100 }, (_, n) => idOf('cccc', n + 1));
      const lines = 'select * from order_lines l where l.order_id = any ($1::text[]) order by l.order_id, l.position';
      expect(await scanned({ sql: lines, parameters: [orderIds] })).toEqual([]);
    });
  },
);

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

interface Plans {
  readonly 'QUERY PLAN': readonly { readonly Plan: PlanNode }[];
}

function sequentialScans(plan: PlanNode | undefined): readonly string[] {
  if (plan === undefined) throw new Error('there is no plan');
  const here = plan['Node Type'].includes('Seq Scan') ? [plan['Relation Name'] ?? '?'] : [];
  return [...here, ...(plan.Plans ?? []).flatMap(sequentialScans)];
}

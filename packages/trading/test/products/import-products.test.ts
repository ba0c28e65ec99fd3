import fc from 'fast-check';
import { describeDrivers } from '@tenon/database/testing';
import type { Product } from '@tenon/trading';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTrading, someProduct, type OpenTrading, type TestTenant } from '../support/open-trading.ts';

describe.each(describeDrivers())('importing products on %s', (driver) => {
  let open: OpenTrading;
  let tenant: TestTenant;

  beforeAll(async () => {
    open = await openTrading(driver);
  });
  afterAll(() => open.drop());
  beforeEach(async () => {
    tenant = await open.newTenant();
  });
  const importBatch = (rows: readonly unknown[]) => tenant.run(() => open.trading.products.importBatch(rows));
  const stored = () =>
    open.query<{ sku: string; name: string; stock: number; version: number; updated_at: Date }>(
      `select * from products where tenant_id = '${tenant.id}' order by sku`,
    );

  test('creates what is new, changes what differs, and leaves what is the same', async () => {
    const [first, second, third] = [someProduct(), someProduct({ category: 'Tea' }), someProduct()];
    expect(await importBatch([first, second])).toEqual({ created: 2, updated: 0, unchanged: 0, rejected: [] });
    const before = await stored();
    await open.clock.advance(1_000);
    const rows = [first, { ...second, category: null }, third];
    expect(await importBatch(rows)).toEqual({ created: 1, updated: 1, unchanged: 1, rejected: [] });
    const after = await stored();
    expect(after).toHaveLength(3);
    expect(after.find(({ sku }) => sku === first.sku)).toEqual(before.find(({ sku }) => sku === first.sku));
    expect(after.find(({ sku }) => sku === second.sku)).toMatchObject({ category: null, version: 2 });
  });

  test('twice leaves the same state as once', async () => {
    const rows = Array.from({ length: 50 }, () => someProduct({ description: 'O\'Brien\'s "best" \\ {NULL,}' }));
    await importBatch(rows);
    const once = await stored();
    await open.clock.advance(1_000);
    expect(await importBatch(rows)).toEqual({ created: 0, updated: 0, unchanged: 50, rejected: [] });
    expect(await stored()).toEqual(once);
  });

  test.each([
    ['name', { name: 'Other' }],
    ['description', { description: 'other' }],
    ['category', { category: 'Other' }],
    ['price', { priceMinor: 1 }],
    ['currency', { currency: 'USD' }],
    ['stock', { stock: 1 }],
    ['status', { status: 'archived' as const }],
  ])('notices a change of the %s alone', async (_, change) => {
    const row = someProduct();
    await importBatch([row]);
    expect(await importBatch([{ ...row, ...change }])).toMatchObject({ updated: 1, unchanged: 0 });
  });

  test('a name in other case or composition is the same or another as its final form says', async () => {
    const row = someProduct({ name: 'Mu\u0308ller' });
    await importBatch([row]);
    expect(await importBatch([{ ...row, name: 'M\u00fcller' }])).toMatchObject({ unchanged: 1 });
    expect(await importBatch([{ ...row, name: 'M\u00fcLLER' }])).toMatchObject({ updated: 1 });
  });

  test('rejects what is wrong with every reason, and takes the rest', async () => {
    const good = someProduct();
    const report = await importBatch([null, { ...good, sku: '', stock: -1 }, good, { ...good, tenantId: 'acme' }]);
    expect(report).toMatchObject({ created: 1, updated: 0, unchanged: 0 });
    expect(report.rejected.map(({ index, problems }) => [index, ...problems.map(({ code }) => code)])).toEqual([
      [0, 'wrong_type'],
      [1, 'too_short', 'out_of_range'],
      [3, 'unknown_field'],
    ]);
    expect(await stored()).toMatchObject([{ sku: good.sku }]);
  });

  test('of rows with the same sku in one batch the last one wins, as in two batches', async () => {
    const row = someProduct();
    const rows = [row, { ...row, stock: 2 }, { ...row, stock: 2 }, { ...row, stock: 3 }];
    expect(await importBatch(rows)).toEqual({ created: 1, updated: 2, unchanged: 1, rejected: [] });
    expect(await stored()).toMatchObject([{ sku: row.sku, stock: 3, version: 3 }]);
  });

  test('nothing, or nothing that is right, is imported without a statement', async () => {
    expect(await importBatch([])).toEqual({ created: 0, updated: 0, unchanged: 0, rejected: [] });
    expect(await importBatch([{}])).toMatchObject({ created: 0, rejected: [{ index: 0 }] });
  });

  test('any sequence of batches ends in the state of its last row for each sku', async () => {
    const anyRow = fc.record({ key: fc.integer({ min: 0, max: 5 }), stock: fc.integer({ min: 0, max: 2 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(anyRow, { maxLength: 8 }), { maxLength: 4 }), async (batches) => {
        const prefix = someProduct().sku;
        const model = new Map<string, number>();
        let created = 0;
        for (const batch of batches) {
          const rows = batch.map(({ key, stock }) => someProduct({ sku: `${prefix}-${key}`, name: 'Same', stock }));
          const report = await importBatch(rows);
          expect(report.created + report.updated + report.unchanged).toBe(rows.length);
          created += report.created;
          for (const { sku, stock = 0 } of rows) model.set(sku, stock);
        }
        const rows = (await stored()).filter(({ sku }) => sku.startsWith(`${prefix}-`));
        expect(new Map(rows.map(({ sku, stock }) => [sku, stock]))).toEqual(model);
        expect(created).toBe(model.size);
      }),
      { numRuns: 100 },
    );
  });

  test('a batch of thousands is one transaction', async () => {
    const rows = Array.from({ length: 3_000 }, () => someProduct());
    expect(await importBatch(rows)).toMatchObject({ created: 3_000 });
    const times = new Set((await stored()).map(({ updated_at }) => updated_at.getTime()));
    expect(times.size).toBe(1);
  });

  test('imported products are products like any other', async () => {
    const row = someProduct({ stock: 4 });
    await importBatch([row]);
    const [found] = await open.query<Product>(`select id from products where sku = '${row.sku}'`);
    await tenant.run(async () => {
      expect(await open.trading.products.get(found?.id ?? '')).toMatchObject({ ...row, version: 1 });
    });
  });
});

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { allMigrations, type ImportFileReport, type Services } from '@tenon/server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createImportFixture,
  importServices,
  inTenantOf,
  PRODUCT_HEADER,
  productRows,
  type ImportFixture,
} from './import-fixture.ts';

describe.each(describeDrivers())('an import that was stopped on %s', (driver) => {
  let test: TestDatabase;
  let services: Services;
  let fixture: ImportFixture;
  beforeAll(async () => {
    test = await openTestDatabase(driver, allMigrations());
    services = importServices(test.database);
  });
  afterAll(() => test.drop());
  beforeEach(async () => {
    fixture = await createImportFixture(services);
  });
  afterEach(() => fixture.remove());

  const stopAfter = (rows: number): { readonly signal: AbortSignal; onProgress(step: { rows: number }): void } => {
    const controller = new AbortController();
    return {
      signal: controller.signal,
      onProgress: (step) => {
        if (step.rows >= rows) controller.abort();
      },
    };
  };

  it('by its signal finishes the batch at hand, and goes on behind it', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(50)}`);
    const stopped = fixture.run({ kind: 'products', file, batchSize: 10, ...stopAfter(20) });
    await expect(stopped).rejects.toMatchObject({ code: 'IMPORT_STOPPED' });
    const done = (await fixture.rows('imports', 'row_count'))[0];
    expect(done?.finished_at).toBeNull();
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({
      rows: 50,
      created: 50,
      unchanged: 0,
      resumedFrom: done?.row_count,
    });
    expect((await fixture.rows('imports', 'row_count'))[0]?.finished_at).not.toBeNull();
  });

  it('begins at the start when the file was changed meanwhile', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(50)}`);
    await expect(fixture.run({ kind: 'products', file, batchSize: 10, ...stopAfter(20) })).rejects.toMatchObject({
      code: 'IMPORT_STOPPED',
    });
    // Of the same length, and changed before the place that was reached.
    fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(50).replace('Product 3,', 'Produkt 3,')}`);
    const report = await fixture.run({ kind: 'products', file });
    expect(report).toMatchObject({ rows: 50, resumedFrom: 0, updated: 1 });
    expect((await fixture.rows('products', 'sku'))[2]?.name).toBe('Produkt 3');
    // And so does the old content, which the new one has overwritten since.
    fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(50)}`);
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({ resumedFrom: 0, updated: 1 });
  });

  it('begins at the start when the rejects that it had written are gone, or are to be written elsewhere', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\nbad\n${productRows(50)}`);
    const stop = async (): Promise<void> => {
      const stopped = fixture.run({ kind: 'products', file, batchSize: 10, ...stopAfter(20) });
      await expect(stopped).rejects.toMatchObject({ code: 'IMPORT_STOPPED' });
    };
    await stop();
    rmSync(join(fixture.folder, 'rejects.csv'));
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({ rows: 51, resumedFrom: 0, rejected: 1 });
    expect(fixture.read('rejects.csv')).toMatch(/^line,reason,row\n2,.*\n$/);
    await stop();
    const rejectsFile = join(fixture.folder, 'other.csv');
    expect(await fixture.run({ kind: 'products', file, rejectsFile })).toMatchObject({
      rows: 51,
      resumedFrom: 0,
      rejected: 1,
    });
    expect(fixture.read('other.csv')).toBe(fixture.read('rejects.csv'));
  });

  it('knows an order that stood before the place it goes on from', async () => {
    await fixture.run({ kind: 'users', file: fixture.write('users.csv', 'email,name\na@example.com,A\n') });
    await fixture.run({ kind: 'products', file: fixture.write('products.csv', `${PRODUCT_HEADER}\nP,P,1,EUR\n`) });
    const row = (id: number): string => `${id},a@example.com,2020-01-01,P,1,1\n`;
    const rows = Array.from({ length: 40 }, (_, index) => row(index)).join('');
    const file = fixture.write(
      'orders.csv',
      `external_id,user_email,placed_at,sku,quantity,unit_price_minor\n${rows}${row(0)}`,
    );
    await expect(fixture.run({ kind: 'orders', file, batchSize: 10, ...stopAfter(10) })).rejects.toMatchObject({
      code: 'IMPORT_STOPPED',
    });
    const report = await fixture.run({ kind: 'orders', file });
    expect(report).toMatchObject({ rows: 41, created: 40, rejected: 1 });
    expect(report.resumedFrom).toBeGreaterThanOrEqual(10);
  });

  it('leaves the rest to whoever began to import the same file after it', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(60)}`);
    const { products } = services.trading;
    let second: Promise<ImportFileReport> | undefined;
    // In the middle of the first import, the second one begins and ends.
    const importBatch: typeof products.importBatch = async (rows) => {
      await (second ??= fixture.run({ kind: 'products', file }));
      return products.importBatch(rows);
    };
    const busy = { ...services, trading: { ...services.trading, products: { ...products, importBatch } } };
    const first = inTenantOf(busy, fixture).run({ kind: 'products', file, batchSize: 5 });
    await expect(first).rejects.toMatchObject({ code: 'IMPORT_TAKEN_OVER' });
    expect(await second).toMatchObject({ rows: 60, created: 60 });
    expect(await fixture.rows('products', 'sku')).toHaveLength(60);
    expect((await fixture.rows('imports', 'row_count'))[0]?.finished_at).not.toBeNull();
  });

  it('tells when the file was changed under its hands', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(20)}`);
    const run = fixture.run({
      kind: 'products',
      file,
      onProgress: ({ rows }) => {
        if (rows > 0) fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(30)}`);
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'IMPORT_FILE_CHANGED' });
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({ rows: 30, resumedFrom: 0 });
  });
});

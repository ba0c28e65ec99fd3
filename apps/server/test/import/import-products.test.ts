import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { allMigrations, type Services } from '@tenon/server';
import {
  createImportFixture,
  importServices,
  PRODUCT_HEADER,
  productRows,
  type ImportFixture,
} from './import-fixture.ts';

describe.each(describeDrivers())('importing products on %s', (driver) => {
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

  const names = async (): Promise<readonly string[]> => (await fixture.rows('products', 'sku')).map(({ name }) => name);

  it('keeps apostrophes, umlauts, other scripts, commas, quotes and line breaks as they are', async () => {
    const file = fixture.write(
      'products.csv',
      [
        'sku,name,description,price_minor,currency,stock,category',
        "A1,Chef Anton's Gumbo Mix,,2135,USD,0,Condiments",
        'A2,Gumbär Gummibärchen,100 - 250 g bags,3123,USD,15,Süßes',
        'A3,"Ñandú, ""李雷"" 👩‍🍳","first line',
        'second, line",1,USD,1,',
        "A4,Robert'); DROP TABLE products;--,,0,USD,0,",
      ].join('\r\n'),
    );
    const report = await fixture.run({ kind: 'products', file });
    expect(report).toMatchObject({ rows: 4, created: 4, updated: 0, unchanged: 0, rejected: 0, resumedFrom: 0 });
    expect(report.rejectsFile).toBeUndefined();
    expect(fixture.read('rejects.csv')).toBeUndefined();
    const rows = await fixture.rows('products', 'sku');
    expect(rows.map(({ name }) => name)).toEqual([
      "Chef Anton's Gumbo Mix",
      'Gumbär Gummibärchen',
      'Ñandú, "李雷" 👩‍🍳',
      "Robert'); DROP TABLE products;--",
    ]);
    expect(rows[2]).toMatchObject({
      description: 'first line\r\nsecond, line',
      category: null,
      price_minor: 1,
      stock: 1,
    });
    expect(rows[1]).toMatchObject({ category: 'Süßes', price_minor: 3123, stock: 15 });
  });

  it('stores decomposed letters composed, as every name is, so that both spellings are one', async () => {
    const composed = 'Gumbär Müller'.normalize('NFC');
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\nA1,${composed.normalize('NFD')},1,EUR\n`);
    await fixture.run({ kind: 'products', file });
    expect(await names()).toEqual([composed]);
    const again = fixture.write('composed.csv', `${PRODUCT_HEADER}\nA1,${composed},1,EUR\n`);
    expect(await fixture.run({ kind: 'products', file: again })).toMatchObject({ unchanged: 1, updated: 0 });
  });

  it('reads a file that begins with a byte order mark, and columns in camel case and any order', async () => {
    const file = fixture.write('products.csv', '\uFEFFcurrency,"priceMinor",name,sku\nEUR, 250 ,Marked,B1\n');
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({ created: 1, rejected: 0 });
    expect(await fixture.rows('products', 'sku')).toMatchObject([{ sku: 'B1', name: 'Marked', price_minor: 250 }]);
  });

  it('reads JSON lines, with fields in snake_case or camelCase', async () => {
    const lines = [
      { sku: 'J1', name: "O'Brien", price_minor: 5, currency: 'EUR' },
      { sku: 'J2', name: 'Zwei', priceMinor: 6, currency: 'EUR', stock: 3 },
    ];
    const file = fixture.write('products.ndjson', `${lines.map((line) => JSON.stringify(line)).join('\n\n')}\n`);
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({ rows: 2, created: 2, rejected: 0 });
    expect(await names()).toEqual(["O'Brien", 'Zwei']);
  });

  it('takes the format that it is told over what the extension says', async () => {
    const file = fixture.write('products.csv', '{"sku":"J1","name":"One","priceMinor":5,"currency":"EUR"}\n');
    expect(await fixture.run({ kind: 'products', file, format: 'ndjson' })).toMatchObject({ created: 1 });
  });

  it('changes nothing when it runs twice, and only what differs after that', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(25)}`);
    expect(await fixture.run({ kind: 'products', file, batchSize: 10 })).toMatchObject({ rows: 25, created: 25 });
    const before = await fixture.rows('products', 'sku');
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({
      rows: 25,
      created: 0,
      updated: 0,
      unchanged: 25,
      resumedFrom: 0,
    });
    expect(await fixture.rows('products', 'sku')).toEqual(before);
    fixture.write(
      'products.csv',
      `${PRODUCT_HEADER}\n${productRows(24)}SKU-00000025,Renamed,1,EUR\n${productRows(1, 26)}`,
    );
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({ created: 1, updated: 1, unchanged: 24 });
  });

  it('lets the last of several rows with one sku win, in whichever batches they are', async () => {
    const repeats = Array.from({ length: 12 }, (_, index) => `SAME,Name ${index + 1},1,EUR`).join('\n');
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${repeats}\n`);
    const report = await fixture.run({ kind: 'products', file, batchSize: 2 });
    expect(report).toMatchObject({ rows: 12, created: 1, updated: 11, rejected: 0 });
    expect(await names()).toEqual(['Name 12']);
  });

  it('writes as many rows at once as the batch size says, and tells how far it is after each batch', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(10)}bad\n`);
    const steps: [number, number][] = [];
    let bytes = -1;
    let totalBytes = 0;
    await fixture.run({
      kind: 'products',
      file,
      batchSize: 4,
      onProgress: (step) => {
        expect(step.bytes).toBeGreaterThan(bytes);
        bytes = step.bytes;
        steps.push([step.rows, step.rejected]);
        totalBytes = step.totalBytes;
      },
    });
    expect(steps).toEqual([
      [0, 0],
      [4, 0],
      [8, 0],
      [11, 1],
    ]);
    expect(bytes).toBe(totalBytes);
  });

  it('imports into no other tenant than the one of the context', async () => {
    const other = await createImportFixture(services);
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(3)}`);
    await fixture.run({ kind: 'products', file });
    expect(await other.rows('products', 'sku')).toEqual([]);
    expect(await other.rows('imports', 'row_count')).toEqual([]);
    other.remove();
  });
});

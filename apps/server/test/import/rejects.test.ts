import { join } from 'node:path';
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

describe.each(describeDrivers())('rejected rows on %s', (driver) => {
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

  it('are written with line, reason and the row as it stood, and the rest is imported', async () => {
    const content = Buffer.concat([
      Buffer.from(
        [
          PRODUCT_HEADER,
          'A1,"Good, one",1,EUR',
          'A2,No price,,EUR',
          'A3,Broken "quote" inside,1,EUR',
          'A4,Too,many,cells,1,EUR',
          'A5,"Two',
          'lines",12.50,XXX',
          '',
        ].join('\n'),
      ),
      Buffer.from('A6,M\xFCller,1,EUR\n', 'latin1'),
      Buffer.from('A7,Last good one,1,EUR\n'),
    ]);
    const file = fixture.write('products.csv', content);
    const report = await fixture.run({ kind: 'products', file });
    expect(report).toMatchObject({
      rows: 7,
      created: 2,
      rejected: 5,
      rejectsFile: join(fixture.folder, 'rejects.csv'),
    });
    expect((await fixture.rows('products', 'sku')).map(({ sku }) => sku)).toEqual(['A1', 'A7']);
    expect(fixture.read('rejects.csv')).toBe(
      [
        'line,reason,row',
        '3,price_minor: is required,"A2,No price,,EUR"',
        '4,has a quote inside a cell that does not begin with one: put the cell in quotes and double them,"A3,Broken ""quote"" inside,1,EUR"',
        '5,"has 6 cells, and the header names 4 columns","A4,Too,many,cells,1,EUR"',
        '6,"name: must be one line, without control characters; price_minor: must be a whole number; currency: must be the ISO 4217 code of a currency in use, for example EUR","A5,""Two\nlines"",12.50,XXX"',
        '8,"is not valid UTF-8: save the file as UTF-8, or correct the row","A6,M\uFFFDller,1,EUR"',
        '',
      ].join('\n'),
    );
  });

  it('of a JSON file are those that are no object, no JSON or wrong inside', async () => {
    const lines = [
      '{"sku":"J1","name":"One","priceMinor":1,"currency":"EUR"}',
      '[1,2]',
      '{"sku":"J2",',
      '{"sku":"J3","name":"Three","priceMinor":"1","currency":"EUR","colour":"red","__proto__":{"x":1}}',
      '{"sku":"J4","name":"Four","price_minor":1,"priceMinor":2,"currency":"EUR"}',
    ];
    const file = fixture.write('products.jsonl', lines.join('\n'));
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({ rows: 5, created: 1, rejected: 4 });
    const reasons = fixture.read('rejects.csv')?.split('\n') ?? [];
    expect(reasons[1]).toBe('2,must be a JSON object,"[1,2]"');
    expect(reasons[2]).toMatch(/^3,is not valid JSON,/);
    expect(reasons[3]).toMatch(/priceMinor: must be a whole number/);
    expect(reasons[3]).toMatch(/colour: is not a field/);
    expect(reasons[3]).toMatch(/__proto__: is not a field/);
    expect(reasons[4]).toMatch(/^5,"?gives a field twice/);
  });

  it('of people leave the others of their batch in, even when there are hundreds', async () => {
    const rows = Array.from({ length: 400 }, (_, index) => {
      if (index % 2 === 1) return `not an address ${index},,member`;
      return `person${index}@example.com,Jürgen O'Neil ${index},${index === 0 ? 'admin' : 'viewer'}`;
    });
    const file = fixture.write('users.csv', `email,name,role\n${rows.join('\n')}\n`);
    expect(await fixture.run({ kind: 'users', file })).toMatchObject({ rows: 400, created: 200, rejected: 200 });
    const stored = await fixture.rows('users', 'email');
    expect(stored.filter(({ email }) => email.startsWith('person'))).toHaveLength(200);
    expect(stored.find(({ email }) => email === 'person0@example.com')).toMatchObject({
      name: "Jürgen O'Neil 0",
      role: 'admin',
      phone: null,
    });
    const rejects = fixture.read('rejects.csv')?.trimEnd().split('\n') ?? [];
    expect(rejects).toHaveLength(201);
    expect(rejects.slice(1).map((row) => Number(row.split(',')[0]))).toEqual(
      Array.from({ length: 200 }, (_, index) => 3 + 2 * index),
    );
    expect(rejects[1]).toContain('email: must be an email address');
  });

  it('of an earlier run are gone when the corrected file is imported', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\nA1,One,x,EUR\n`);
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({ rejected: 1 });
    fixture.write('products.csv', `${PRODUCT_HEADER}\nA1,One,1,EUR\n`);
    expect(await fixture.run({ kind: 'products', file })).toMatchObject({ created: 1, rejected: 0 });
    expect(fixture.read('rejects.csv')).toBeUndefined();
  });

  it('never overwrite a file that holds something else', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(1)}`);
    await expect(fixture.run({ kind: 'products', file, rejectsFile: file })).rejects.toMatchObject({
      code: 'IMPORT_REJECTS_UNWRITABLE',
    });
    expect(fixture.read('products.csv')).toBe(`${PRODUCT_HEADER}\n${productRows(1)}`);
    const nowhere = join(fixture.folder, 'missing', 'rejects.csv');
    const bad = fixture.write('bad.csv', `${PRODUCT_HEADER}\nbad\n`);
    await expect(fixture.run({ kind: 'products', file: bad, rejectsFile: nowhere })).rejects.toMatchObject({
      code: 'IMPORT_REJECTS_UNWRITABLE',
    });
  });
});

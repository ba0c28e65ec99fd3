import { isCodedError, runAs, runInContext } from '@tenon/core';
import { openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { allMigrations, importFile, type Services } from '@tenon/server';
import {
  createImportFixture,
  importServices,
  PRODUCT_HEADER,
  productRows,
  type ImportFixture,
} from './import-fixture.ts';

describe('an import that cannot begin', () => {
  let test: TestDatabase;
  let services: Services;
  let fixture: ImportFixture;
  beforeAll(async () => {
    test = await openTestDatabase('pglite', allMigrations());
    services = importServices(test.database);
  });
  afterAll(() => test.drop());
  beforeEach(async () => {
    fixture = await createImportFixture(services);
  });
  afterEach(async () => {
    // Nothing of what was refused has left a trace.
    expect(await fixture.rows('imports', 'row_count')).toEqual([]);
    expect(await fixture.rows('products', 'sku')).toEqual([]);
    fixture.remove();
  });

  const messageOf = async (code: string, options: Parameters<ImportFixture['run']>[0]): Promise<string> => {
    const error: unknown = await fixture.run(options).catch((thrown: unknown) => thrown);
    expect(isCodedError(error) ? error.code : error).toBe(code);
    return (error as Error).message;
  };

  it('names every unknown, repeated and missing column, and those that exist', async () => {
    const file = fixture.write('products.csv', 'sku,nmae,price,sku,currency\nA,B,1,C,EUR\n');
    const message = await messageOf('IMPORT_COLUMNS_INVALID', { kind: 'products', file });
    expect(message).toContain('does not know the columns "nmae", "price"');
    expect(message).toContain('has the column "sku" twice');
    expect(message).toContain('lacks the columns "name", "price_minor"');
    expect(message).toContain('sku, name, description?, category?, price_minor, currency, stock?, status?');
  });

  it('takes a column in both spellings for a repeated one', async () => {
    const file = fixture.write('products.csv', 'sku,name,price_minor,priceMinor,currency\n');
    expect(await messageOf('IMPORT_COLUMNS_INVALID', { kind: 'products', file })).toContain('"priceMinor" twice');
  });

  it('says so when cells are separated by something else than commas', async () => {
    const file = fixture.write('products.csv', 'sku;name;price_minor;currency\nA;B;1;EUR\n');
    expect(await messageOf('IMPORT_COLUMNS_INVALID', { kind: 'products', file })).toContain('separated by commas');
  });

  it.each([
    ['is empty', ''],
    ['is empty', '\n\n'],
    ['not valid UTF-8', Buffer.from('\uFEFFsku,name', 'utf16le')],
    ['not closed', '"sku,name\n'],
  ])('refuses a header that %s', async (problem, content) => {
    const file = fixture.write('products.csv', content);
    expect(await messageOf('IMPORT_COLUMNS_INVALID', { kind: 'products', file })).toContain(problem);
  });

  it('refuses what is no file', async () => {
    const missing = `${fixture.folder}/missing.csv`;
    expect(await messageOf('IMPORT_FILE_UNREADABLE', { kind: 'products', file: missing })).toContain('does not exist');
    expect(
      await messageOf('IMPORT_FILE_UNREADABLE', { kind: 'products', file: fixture.folder, format: 'csv' }),
    ).toContain('not a regular file');
  });

  it('refuses a name that does not tell the format', async () => {
    const file = fixture.write('products.txt', '');
    expect(await messageOf('IMPORT_FORMAT_UNKNOWN', { kind: 'products', file })).toContain('products.txt');
  });

  it.each([0, 1.5, 10_001])('refuses a batch size of %d', async (batchSize) => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n`);
    expect(await messageOf('IMPORT_OPTIONS_INVALID', { kind: 'products', file, batchSize })).toContain('1 to 10000');
  });

  it('refuses a tenant that does not exist, and none at all', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(1)}`);
    const run = () => importFile({ services, kind: 'products', file });
    await expect(runAs({ tenant: 'nobody' }, run)).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' });
    await expect(runInContext({}, run)).rejects.toMatchObject({ code: 'TENANT_REQUIRED' });
  });

  it('is stopped before it begins when the signal has fired already', async () => {
    const file = fixture.write('products.csv', `${PRODUCT_HEADER}\n${productRows(1)}`);
    const options = { kind: 'products', file, signal: AbortSignal.abort() } as const;
    expect(await messageOf('IMPORT_STOPPED', options)).toContain('before it began');
  });
});

import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { allMigrations, type Services } from '@tenon/server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createImportFixture, importServices, PRODUCT_HEADER, type ImportFixture } from './import-fixture.ts';

// The rejects file is read by another parser than ours.
interface Reject {
  readonly line: string;
  readonly reason: string;
  readonly row: string;
}

describe('CSV', () => {
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
  afterEach(() => fixture.remove());

  const rejects = (): readonly Reject[] => parse(fixture.read('rejects.csv') ?? '', { columns: true }) as Reject[];
  const run = (content: string) => fixture.run({ kind: 'products', file: fixture.write('products.csv', content) });

  it('comes back as it was written, whatever is in the cells and whichever line ends the file has', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'b', '"', ',', '\n', '\r\n', 'ü', '💶', "'"), maxLength: 12 });
    // White space around a text is no part of it.
    const texts = fc.sample(cell, 2_000).map((text) => `(${text})`);
    const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    for (const lineEnd of ['\n', '\r\n']) {
      const rows = texts.map((text, index) =>
        [`S${String(index).padStart(5, '0')}`, 'Name', quote(text), '1', 'EUR'].join(','),
      );
      const report = await run(['sku,name,description,price_minor,currency', ...rows].join(lineEnd));
      expect(report).toMatchObject({ rows: 2_000, rejected: 0, [lineEnd === '\n' ? 'created' : 'unchanged']: 2_000 });
    }
    expect((await fixture.rows('products', 'sku')).map(({ description }) => description)).toEqual(texts);
  });

  it('has no rows in empty lines, and counts them as lines', async () => {
    await run(`\n\n${PRODUCT_HEADER}\r\n\r\nA1,One,1,EUR\n\n\nbad\n\n`);
    expect((await fixture.rows('products', 'sku')).map(({ sku }) => sku)).toEqual(['A1']);
    expect(rejects().map(({ line }) => line)).toEqual(['8']);
  });

  it('with a wrong quote costs one line: reading goes on at the next', async () => {
    const report = await run(
      [
        PRODUCT_HEADER,
        'A1,One,1,EUR',
        'A2,5" disk,1,EUR',
        'A3,Three,1,EUR',
        '"A4"x,Four,1,EUR',
        'A5,"Five,1,EUR',
        'A6,Six,1,EUR',
      ].join('\n'),
    );
    expect(report).toMatchObject({ rows: 6, created: 3, rejected: 3 });
    expect(rejects()).toEqual([
      { line: '3', reason: expect.stringContaining('does not begin with one') as string, row: 'A2,5" disk,1,EUR' },
      { line: '5', reason: expect.stringContaining('text after the quote') as string, row: '"A4"x,Four,1,EUR' },
      { line: '6', reason: expect.stringContaining('not closed') as string, row: 'A5,"Five,1,EUR' },
    ]);
  });

  it('with a quote that is never closed does not swallow a file of megabytes', async () => {
    const names = 'x'.repeat(200);
    const rows = Array.from({ length: 8_000 }, (_, index) => `S${index},${names},1,EUR`);
    expect(await run([PRODUCT_HEADER, '"A1,One,1,EUR', ...rows].join('\n'))).toMatchObject({
      rows: 8_001,
      created: 8_000,
      rejected: 1,
    });
  });

  it('of a row longer than 1 MiB is rejected with its beginning, and reading goes on behind it', async () => {
    const long = `A2,${'ä'.repeat(1_500_000)},1,EUR`;
    expect(await run([PRODUCT_HEADER, 'A1,One,1,EUR', long, 'A3,Three,1,EUR', long].join('\n'))).toMatchObject({
      rows: 4,
      created: 2,
      rejected: 2,
    });
    expect(rejects().map(({ line, reason }) => [line, reason])).toEqual([
      ['3', 'is longer than 1 MiB'],
      ['5', 'is longer than 1 MiB'],
    ]);
    expect(rejects()[0]?.row.length).toBeLessThan(2_000);
  });

  it('loses nothing, whatever the text is: the rejected rows together are the file without its empty lines', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n'), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, async (body) => {
        // No such row has a price, so that all are rejected.
        const report = await run(`${PRODUCT_HEADER}\n${body}`);
        expect(report.created + report.updated + report.unchanged).toBe(0);
        const found = rejects();
        expect(found).toHaveLength(report.rejected);
        const lines = (whole: string): readonly string[] => whole.split(/\r?\n/).filter((line) => line !== '');
        expect(found.flatMap(({ row }) => lines(row))).toEqual(lines(body));
      }),
      { numRuns: 60 },
    );
  });
});

import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { allMigrations, type Services } from '@tenon/server';
import { createImportFixture, importServices, PRODUCT_HEADER, type ImportFixture } from './import-fixture.ts';

const HEADER = 'external_id,user_email,placed_at,shipped_at,sku,quantity,unit_price_minor,discount_percent';
const buyer = 'jürgen@example.com';

describe.each(describeDrivers())('importing orders on %s', (driver) => {
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
    await fixture.run({ kind: 'users', file: fixture.write('users.csv', `email,name\n${buyer},Jürgen\n`) });
    await fixture.run({
      kind: 'products',
      file: fixture.write('products.csv', `${PRODUCT_HEADER}\nP1,One,100,EUR\nP2,Two,250,EUR\nP3,Three,5,EUR\n`),
    });
  });
  afterEach(() => fixture.remove());

  const write = (...rows: readonly string[]): string => fixture.write('orders.csv', `${HEADER}\n${rows.join('\n')}\n`);
  const stored = () => fixture.rows('orders', 'external_id');
  const rejects = (): readonly string[] => fixture.read('rejects.csv')?.trimEnd().split('\n').slice(1) ?? [];

  it('makes one order of consecutive rows, with dates as midnight in UTC', async () => {
    const file = write(
      `1,${buyer},1996-07-04,1996-07-16,P1,2,90,10`,
      `1,${buyer},1996-07-04,1996-07-16,P2,1,200,0`,
      `2,${buyer.toUpperCase()},1997-01-01,,P1,1,100,`,
    );
    expect(await fixture.run({ kind: 'orders', file })).toMatchObject({ rows: 3, created: 2, rejected: 0 });
    expect(await stored()).toMatchObject([
      {
        external_id: '1',
        status: 'shipped',
        total_minor: 362,
        placed_at: new Date('1996-07-04T00:00:00Z'),
        shipped_at: new Date('1996-07-16T00:00:00Z'),
      },
      {
        external_id: '2',
        status: 'placed',
        total_minor: 100,
        placed_at: new Date('1997-01-01T00:00:00Z'),
        shipped_at: null,
      },
    ]);
    expect(await fixture.run({ kind: 'orders', file })).toMatchObject({
      rows: 3,
      created: 0,
      updated: 0,
      unchanged: 2,
    });
  });

  it('keeps the rows of an order together when a batch or a block of the file ends between them', async () => {
    const orders = Array.from({ length: 5_000 }, (_, index) =>
      [1, 2, 3].map((n) => `${index},${buyer},2020-01-01,,P${n},1,1,0`),
    );
    const file = write(...orders.flat());
    expect(await fixture.run({ kind: 'orders', file, batchSize: 700 })).toMatchObject({
      rows: 15_000,
      created: 5_000,
      rejected: 0,
    });
    const rows = await stored();
    expect(rows).toHaveLength(5_000);
    expect(rows.every(({ total_minor }) => total_minor === 3)).toBe(true);
  });

  it('rejects rows of an order that stand apart from its others', async () => {
    const file = write(
      `1,${buyer},2020-01-01,,P1,1,1,0`,
      `2,${buyer},2020-01-01,,P1,1,1,0`,
      `1,${buyer},2020-01-01,,P2,1,1,0`,
    );
    expect(await fixture.run({ kind: 'orders', file, batchSize: 1 })).toMatchObject({
      rows: 3,
      created: 2,
      rejected: 1,
    });
    expect(rejects()).toEqual([expect.stringMatching(/^4,belongs to an order whose rows stand further up: .*P2/)]);
    expect((await stored())[0]).toMatchObject({ total_minor: 1 });
  });

  it('rejects an order as a whole when one of its rows is wrong, and says which', async () => {
    const file = write(
      `1,${buyer},2020-01-01,,P1,1,1,0`,
      `1,${buyer},2020-01-01,,P2,none,1,0`,
      `2,${buyer},2020-01-01,,P1,1,1`,
      `2,${buyer},2020-01-01,,P2,1,1,0`,
      `3,${buyer},2020-01-01,,P1,1,1,0`,
      `3,${buyer},2020-01-02,,P2,1,1,0`,
      `4,${buyer},2020-01-01,,"P"1,1,1,0`,
      `4,${buyer},2020-01-01,,P2,1,1,0`,
      `,${buyer},2020-01-01,,P1,1,1,0`,
      `5,${buyer},2020-01-01,,P1,1,1,0`,
    );
    expect(await fixture.run({ kind: 'orders', file })).toMatchObject({ rows: 10, created: 1, rejected: 5 });
    expect(rejects().map((row) => row.split(`"${row.split(',')[0]}`)[0])).toHaveLength(9);
    const reasons = rejects();
    expect(reasons[0]).toMatch(/^2,is part of the order whose line 3 is wrong,/);
    expect(reasons[1]).toMatch(/^3,quantity: must be a whole number,/);
    expect(reasons[2]).toMatch(/^4,"has 7 cells, and the header names 8 columns",/);
    expect(reasons[3]).toMatch(/^5,is part of the order whose line 4 is wrong,/);
    expect(reasons[5]).toMatch(/^7,"placed_at: differs from line 6, which is of the same order",/);
    expect(reasons[6]).toMatch(/^8,has text after the quote/);
    expect(reasons[7]).toMatch(/^9,is part of the order whose line 8 is wrong,/);
    expect(reasons[8]).toMatch(/^10,external_id: is required,/);
    expect((await stored()).map(({ external_id }) => external_id)).toEqual(['5']);
  });

  it('rejects orders of unknown people and products, and those with endless rows', async () => {
    const endless = Array.from({ length: 1_200 }, () => `3,${buyer},2020-01-01,,P1,1,1,0`);
    const file = write(
      `1,nobody@example.com,2020-01-01,,P1,1,1,0`,
      `2,${buyer},2020-01-01,,P9,1,1,0`,
      ...endless,
      `4,${buyer},2020-01-01,,P1,1,1,0`,
    );
    expect(await fixture.run({ kind: 'orders', file })).toMatchObject({ rows: 1_203, created: 1, rejected: 4 });
    expect(rejects()[0]).toMatch(/^2,.*user_email: /);
    expect(rejects()[1]).toMatch(/^3,.*sku: /);
    expect(rejects()).toHaveLength(1_202);
  });

  it('reads one order a line from JSON, and rejects a second one with the same id', async () => {
    const order = (id: string) => ({
      external_id: id,
      user_email: buyer,
      placed_at: '2020-01-01T10:00:00+02:00',
      lines: [{ sku: 'P1', quantity: 2, unit_price_minor: 50 }],
    });
    const bad = { ...order('3'), lines: [{ sku: 'P1', quantity: 0, unitPriceMinor: 50 }] };
    const lines = [order('1'), order('2'), order('1'), bad].map((line) => JSON.stringify(line));
    const file = fixture.write('orders.ndjson', lines.join('\n'));
    expect(await fixture.run({ kind: 'orders', file })).toMatchObject({ rows: 4, created: 2, rejected: 2 });
    expect(await stored()).toMatchObject([
      { external_id: '1', total_minor: 100, placed_at: new Date('2020-01-01T08:00:00Z') },
      { external_id: '2' },
    ]);
    expect(rejects()[0]).toMatch(/^3,is an order that stands further up already,/);
    expect(rejects()[1]).toMatch(/^4,lines\/0\/quantity: must be at least 1,/);
  });
});

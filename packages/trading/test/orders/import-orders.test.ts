import { describeDrivers } from '@tenon/database/testing';
import { parseOrder, type ImportedOrder, type Order, type Product } from '@tenon/trading';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createProduct, openTrading, type OpenTrading, type TestTenant } from '../support/open-trading.ts';
import { problemsOf } from '../support/problems.ts';

describe.each(describeDrivers())('importing orders on %s', (driver) => {
  let open: OpenTrading;
  let tenant: TestTenant;
  let chai: Product;
  let chang: Product;

  beforeAll(async () => {
    open = await openTrading(driver);
  });
  afterAll(() => open.drop());
  beforeEach(async () => {
    tenant = await open.newTenant();
    await tenant.run(async () => {
      chai = await createProduct(open.trading, { priceMinor: 1800, stock: 10 });
      chang = await createProduct(open.trading, { priceMinor: 1900, stock: 10 });
    });
  });
  const row = (change: object = {}): ImportedOrder => ({
    externalId: '10248',
    userEmail: tenant.email,
    placedAt: '1996-07-04',
    shippedAt: '1996-07-16',
    lines: [
      { sku: chang.sku, quantity: 12, unitPriceMinor: 1400, discountPercent: 5 },
      { sku: chai.sku, quantity: 10, unitPriceMinor: 980 },
    ],
    ...change,
  });
  const importBatch = (rows: readonly unknown[]) => tenant.run(() => open.trading.orders.importBatch(rows));
  const imported = async (externalId = '10248'): Promise<Order | undefined> => {
    const [found] = await open.query<{ id: string }>(
      `select id from orders where tenant_id = '${tenant.id}' and external_id = '${externalId}'`,
    );
    return found && tenant.run(() => open.trading.orders.get(found.id));
  };
  const state = () =>
    open.query(`select o.*, to_jsonb(l) as line from orders o join order_lines l on l.order_id = o.id
      where o.tenant_id = '${tenant.id}' order by o.id, l.position`);
  const reasons = async (rows: readonly unknown[]) =>
    (await importBatch(rows)).rejected.map(({ index, problems }) => [
      index,
      ...problems.map(({ path, code }) => `${path} ${code}`),
    ]);

  test('prices and dates are taken as given, and no stock', async () => {
    expect(await importBatch([row()])).toEqual({ created: 1, updated: 0, unchanged: 0, rejected: [] });
    const order = await imported();
    expect(order).toEqual({
      id: expect.any(String),
      externalId: '10248',
      userId: tenant.userId,
      status: 'shipped',
      currency: 'EUR',
      lines: [
        {
          productId: chang.id,
          sku: chang.sku,
          quantity: 12,
          unitPriceMinor: 1400,
          discountPercent: 5,
          totalMinor: 15_960,
        },
        { productId: chai.id, sku: chai.sku, quantity: 10, unitPriceMinor: 980, discountPercent: 0, totalMinor: 9800 },
      ],
      totalMinor: 25_760,
      placedAt: '1996-07-04T00:00:00.000Z',
      shippedAt: '1996-07-16T00:00:00.000Z',
      createdAt: '1996-07-04T00:00:00.000Z',
      updatedAt: new Date(open.clock.now()).toISOString(),
      version: 1,
    });
    expect(problemsOf(parseOrder(order))).toEqual([]);
    expect(await tenant.run(() => open.trading.products.get(chai.id))).toMatchObject({ stock: 10, version: 1 });
  });

  test('cancelling an imported order gives back nothing, because it took nothing', async () => {
    await importBatch([row({ shippedAt: null })]);
    const order = await imported();
    expect(order?.status).toBe('placed');
    await tenant.run(() => open.trading.orders.update(order?.id ?? '', { status: 'cancelled' }));
    expect(await tenant.run(() => open.trading.products.get(chai.id))).toMatchObject({ stock: 10 });
  });

  test('twice leaves the same state as once', async () => {
    const rows = Array.from({ length: 20 }, (_, index) => row({ externalId: `e${index}` }));
    await importBatch(rows);
    const once = await state();
    await open.clock.advance(1_000);
    expect(await importBatch(rows)).toEqual({ created: 0, updated: 0, unchanged: 20, rejected: [] });
    expect(await state()).toEqual(once);
  });

  test('a row that differs replaces the order and its lines', async () => {
    await importBatch([row(), row({ externalId: 'other' })]);
    const other = await imported('other');
    const line = { sku: chai.sku, quantity: 1, unitPriceMinor: 5 };
    expect(await importBatch([row({ lines: [line] }), row({ externalId: 'other' })])).toMatchObject({
      created: 0,
      updated: 1,
      unchanged: 1,
    });
    expect(await imported()).toMatchObject({ version: 2, totalMinor: 5, lines: [{ sku: chai.sku }] });
    expect(await imported('other')).toEqual(other);
  });

  test.each<readonly [string, (input: ImportedOrder) => ImportedOrder]>([
    ['status', (input) => ({ ...input, status: 'delivered' })],
    ['currency', (input) => ({ ...input, currency: 'USD' })],
    ['date', (input) => ({ ...input, placedAt: '1996-07-05' })],
    ['shipping date', (input) => ({ ...input, shippedAt: '1996-07-17' })],
    ['order of lines', (input) => ({ ...input, lines: input.lines.toReversed() })],
    ['discount', (input) => ({ ...input, lines: input.lines.map((line) => ({ ...line, discountPercent: 1 })) })],
  ])('a change of the %s alone is noticed', async (_, change) => {
    await importBatch([row()]);
    expect(await importBatch([change(row())])).toMatchObject({ updated: 1, unchanged: 0 });
  });

  test('the same moment in another time zone is no change', async () => {
    await importBatch([row({ placedAt: '1996-07-04T12:00:00Z' })]);
    expect(await importBatch([row({ placedAt: '1996-07-04T14:00:00+02:00' })])).toMatchObject({ unchanged: 1 });
  });

  test('an order that was moved on here is left alone while its row is the same', async () => {
    await importBatch([row()]);
    const order = await imported();
    await tenant.run(() => open.trading.orders.update(order?.id ?? '', { status: 'delivered' }));
    expect(await importBatch([row()])).toMatchObject({ unchanged: 1 });
    expect((await imported())?.status).toBe('delivered');
  });

  test('people are found whatever the case of their email', async () => {
    expect(await importBatch([row({ userEmail: ` ${tenant.email.toUpperCase()} ` })])).toMatchObject({ created: 1 });
  });

  test('unknown people and products, and all else that is wrong, are said at once; the rest is taken', async () => {
    const [first, second] = row().lines;
    const rows = [
      row({
        userEmail: 'nobody@example.com',
        lines: [{ ...first, sku: 'nothing' }, second, { ...first, sku: 'none' }],
      }),
      row({ externalId: 'good' }),
      row({ externalId: '', lines: [] }),
      row({ externalId: 'mixed', tenantId: 'acme' }),
    ];
    expect(await reasons(rows)).toEqual([
      [0, '/userEmail unknown_user', '/lines/0/sku unknown_product', '/lines/2/sku unknown_product'],
      [2, '/externalId too_short', '/lines too_few'],
      [3, '/tenantId unknown_field'],
    ]);
    expect(await imported('good')).toBeDefined();
    expect(await open.query(`select from orders where tenant_id = '${tenant.id}'`)).toHaveLength(1);
  });

  test("another tenant's people, products and orders are unknown here", async () => {
    const other = await open.newTenant();
    const stranger = 'stranger@example.com';
    await open.newUser(other, stranger);
    const theirs = await other.run(() => createProduct(open.trading));
    const line = { sku: theirs.sku, quantity: 1, unitPriceMinor: 1 };
    expect(await reasons([row({ userEmail: stranger, lines: [line] })])).toEqual([
      [0, '/userEmail unknown_user', '/lines/0/sku unknown_product'],
    ]);
    await other.run(() => open.trading.orders.importBatch([{ ...row({ userEmail: stranger }), lines: [line] }]));
    expect(await importBatch([row()])).toMatchObject({ created: 1, rejected: [] });
  });

  test('an order that was made here is not overwritten by an import', async () => {
    const lines = [{ productId: chai.id, quantity: 2 }];
    const { order } = await tenant.run(() =>
      open.trading.orders.create({ externalId: '10248', lines }, { userId: tenant.userId }),
    );
    expect(await reasons([row()])).toEqual([[0, '/externalId not_imported']]);
    expect(await imported()).toEqual(order);
  });

  test("the currency is the products' own, or must be given where they differ", async () => {
    await tenant.run(() => open.trading.products.update(chai.id, { currency: 'USD' }));
    expect(await reasons([row()])).toEqual([[0, '/currency required']]);
    await importBatch([row({ currency: 'GBP' })]);
    expect((await imported())?.currency).toBe('GBP');
  });

  test('a total that no number holds exactly is rejected', async () => {
    const line = { sku: chai.sku, quantity: 1_000_000, unitPriceMinor: 999_999_999_999 };
    expect(await reasons([row({ lines: [line] })])).toEqual([[0, '/lines out_of_range']]);
  });

  test('of rows with the same external id in one batch the last one wins', async () => {
    const rows = [row(), row({ status: 'delivered' }), row({ status: 'delivered' })];
    expect(await importBatch(rows)).toEqual({ created: 1, updated: 1, unchanged: 1, rejected: [] });
    expect(await imported()).toMatchObject({ status: 'delivered', version: 2, lines: [{}, {}] });
  });

  test('four imports of the same rows at once make each order once', async () => {
    const rows = Array.from({ length: 30 }, (_, index) => row({ externalId: `e${index}` }));
    const reports = await Promise.all([rows, rows.toReversed(), rows, rows.toReversed()].map(importBatch));
    expect(reports.reduce((sum, { created }) => sum + created, 0)).toBe(30);
    expect(reports.every(({ updated, rejected }) => updated === 0 && rejected.length === 0)).toBe(true);
    expect(await state()).toHaveLength(60);
  });

  test('nothing is imported from nothing', async () => {
    expect(await importBatch([])).toEqual({ created: 0, updated: 0, unchanged: 0, rejected: [] });
  });
});

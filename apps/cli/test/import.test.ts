import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runAs } from '@tenon/core';
import { compose, loadSettings } from '@tenon/server';
import { orderListing, productListing } from '@tenon/trading';
import { userListing } from '@tenon/tenancy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture, newHome, type Home } from './tenon-process.ts';

describe('tenon import', () => {
  let home: Home;
  beforeAll(async () => {
    home = newHome();
    const made = await home.tenon([
      'tenant',
      'create',
      '--name',
      'Main',
      '--id',
      'main',
      '--owner-email',
      'owner@example.com',
    ]);
    expect(made.code).toBe(0);
  });
  afterAll(() => home.remove());

  it('takes each kind from CSV, and says in a line what it did', async () => {
    const counts = '3 created, 0 updated, 0 unchanged, 0 rejected';
    const people = await home.tenon(['import', 'users', fixture('people.csv')]);
    expect(people).toMatchObject({ code: 0, stderr: '' });
    expect(people.stdout).toMatch(new RegExp(`^users: 3 rows read, ${counts} in \\d+\\.\\d s\n$`));
    const products = await home.tenon(['import', 'products', fixture('products.csv')]);
    expect(products.stdout).toMatch(new RegExp(`^products: 3 rows read, ${counts}`));
    const orders = await home.tenon(['import', 'orders', fixture('orders.csv')]);
    expect(orders.stdout).toMatch(/^orders: 3 rows read, 2 created, 0 updated, 0 unchanged, 0 rejected/);
    expect(existsSync(join(home.folder, 'orders.csv.rejects.csv'))).toBe(false);
  });

  it('left everything exactly as it stood in the files, to be found by the lists', async () => {
    const { settings } = loadSettings({ TENON_DATA_DIR: home.dataDir });
    const composition = await compose(settings);
    const { services } = composition;
    await services.database.ready();
    const { cursors, trading, tenancy } = services;
    const found = await runAs({ tenant: 'main', actor: { type: 'system', id: 'test' } }, async () => {
      const products = productListing.parse({ 'name[prefix]': 'olive' }, cursors);
      const people = userListing.parse({ sort: 'email' }, cursors);
      const orders = orderListing.parse({ sort: 'createdAt' }, cursors);
      if (!products.ok || !people.ok || !orders.ok) throw new Error('the lists do not know these filters');
      return {
        products: (await trading.products.list(products.value, cursors)).items,
        people: (await tenancy.users.list(people.value, cursors)).items,
        orders: (await trading.orders.list(orders.value, cursors)).items,
      };
    });
    await composition.stop();
    expect(found.products).toMatchObject([
      { sku: 'OIL-1', name: 'Olive oil "Primo", 1 l', description: 'Cold pressed.\nKeep it dark.', category: 'Öle' },
    ]);
    expect(found.people.map(({ name }) => name)).toEqual(["Aoife O'Brien", 'Jürgen Größl', '李雷', 'owner']);
    expect(found.orders).toMatchObject([
      { externalId: 'W-100', status: 'shipped', placedAt: '2024-02-29T00:00:00.000Z', totalMinor: 2772 },
      { externalId: 'W-101', status: 'placed', shippedAt: null, totalMinor: 1200 },
    ]);
  });

  it('changes nothing the second time, and prints JSON when it is asked to', async () => {
    const { code, stdout, stderr } = await home.tenon([
      'import',
      'orders',
      fixture('orders.csv'),
      '--json',
      '--tenant',
      'main',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'orders',
      rows: 3,
      created: 0,
      updated: 0,
      unchanged: 2,
      rejected: 0,
      rejectsFile: null,
      resumedFrom: 0,
    });
  });

  it('reads JSON lines, by their extension or because it is told to', async () => {
    const { stdout } = await home.tenon(['import', 'products', fixture('products.ndjson'), '--batch-size', '1']);
    expect(stdout).toMatch(/2 rows read, 1 created, 1 updated, 0 unchanged/);
    writeFileSync(join(home.folder, 'products.txt'), readFileSync(fixture('products.ndjson')));
    expect((await home.tenon(['import', 'products', 'products.txt'])).stderr).toMatch(/^IMPORT_FORMAT_UNKNOWN: /);
    expect((await home.tenon(['import', 'products', 'products.txt', '--format', 'ndjson'])).stdout).toMatch(
      /2 unchanged/,
    );
  });

  it('says how many rows were rejected and where they are; that is a failure only with --strict', async () => {
    const first = await home.tenon(['import', 'products', fixture('bad-products.csv')]);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(
      /3 rows read, 1 created, 0 updated, 0 unchanged, 2 rejected in .*\nrejected rows, with the reasons: bad-products\.csv\.rejects\.csv\n$/,
    );
    expect(readFileSync(join(home.folder, 'bad-products.csv.rejects.csv'), 'utf8')).toBe(
      'line,reason,row\n3,price_minor: is required,"NEW-2,No price,,EUR"\n4,"has 5 cells, and the header names 4 columns","NEW-3,Too many cells,100,EUR,more"\n',
    );
    const strict = await home.tenon([
      'import',
      'products',
      fixture('bad-products.csv'),
      '--strict',
      '--rejects',
      'elsewhere.csv',
    ]);
    expect(strict.code).toBe(1);
    expect(strict.stdout).toContain('elsewhere.csv');
    expect(strict.stderr).toMatch(/^IMPORT_HAS_REJECTS: 2 products were rejected/);
    expect(existsSync(join(home.folder, 'elsewhere.csv'))).toBe(true);
  });

  it('draws a bar on a terminal, and on nothing else', async () => {
    const drawn = await home.tenon(['import', 'products', fixture('products.csv')], { terminal: true });
    expect(drawn.stderr).toMatch(/products {2}█{20} 3\/3 {3}0 rejected {3}\d+\.\d s\n$/);
    expect(drawn.stdout).toMatch(/^products: 3 rows read/);
    const json = await home.tenon(['import', 'products', fixture('products.csv'), '--json'], { terminal: true });
    expect(json.stderr).toBe('');
  });

  it.each([
    [['missing.csv'], /^IMPORT_FILE_UNREADABLE: ".*missing\.csv" does not exist/],
    [[fixture('people.csv')], /^IMPORT_COLUMNS_INVALID: .*does not know the columns "email".*lacks the columns "sku"/],
    [[fixture('products.csv'), '--tenant', 'nobody'], /^TENANT_NOT_FOUND: /],
    [
      [fixture('products.csv'), '--batch-size', '0'],
      /^IMPORT_OPTIONS_INVALID: the batch size must be a whole number from 1/,
    ],
  ])('of products from %j fails before anything is imported', async (args, message) => {
    const { code, stdout, stderr } = await home.tenon(['import', 'products', ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('stops at Ctrl-C, and goes on when it is run again', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `BIG-${index},Number ${index},1,EUR\n`);
    writeFileSync(join(home.folder, 'big.csv'), `sku,name,price_minor,currency\n${rows.join('')}`);
    const child = home.start(['import', 'products', 'big.csv', '--batch-size', '100'], { terminal: true });
    let drawn = '';
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    child.stderr?.on('data', (chunk: Buffer) => {
      drawn += chunk.toString();
      // Once some rows are in; a second Ctrl-C would end it at once.
      if (!child.killed && / [1-9],?\d{2,} {3}0 rejected/.test(drawn)) child.kill('SIGINT');
    });
    expect(await closed).toBe(1);
    const stoppedAfter = Number(/IMPORT_STOPPED: .*stopped after (\d+) rows\. Import the file again/.exec(drawn)?.[1]);
    expect(stoppedAfter).toBeGreaterThan(0);
    expect(stoppedAfter).toBeLessThan(20_000);
    const { stdout } = await home.tenon(['import', 'products', 'big.csv']);
    expect(stdout).toContain(`20,000 rows read, 20,000 created`);
    expect(stdout).toContain(
      `went on behind row ${stoppedAfter.toLocaleString('en-US')}, where an earlier run was stopped`,
    );
  });
});

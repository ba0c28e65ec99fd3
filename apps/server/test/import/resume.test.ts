import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openDatabase, type Database } from '@tenon/database';
import { describeDrivers, openTestDatabase } from '@tenon/database/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allMigrations } from '../../src/compose.ts';
import type { Services } from '../../src/services.ts';
import {
  createImportFixture,
  importServices,
  inTenantOf,
  PRODUCT_HEADER,
  productRows,
  type ImportFixture,
} from './import-fixture.ts';
import type { ImportProcessOptions } from './import-process.ts';

const program = fileURLToPath(new URL('import-process.ts', import.meta.url));

/** Imports in another process, which is killed as soon as it has told of so many rows. */
async function importAndKill(options: ImportProcessOptions, killAfterRows: number): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=@tenon/source', program, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (Number(line) >= killAfterRows) {
      child.kill('SIGKILL');
      break;
    }
  }
  const [code, signal] = (await exited) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
}

describe.each(describeDrivers())('an import that was stopped on %s', (driver) => {
  let fixture: ImportFixture;
  let services: Services;
  let database: Database;
  let target: ImportProcessOptions['database'];
  let drop: () => Promise<void>;

  // The embedded database is a folder, which the killed process and this one open in turn.
  beforeEach(async () => {
    if (driver === 'postgres') {
      const test = await openTestDatabase(driver, allMigrations());
      ({ database } = test);
      target = { url: test.url as string };
      drop = () => test.drop();
    } else {
      const folder = mkdtempSync(join(tmpdir(), 'tenon-resume-'));
      const dataDir = join(folder, 'database');
      target = { dataDir };
      database = await openDatabase(target);
      await database.migrate(allMigrations());
      drop = async () => {
        await database.close();
        rmSync(folder, { recursive: true, force: true });
      };
    }
    services = importServices(database);
    fixture = await createImportFixture(services);
  });
  afterEach(async () => {
    await drop();
    fixture.remove();
  });

  it('by kill -9 goes on where it was: every row is there once, and every rejected one is told once', async () => {
    const total = 12_000;
    const rows = productRows(total).split('\n');
    // Every hundredth row is bad.
    const content = rows.map((row, index) => (index % 100 === 50 ? `${row},too many` : row)).join('\n');
    const file = fixture.write('big.csv', `${PRODUCT_HEADER}\n${content}`);
    const rejectsFile = join(fixture.folder, 'rejects.csv');
    if (driver === 'pglite') await database.close();
    await importAndKill({ database: target, tenant: fixture.tenant, file, rejectsFile, batchSize: 100 }, 3_000);
    // What a killed process had begun to write behind the last record must not stay.
    await appendFile(rejectsFile, '9999,half a li');

    if (driver === 'pglite') {
      database = await openDatabase(target);
      services = importServices(database);
      fixture = { ...fixture, ...inTenantOf(services, fixture) };
    }
    const report = await fixture.run({ kind: 'products', file, rejectsFile, batchSize: 100 });
    expect(report.resumedFrom).toBeGreaterThanOrEqual(3_000);
    expect(report.resumedFrom).toBeLessThan(total);
    expect(report).toMatchObject({ rows: total, rejected: 120, updated: 0 });
    expect(report.created + report.unchanged).toBe(total - 120);
    // Only batches that were written and not yet recorded are counted as unchanged.
    expect(report.unchanged).toBeLessThanOrEqual(200);
    const stored = await fixture.rows('products', 'sku');
    expect(stored).toHaveLength(total - 120);
    expect(stored.every(({ version }) => version === 1)).toBe(true);
    const lines = fixture.read('rejects.csv')?.trimEnd().split('\n').slice(1) ?? [];
    expect(lines.map((line) => Number(line.split(',')[0]))).toEqual(
      Array.from({ length: 120 }, (_, index) => 52 + 100 * index),
    );

    // A finished import begins at the start when it runs again.
    const again = await fixture.run({ kind: 'products', file, rejectsFile });
    expect(again).toMatchObject({ rows: total, resumedFrom: 0, created: 0, unchanged: total - 120, rejected: 120 });
  });

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
    let second: Promise<{ readonly rows: number }> | undefined;
    const first = fixture.run({
      kind: 'products',
      file,
      batchSize: 5,
      onProgress: ({ rows }) => {
        if (rows >= 10) second ??= fixture.run({ kind: 'products', file });
      },
    });
    await expect(first).rejects.toMatchObject({ code: 'IMPORT_TAKEN_OVER' });
    expect(await second).toMatchObject({ rows: 60 });
    expect(await fixture.rows('products', 'sku')).toHaveLength(60);
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

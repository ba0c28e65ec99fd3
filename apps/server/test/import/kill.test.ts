import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openDatabase, type Database } from '@tenon/database';
import { describeDrivers, openTestDatabase } from '@tenon/database/testing';
import { allMigrations, type Services } from '@tenon/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newDataDirectory } from '../support/data-directory.ts';
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

describe.each(describeDrivers())('an import that was killed on %s', (driver) => {
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
      const folder = await newDataDirectory();
      target = { dataDir: join(folder, 'database') };
      database = await openDatabase(target);
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

  it('goes on where it was: every row is there once, and every rejected one is told once', async () => {
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
});

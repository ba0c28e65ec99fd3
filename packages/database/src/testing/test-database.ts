import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openDatabase } from '../create-database.ts';
import type { Database } from '../database.ts';
import type { MigrationSet } from '../migrations/migration.ts';
import type { DatabaseOptions } from '../options.ts';

/** Where a test's database lives. */
export type TestDriver = 'pglite' | 'postgres';

/** A throw-away database of a test's own. */
export interface TestDatabase {
  readonly database: Database;
  /** The URL of the PostgreSQL database, for a second process or connection. Undefined when embedded. */
  readonly url: string | undefined;
  /** Closes the database and removes it from its server. */
  drop(): Promise<void>;
}

/**
 * The drivers a suite can run on here: always `pglite`, and `postgres` where `TENON_TEST_POSTGRES_URL` names a server on
 * which databases may be created. Use it with `describe.each`.
 */
export function describeDrivers(): readonly TestDriver[] {
  return process.env['TENON_TEST_POSTGRES_URL'] === undefined ? ['pglite'] : ['pglite', 'postgres'];
}

/**
 * Opens a fresh, migrated database.
 *
 * @param driver - where
 * @param sets - the migrations to apply
 * @param options - further options of the database, for example a clock
 */
export async function openTestDatabase(
  driver: TestDriver,
  sets: readonly MigrationSet[],
  options: Omit<DatabaseOptions, 'url' | 'dataDir'> = {},
): Promise<TestDatabase> {
  if (driver === 'pglite') {
    const snapshot = await embeddedSnapshot();
    const database = await openDatabase({ dataDir: 'memory', snapshot, ...options });
    await database.migrate(sets);
    return { database, url: undefined, drop: () => database.close() };
  }
  const server = process.env['TENON_TEST_POSTGRES_URL'];
  if (server === undefined) throw new Error('TENON_TEST_POSTGRES_URL names no server');
  const name = `tenon_test_${randomBytes(8).toString('hex')}`;
  await onServer(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const database = await openDatabase({ url: url.href, ...options });
  await database.migrate(sets);
  return {
    database,
    url: url.href,
    async drop(): Promise<void> {
      await database.close();
      await onServer(server, `drop database if exists ${name} with (force)`);
    },
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

// Initialising an embedded cluster takes seconds, loading a dump of one a few tenths: keep one dump per version.
async function embeddedSnapshot(): Promise<Blob> {
  const { PGlite } = await import('@electric-sql/pglite');
  const version = createHash('sha256')
    .update(import.meta.resolve('@electric-sql/pglite'))
    .digest('hex')
    .slice(0, 12);
  const folder = join(tmpdir(), 'tenon-test-snapshots');
  const file = join(folder, `pglite-${version}.tar`);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    const fresh = await PGlite.create('memory://');
    const dump = await fresh.dumpDataDir('none');
    await fresh.close();
    const partial = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
    writeFileSync(partial, Buffer.from(await dump.arrayBuffer()));
    renameSync(partial, file);
  }
  return new Blob([readFileSync(file)]);
}

import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdtempDisposable, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { TestDriver } from '@tenon/database/testing';
import { Client } from 'pg';

/** The first owner of the servers that run in a {@link Place}. */
export const owner = { email: 'owner@example.com', password: 'the owner of a test place' } as const;

/** Where a server keeps its things: a folder, and a database. */
export interface Place extends AsyncDisposable {
  /** The settings that make a server live here, on a free port, with {@link owner} and without sample data. */
  readonly settings: Readonly<Record<string, string>>;
  readonly dataDir: string;
  /** The database on PostgreSQL. Undefined when it is embedded. */
  readonly databaseUrl: string | undefined;
  /** Reads a file of the data folder. */
  read(file: string): Promise<string>;
  /** Whether the data folder holds a file or folder. */
  has(file: string): boolean;
}

/** What {@link openPlace} takes. */
export interface PlaceOptions {
  /** Whether the embedded database has been set up, which takes seconds, and is still empty. Default `true`. */
  readonly initialized?: boolean;
}

/** Makes a new place, with the database on a driver; with `none` the settings name no database. */
export async function openPlace(driver: TestDriver | 'none', options: PlaceOptions = {}): Promise<Place> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'tenon-process-'));
  const dataDir = join(folder.path, 'data');
  const database = driver === 'postgres' ? await createDatabase() : undefined;
  if (driver === 'pglite' && options.initialized !== false) {
    await cp(await emptyCluster(), join(dataDir, 'database'), { recursive: true });
  }
  return {
    dataDir,
    databaseUrl: database?.url,
    settings: {
      TENON_PORT: '0',
      TENON_DATA_DIR: dataDir,
      TENON_OWNER_EMAIL: owner.email,
      TENON_OWNER_PASSWORD: owner.password,
      TENON_SAMPLE_DATA: 'false',
      TENON_BCRYPT_COST: '10',
      ...(database === undefined ? {} : { TENON_DATABASE_URL: database.url }),
    },
    read: (file) => readFile(join(dataDir, file), 'utf8'),
    has: (file) => existsSync(join(dataDir, file)),
    async [Symbol.asyncDispose](): Promise<void> {
      await database?.drop();
      await folder.remove();
    },
  };
}

/** The settings without an owner, so that the server makes one up. */
export function withoutOwner(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { TENON_OWNER_EMAIL: _email, TENON_OWNER_PASSWORD: _password, ...others } = settings;
  return others;
}

// Making an embedded cluster takes seconds, copying one a few tenths: keep an empty one per version.
async function emptyCluster(): Promise<string> {
  const version = createHash('sha256')
    .update(import.meta.resolve('@electric-sql/pglite'))
    .digest('hex')
    .slice(0, 12);
  const folder = join(tmpdir(), `tenon-test-cluster-${version}`);
  if (!existsSync(folder)) {
    const partial = `${folder}.${randomBytes(4).toString('hex')}`;
    const made = await PGlite.create(partial);
    await made.close();
    // Of several that make one at the same time, the first wins.
    await rename(partial, folder).catch(() => undefined);
  }
  return folder;
}

/** Makes an empty database on the PostgreSQL of the tests, or on another one. */
export async function createDatabase(
  server: string = process.env['TENON_TEST_POSTGRES_URL'] ?? '',
): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const name = `tenon_process_${randomBytes(8).toString('hex')}`;
  await runSql(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop(): Promise<void> {
      await runSql(server, `drop database if exists ${name} with (force)`);
    },
  };
}

/** Runs statements on a connection of their own. */
export async function runSql<Row extends object>(url: string, text: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

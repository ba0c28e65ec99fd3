import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAs } from '@tenon/core';
import {
  apiKey,
  basic,
  credentials,
  database as databaseLogin,
  oauth2,
  type CredentialStorage,
} from '@tenon/credentials';
import { fileStorage } from '@tenon/credentials/drivers/file';
import { keyValueStorage } from '@tenon/credentials/drivers/key-value';
import { memoryAudit } from '@tenon/credentials/drivers/memory-audit';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { postgresAudit } from '@tenon/credentials/drivers/postgres-audit';
import { KeyRing } from '@tenon/crypto';
import { describeDrivers, openTestDatabase, type TestDriver } from '@tenon/database/testing';
import { createDiskStore } from '@tenon/kv/drivers/disk';
import { sql } from 'kysely';
import { afterEach, describe, expect, it } from 'vitest';

const MARKER = 'marker-of-a-secret-that-must-not-be-found';
const scope = 'org:acme';

/** A storage, and all bytes in which it keeps what it was given. */
interface Scanned {
  readonly storage: CredentialStorage;
  readonly audit?: ReturnType<typeof memoryAudit>;
  readonly bytes: () => Promise<Buffer>;
  readonly close: () => Promise<void> | void;
}

const bytesOfFolder = (folder: string): Buffer =>
  Buffer.concat(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name))),
  );

function inFolder(open: (folder: string) => CredentialStorage): Scanned {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-credentials-'));
  return {
    storage: open(folder),
    bytes: async () => bytesOfFolder(folder),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function inDatabase(driver: TestDriver): Promise<Scanned> {
  const test = await openTestDatabase(driver, [credentialMigrations()]);
  const textOf = (table: string) =>
    test.database.withTenant((tx) =>
      sql<{ row: string }>`select row_to_json(t)::text as row from ${sql.table(table)} as t`.execute(tx),
    );
  return {
    storage: postgresStorage(test.database),
    audit: postgresAudit(test.database),
    bytes: () =>
      runAs({ tenant: 'main' }, async () => {
        const tables = [await textOf('credentials'), await textOf('credential_audit')];
        return Buffer.from(tables.flatMap(({ rows }) => rows.map(({ row }) => row)).join('\n'));
      }),
    close: () => test.drop(),
  };
}

const drivers: Readonly<Record<string, () => Scanned | Promise<Scanned>>> = {
  memory() {
    const storage = memoryStorage();
    const bytes = async (): Promise<Buffer> => {
      const { signal } = new AbortController();
      const { items } = await storage.list({ tenant: 'main', limit: 100 }, { signal });
      const records = await Promise.all(items.map(({ key }) => storage.get(key, { signal })));
      return Buffer.concat(records.map((record) => bytesIn(record)));
    };
    return { storage, bytes, close: () => storage.close() };
  },
  file: () => inFolder((directory) => fileStorage({ directory })),
  'key-value on a file of SQLite': () =>
    inFolder((folder) => keyValueStorage({ store: createDiskStore({ file: join(folder, 'store.sqlite') }) })),
  ...Object.fromEntries(describeDrivers().map((driver) => [driver, () => inDatabase(driver)])),
};

describe('what a storage keeps', () => {
  let close: Scanned['close'] = () => undefined;
  afterEach(() => close());

  it.each(Object.entries(drivers))('holds no plaintext in any form: %s', async (_, open) => {
    const { storage, audit = memoryAudit(), bytes, ...opened } = await open();
    close = opened.close;
    const ring = KeyRing.generate({ id: 'first' });
    const build = (keys: KeyRing) =>
      credentials().storage(storage).keys(keys).tenant('main').defaultScope(scope).audit({ audit }).build();
    const vault = build(ring);
    await vault.store({ id: 'api' }, apiKey(MARKER), { tags: { env: 'production' }, description: 'it can be read' });
    await vault.store({ id: 'login' }, basic('ada', MARKER));
    await vault.store({ id: 'tokens' }, oauth2({ accessToken: MARKER, refreshToken: `r-${MARKER}` }));
    const login = { host: 'db', port: 5432, database: 'app', username: 'ada', password: MARKER };
    await vault.storeMany([{ reference: { id: 'database' }, material: databaseLogin(login) }]);
    await vault.rotate({ id: 'api' }, apiKey(`${MARKER}-2`));
    await vault.rollBack({ id: 'api' });
    await build(ring.rotate({ id: 'second' })).reseal();
    expect((await vault.auditRecords()).length).toBeGreaterThan(5);

    const all = await bytes();
    // The search would find it: what is no secret lies there as it is.
    for (const visible of ['it can be read', 'production', scope]) expect(all.includes(visible)).toBe(true);
    for (const form of formsOf(MARKER)) expect(all.includes(form)).toBe(false);
  });
});

/** The forms in which a text may lie among bytes. */
function formsOf(text: string): readonly (string | Buffer)[] {
  const utf8 = Buffer.from(text);
  // By where it begins, base64 of a text has three forms; a middle part of each is the same whatever is around it.
  const inBase64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), utf8])
      .toString('base64')
      .slice(4, -4),
  );
  return [text, utf8.toString('hex'), ...inBase64, Buffer.from(text, 'utf16le')];
}

/** All bytes and texts in a value. */
function bytesIn(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value !== 'object' || value === null) return Buffer.from(`${String(value)}\n`);
  return Buffer.concat(Object.values(value).map((part) => bytesIn(part)));
}

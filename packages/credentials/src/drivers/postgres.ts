import { currentContext, runInContext } from '@tenon/core';
import { readMigrations, type Database, type MigrationSet, type Tx } from '@tenon/database';
import { credentialError } from '../errors.ts';
import type { CredentialKey } from '../identity/credential-key.ts';
import type {
  CredentialStorage,
  StorageBatch,
  StorageCallOptions,
  StoragePage,
  StoragePut,
  StorageQuery,
} from '../storage/credential-storage.ts';
import { assertForm } from '../storage/encode-record.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { placeOfRow, toPutRow, toStoredCredential, toStoredSummary } from './postgres/credential-row.ts';
import { databaseFailure } from './postgres/database-failure.ts';
import {
  deleteMany,
  isFiltered,
  planAnew,
  putMany,
  putOne,
  selectMany,
  selectOne,
  selectPage,
} from './postgres/statements.ts';

/** The table of {@link postgresStorage}, for {@link Database.migrate}. */
export function credentialMigrations(): MigrationSet {
  return readMigrations('credentials', new URL('../../migrations/', import.meta.url));
}

/**
 * Keeps sealed credentials in a table of PostgreSQL, embedded or a server, under row level security. Each operation, of one credential or of
 * many, is one statement in a short transaction of the credential's tenant: the vault must not be used inside a transaction of the same
 * database, which would refuse it.
 *
 * @param database - with {@link credentialMigrations} applied; it stays open when the storage is closed
 * @example
 * ```ts
 * await database.migrate([credentialMigrations()]);
 * const vault = credentials().storage(postgresStorage(database)).keys(KeyRing.fromEnv(process.env)).build();
 * ```
 */
export function postgresStorage(database: Database): CredentialStorage {
  return new TableStorage(database);
}

class TableStorage implements CredentialStorage {
  readonly name = 'postgres';
  readonly isShared: boolean;
  readonly batch: StorageBatch = Object.freeze<StorageBatch>({
    get: (keys, options) => this.#getMany(keys, options),
    put: (changes, options) => this.#putMany(changes, options),
    delete: (keys, options) => this.#deleteMany(keys, options),
  });
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.isShared = database.driver === 'postgres';
  }

  async get(key: CredentialKey, options: StorageCallOptions): Promise<StoredCredential | undefined> {
    const { rows } = await this.#run('read', key.tenant, options, (tx) => selectOne(key).execute(tx));
    return rows[0] === undefined ? undefined : toStoredCredential(rows[0], key.tenant);
  }

  async put(change: StoragePut, options: StorageCallOptions): Promise<boolean> {
    assertForm(change.record);
    const { tenant } = change.record.key;
    // Encoded at once, here and below: the caller may go on to change what was given.
    const statement = putOne(tenant, toPutRow(change));
    const { rows } = await this.#run('write', tenant, options, (tx) => statement.execute(tx));
    return rows.length === 1;
  }

  async delete(key: CredentialKey, options: StorageCallOptions): Promise<boolean> {
    return (await this.#deleteMany([key], options))[0] === true;
  }

  async list(query: StorageQuery, options: StorageCallOptions): Promise<StoragePage> {
    const { tenant, limit } = query;
    const { rows } = await this.#run('read', tenant, options, async (tx) => {
      if (isFiltered(query)) await planAnew.execute(tx);
      return selectPage(query).execute(tx);
    });
    return {
      items: rows.slice(0, limit).map((row) => toStoredSummary(row, tenant)),
      hasMore: rows.length > limit,
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #getMany(keys: readonly CredentialKey[], options: StorageCallOptions) {
    const tenant = tenantOf(keys);
    if (tenant === undefined) return [];
    const { rows } = await this.#run('read', tenant, options, (tx) => selectMany(tenant, keys).execute(tx));
    const found = new Map(rows.map((row) => [placeOfRow(row), row]));
    return keys.map((key) => {
      const row = found.get(placeOfRow(key));
      return row === undefined ? undefined : toStoredCredential(row, tenant);
    });
  }

  async #putMany(changes: readonly StoragePut[], options: StorageCallOptions): Promise<readonly boolean[]> {
    const keys = changes.map(({ record }) => record.key);
    const tenant = tenantOf(keys);
    if (tenant === undefined) return [];
    for (const { record } of changes) assertForm(record);
    const rows = JSON.stringify(changes.map(toPutRow));
    const places = keys.map(placeOfRow);
    const written = await this.#run('write', tenant, options, (tx) => putMany(tenant, rows).execute(tx));
    const made = new Set(written.rows.map(placeOfRow));
    return places.map((place) => made.has(place));
  }

  async #deleteMany(keys: readonly CredentialKey[], options: StorageCallOptions): Promise<readonly boolean[]> {
    const tenant = tenantOf(keys);
    if (tenant === undefined) return [];
    const places = keys.map(placeOfRow);
    const { rows } = await this.#run('write', tenant, options, (tx) => deleteMany(tenant, keys).execute(tx));
    const gone = new Set(rows.map(placeOfRow));
    return places.map((place) => gone.has(place));
  }

  /** Runs in the tenant of the key, also for a vault that was built for one tenant and runs in none. */
  async #run<T>(
    kind: 'read' | 'write',
    tenant: string,
    { signal }: StorageCallOptions,
    work: (tx: Tx<unknown>) => Promise<T>,
  ): Promise<T> {
    const context = currentContext();
    if (context?.tenant !== undefined && context.tenant !== tenant) {
      throw credentialError(
        'CREDENTIAL_TENANT_MISMATCH',
        'a credential of one tenant was asked for in the work of another',
      );
    }
    try {
      return await runInContext({ ...context, tenant }, () =>
        this.#database.withTenant(work, { signal, readOnly: kind === 'read' }),
      );
    } catch (error) {
      throw databaseFailure(error, kind);
    }
  }
}

function tenantOf(keys: readonly CredentialKey[]): string | undefined {
  const tenant = keys[0]?.tenant;
  if (keys.every((key) => key.tenant === tenant)) return tenant;
  throw credentialError('CREDENTIAL_TENANT_MISMATCH', 'the credentials of one batch must be of one tenant');
}

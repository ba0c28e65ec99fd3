import { AsyncLocalStorage } from 'node:async_hooks';
import { createTelemetry, currentContext, requireTenant, type Telemetry } from '@tenon/core';
import type pg from 'pg';
import { connectWithRetry } from './connect.ts';
import type { Database, PoolStatistics, TransactionOptions, Tx } from './database.ts';
import { databaseError } from './errors.ts';
import { readMigrations } from './migrations/read-migrations.ts';
import { runMigrations } from './migrations/run-migrations.ts';
import type { MigrationReport, MigrationSet } from './migrations/migration.ts';
import { resolveDatabaseOptions, type DatabaseConfig, type DatabaseOptions } from './options.ts';
import { openEmbeddedPool, openServerPool, type OpenPool } from './pools.ts';
import { assertNotAborted, beginStatement, createTransactionBinder, type TransactionBinder } from './transaction.ts';
import { isConnectionFailure, translateError } from './translate-error.ts';

/**
 * Makes a database that has not been reached yet. {@link Database.ready} reaches it; until then a server may be down.
 *
 * @throws `DATABASE_OPTIONS_INVALID` naming the option
 */
export function createDatabase(options: DatabaseOptions): Database {
  return new PooledDatabase(resolveDatabaseOptions(options));
}

/**
 * Opens a database and waits until it answers.
 *
 * @example
 * ```ts
 * const database = await openDatabase({ dataDir: '.tenon/database' });
 * await database.migrate([]);
 * const rows = await runAs({ tenant: 'acme' }, () =>
 *   database.withTables<Tables>().withTenant((tx) => tx.selectFrom('orders').selectAll().execute()),
 * );
 * ```
 * @throws `DATABASE_OPTIONS_INVALID`, `DATABASE_DIRECTORY_LOCKED`, `DATABASE_UNAVAILABLE` or `DATABASE_ACCESS_DENIED`
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = createDatabase(options);
  try {
    await database.ready();
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

type Begin = Parameters<typeof beginStatement>[0];

class PooledDatabase implements Database {
  readonly driver: Database['driver'];
  readonly #config: DatabaseConfig;
  readonly #binder: TransactionBinder;
  readonly #telemetry: Telemetry = createTelemetry('@tenon/database');
  // Marks the work of a running transaction, so that a nested one fails instead of waiting for itself.
  readonly #running = new AsyncLocalStorage<{ open: boolean }>();
  #opening: Promise<OpenPool> | undefined;
  #opened: OpenPool | undefined;
  #ready: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(config: DatabaseConfig) {
    this.#config = config;
    this.driver = config.target.kind;
    this.#binder = createTransactionBinder(config);
  }

  async withTenant<T>(work: (tx: Tx<unknown>) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#transaction({ role: 'tenon_tenant', tenant: requireTenant() }, work, options);
  }

  async withSystem<T>(
    purpose: string,
    work: (tx: Tx<unknown>) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    this.#config.logger.debug({ purpose }, 'transaction across tenants');
    return this.#telemetry.span('database.system', { 'tenon.purpose': purpose }, () =>
      this.#transaction({ role: 'tenon_system' }, work, options),
    );
  }

  withTables<More>(): Database<More> {
    return this as unknown as Database<More>;
  }

  async migrate(sets: readonly MigrationSet[]): Promise<MigrationReport> {
    const { pool } = await this.#open();
    const own = readMigrations('database', new URL('../migrations/', import.meta.url));
    return runMigrations(pool, [own, ...sets]);
  }

  ready(): Promise<void> {
    this.#ready ??= this.#open()
      .then(({ pool }) => connectWithRetry(pool, this.#config))
      .catch((error: unknown) => {
        this.#ready = undefined;
        throw error;
      });
    return this.#ready;
  }

  async ping(): Promise<{ readonly version: string }> {
    const { pool } = await this.#open();
    try {
      const { rows } = await pool.query<{ server_version: string }>('show server_version');
      return { version: rows[0]?.server_version ?? 'unknown' };
    } catch (error) {
      throw this.#translate(error);
    }
  }

  statistics(): PoolStatistics {
    const pool = this.#opened?.pool;
    return {
      total: pool?.totalCount ?? 0,
      idle: pool?.idleCount ?? 0,
      waiting: pool?.waitingCount ?? 0,
      max: this.#config.poolMax,
    };
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      const open = await this.#opening?.catch(() => undefined);
      await open?.pool.end();
      await open?.release();
    })();
    return this.#closing;
  }

  #open(): Promise<OpenPool> {
    if (this.#closing !== undefined) {
      return Promise.reject(databaseError('DATABASE_CLOSED', 'the database has been closed'));
    }
    const { target } = this.#config;
    this.#opening ??= (
      target.kind === 'postgres'
        ? Promise.resolve(openServerPool(this.#config, target.url))
        : openEmbeddedPool(this.#config, target.dataDir)
    ).then(
      (opened) => (this.#opened = opened),
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }

  async #transaction<T>(begin: Begin, work: (tx: Tx<unknown>) => Promise<T>, options: TransactionOptions): Promise<T> {
    if (this.#running.getStore()?.open === true) {
      throw databaseError(
        'DATABASE_NESTED_TRANSACTION',
        'a transaction was started inside another one of the same database, which could wait for itself for ever; use the "tx" at hand',
      );
    }
    const signal = options.signal ?? currentContext()?.signal;
    assertNotAborted(signal);
    const client = await this.#connect();
    let broken = false;
    const state = { open: true };
    const { tx, end } = this.#binder.bind<unknown>(client, signal);
    try {
      await client.query(beginStatement({ ...begin, ...options }));
      const result = await this.#running.run(state, () => work(tx));
      assertNotAborted(signal);
      end();
      await this.#commit(client);
      return result;
    } catch (thrown) {
      end();
      broken = isConnectionFailure(thrown) || !(await rollback(client));
      throw this.#translate(thrown);
    } finally {
      state.open = false;
      // A broken connection is thrown away; the embedded database has only the one.
      client.release(broken && this.driver === 'postgres');
    }
  }

  async #commit(client: pg.PoolClient): Promise<void> {
    try {
      await client.query('commit');
    } catch (error) {
      if (!isConnectionFailure(error)) throw error;
      throw databaseError(
        'DATABASE_COMMIT_UNKNOWN',
        'the connection broke during the commit: the change may or may not have been made. Look before you repeat it',
        { cause: error },
      );
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      const { pool } = await this.#open();
      return await pool.connect();
    } catch (error) {
      throw this.#translate(error);
    }
  }

  #translate(thrown: unknown): unknown {
    // What the work itself threw is the caller's own; only failures of the driver are translated.
    return isDriverFailure(thrown) ? translateError(thrown) : thrown;
  }
}

function isDriverFailure(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return 'severity' in thrown || isConnectionFailure(thrown) || /^timeout exceeded when/.test(thrown.message);
}

async function rollback(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('rollback');
    return true;
  } catch {
    return false;
  }
}

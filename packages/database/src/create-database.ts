import { AsyncLocalStorage } from 'node:async_hooks';
import {
  createTaskTracker,
  createTelemetry,
  currentContext,
  requireTenant,
  type TaskTracker,
  type Telemetry,
} from '@tenon/core';
import type pg from 'pg';
import { connectWithRetry } from './connect.ts';
import type { Database, PoolStatistics, TransactionOptions, Tx } from './database.ts';
import { databaseError } from './errors.ts';
import { maintainTables } from './maintain.ts';
import { readMigrations } from './migrations/read-migrations.ts';
import { runMigrations } from './migrations/run-migrations.ts';
import type { MigrationReport, MigrationSet } from './migrations/migration.ts';
import { resolveDatabaseOptions, type DatabaseConfig, type DatabaseOptions } from './options.ts';
import { openEmbeddedPool, openServerPool, type OpenPool } from './pools.ts';
import { runTransaction, type BeginOptions } from './run-transaction.ts';
import { assertNotAborted, createTransactionBinder, type TransactionBinder } from './transaction.ts';
import { translateError } from './translate-error.ts';

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
 * @throws `DATABASE_OPTIONS_INVALID`, and what {@link Database.ready} throws
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

class PooledDatabase implements Database {
  readonly driver: Database['driver'];
  readonly #config: DatabaseConfig;
  readonly #binder: TransactionBinder;
  readonly #telemetry: Telemetry = createTelemetry('@tenon/database');
  // Marks the work of a running transaction, so that a nested one fails instead of waiting for itself.
  readonly #running = new AsyncLocalStorage<{ open: boolean }>();
  // What close() waits for: the pool itself would forget those who still wait for a connection.
  readonly #inHand: TaskTracker = createTaskTracker();
  readonly #stopped = new AbortController();
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

  withTables<More>(): Database<More>;
  withTables(): unknown {
    return this;
  }

  async migrate(sets: readonly MigrationSet[]): Promise<MigrationReport> {
    this.#assertNotNested();
    return this.#inHand.run(async () => {
      const { pool } = await this.#open();
      const own = readMigrations('database', new URL('../migrations/', import.meta.url));
      const report = await runMigrations(pool, [own, ...sets]);
      if (report.applied.length > 0) this.#binder.renew();
      return report;
    });
  }

  ready(): Promise<void> {
    this.#ready ??= this.#inHand
      .run(async () => {
        const { pool } = await this.#open();
        await connectWithRetry(pool, this.#config, this.#stopped.signal);
      })
      .catch((error: unknown) => {
        this.#ready = undefined;
        throw error;
      });
    return this.#ready;
  }

  async ping(): Promise<{ readonly version: string }> {
    this.#assertNotNested();
    return this.#inHand.run(async () => {
      const { pool } = await this.#open();
      const { rows } = await pool.query<{ server_version: string }>('show server_version').catch((error: unknown) => {
        throw translateError(error);
      });
      return { version: rows[0]?.server_version ?? 'unknown' };
    });
  }

  async maintain(): Promise<readonly string[]> {
    this.#assertNotNested();
    return this.#inHand.run(async () => maintainTables((await this.#open()).pool, this.driver === 'pglite'));
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

  async close(): Promise<void> {
    this.#assertNotNested();
    this.#closing ??= (async () => {
      this.#stopped.abort();
      await this.#inHand.idle();
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

  async #transaction<T>(
    who: Pick<BeginOptions, 'role' | 'tenant'>,
    work: (tx: Tx<unknown>) => Promise<T>,
    options: TransactionOptions,
  ): Promise<T> {
    this.#assertNotNested();
    const signal = options.signal ?? currentContext()?.signal;
    assertNotAborted(signal);
    return this.#inHand.run(async () => {
      const client = await this.#connect();
      const state = { open: true };
      const end = await runTransaction({
        client,
        binder: this.#binder,
        begin: { ...who, ...options },
        signal,
        irreplaceable: this.driver === 'pglite',
        pipelined: this.driver === 'postgres',
        work: (tx) => this.#running.run(state, () => work(tx)),
      });
      state.open = false;
      client.release(!end.reusable && this.driver === 'postgres');
      if (end.committed) return end.result;
      throw end.error;
    });
  }

  async #connect(): Promise<pg.PoolClient> {
    const { pool } = await this.#open();
    try {
      return await pool.connect();
    } catch (error) {
      throw translateError(error);
    }
  }

  #assertNotNested(): void {
    if (this.#running.getStore()?.open !== true) return;
    throw databaseError(
      'DATABASE_NESTED_TRANSACTION',
      'the database was used inside one of its own transactions, which could wait for itself for ever; use the "tx" at hand',
    );
  }
}

import {
  isCodedError,
  runInContext,
  silentLogger,
  systemClock,
  toError,
  type Clock,
  type CodedError,
  type Logger,
} from '@tenon/core';
import { readMigrations, type Database, type MigrationSet, type Tx } from '@tenon/database';
import { sql, type RawBuilder } from 'kysely';
import {
  assertKey,
  assertValue,
  checkedOption,
  DEFAULT_MAX_VALUE_BYTES,
  LARGEST_MAX_VALUE_BYTES,
  readTtl,
} from '../entry-limits.ts';
import { kvError } from '../errors.ts';
import type { KeyValueStore, WriteOptions } from '../key-value-store.ts';

/** What {@link createPostgresStore} takes. */
export interface PostgresStoreOptions {
  /** Where the values are kept, with {@link kvMigrations} applied. It stays open when the store is closed. */
  readonly database: Database;
  /** What time limits are measured by. Default: the clock of the database, which all processes share. */
  readonly clock?: Clock;
  /** Largest single value in bytes, 1 to 268,435,456. Default 16,777,216. */
  readonly maxValueBytes?: number;
  /**
   * How often the writes of this store delete what has expired, in milliseconds, 1,000 to 86,400,000. Each time it goes in small
   * transactions beside the write that began it. Default 60,000.
   */
  readonly sweepIntervalMs?: number;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** The table of {@link createPostgresStore}, for {@link Database.migrate}. */
export function kvMigrations(): MigrationSet {
  return readMigrations('kv', new URL('../../migrations/', import.meta.url));
}

// Small, so that the row locks of a batch never hold up a request for long.
const SWEEP_BATCH = 500;

/**
 * A store in a table of PostgreSQL, embedded or a server. Each operation is one short transaction of the system role: it must
 * not be called inside a transaction of the same database, which would refuse it.
 *
 * @throws `KV_OPTIONS_INVALID` naming the option
 * @example
 * ```ts
 * await database.migrate([kvMigrations()]);
 * const store = createPostgresStore({ database });
 * ```
 */
export function createPostgresStore(options: PostgresStoreOptions): KeyValueStore {
  return new TableStore(options);
}

class TableStore implements KeyValueStore {
  readonly #database: Database;
  readonly #clock: Clock | undefined;
  readonly #timer: Clock;
  readonly #maxValueBytes: number;
  readonly #sweepIntervalMs: number;
  readonly #logger: Logger;
  #sweptAtMs: number;
  #sweep: Promise<void> | undefined;
  #closed = false;

  constructor(options: PostgresStoreOptions) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#timer = options.clock ?? systemClock;
    const maxValueBytes = options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
    this.#maxValueBytes = checkedOption('maxValueBytes', maxValueBytes, 1, LARGEST_MAX_VALUE_BYTES);
    const sweepIntervalMs = options.sweepIntervalMs ?? 60_000;
    this.#sweepIntervalMs = checkedOption('sweepIntervalMs', sweepIntervalMs, 1_000, 86_400_000);
    this.#logger = options.logger ?? silentLogger;
    this.#sweptAtMs = this.#timer.monotonicMs();
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#check(key);
    const rows = await this.#run((tx) =>
      sql<{ value: Buffer }>`select value from kv_entries where key = ${key} and ${this.#live()}`.execute(tx),
    );
    return rows[0] === undefined ? undefined : new Uint8Array(rows[0].value);
  }

  async set(key: string, value: Uint8Array, options?: WriteOptions): Promise<void> {
    this.#check(key);
    const bytes = this.#copy(value);
    const expires = this.#expiry(readTtl(options));
    await this.#write((tx) =>
      sql`insert into kv_entries (key, value, expires_at) values (${key}, ${bytes}, ${expires})
        on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at returning 1`.execute(
        tx,
      ),
    );
  }

  async delete(key: string): Promise<boolean> {
    this.#check(key);
    return this.#write((tx) =>
      sql`delete from kv_entries where key = ${key} and ${this.#live()} returning 1`.execute(tx),
    );
  }

  async setIfAbsent(key: string, value: Uint8Array, options?: WriteOptions): Promise<boolean> {
    this.#check(key);
    return this.#insert(key, this.#copy(value), readTtl(options));
  }

  async compareAndSet(
    key: string,
    expected: Uint8Array | undefined,
    next: Uint8Array | undefined,
    options?: WriteOptions,
  ): Promise<boolean> {
    this.#check(key);
    const before = expected === undefined ? undefined : this.#copy(expected);
    const after = next === undefined ? undefined : this.#copy(next);
    const ttlMs = readTtl(options);
    if (before === undefined) {
      return after === undefined ? (await this.get(key)) === undefined : this.#insert(key, after, ttlMs);
    }
    const matches = sql`key = ${key} and value = ${before} and ${this.#live()}`;
    return this.#write((tx) =>
      after === undefined
        ? sql`delete from kv_entries where ${matches} returning 1`.execute(tx)
        : sql`update kv_entries set value = ${after}, expires_at = ${this.#expiry(ttlMs)} where ${matches} returning 1`.execute(
            tx,
          ),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#sweep;
  }

  #insert(key: string, value: Buffer, ttlMs: number | undefined): Promise<boolean> {
    return this.#write((tx) =>
      sql`insert into kv_entries (key, value, expires_at) values (${key}, ${value}, ${this.#expiry(ttlMs)})
        on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at
        where kv_entries.expires_at <= ${this.#now()} returning 1`.execute(tx),
    );
  }

  #check(key: string): void {
    if (this.#closed) throw kvError('KV_CLOSED', 'the key-value store has been closed');
    assertKey(key);
  }

  // Copied at once, because the statement is sent later.
  #copy(value: Uint8Array): Buffer {
    assertValue(value, this.#maxValueBytes);
    return Buffer.from(value);
  }

  // Not now(), which stands still while a transaction waits for another one's lock on the row.
  #now(): RawBuilder<unknown> {
    return this.#clock === undefined
      ? sql`clock_timestamp()`
      : sql`${new Date(this.#clock.now()).toISOString()}::timestamptz`;
  }

  #live(): RawBuilder<unknown> {
    return sql`(expires_at is null or expires_at > ${this.#now()})`;
  }

  #expiry(ttlMs: number | undefined): RawBuilder<unknown> {
    return ttlMs === undefined ? sql`null` : sql`${this.#now()} + ${ttlMs}::float8 * interval '1 millisecond'`;
  }

  async #run<Row>(statement: (tx: Tx<unknown>) => Promise<{ readonly rows: readonly Row[] }>): Promise<readonly Row[]> {
    try {
      return (await this.#database.withSystem('kv', statement)).rows;
    } catch (error) {
      throw translate(error);
    }
  }

  async #write(statement: (tx: Tx<unknown>) => Promise<{ readonly rows: readonly unknown[] }>): Promise<boolean> {
    const rows = await this.#run(statement);
    this.#sweepWhenDue();
    return rows.length === 1;
  }

  #sweepWhenDue(): void {
    const now = this.#timer.monotonicMs();
    if (this.#closed || this.#sweep !== undefined || now - this.#sweptAtMs < this.#sweepIntervalMs) return;
    this.#sweptAtMs = now;
    // Not the context of the request that happens to begin it: that one may be aborted.
    this.#sweep = runInContext({ actor: { type: 'system', id: 'kv-sweep' } }, () => this.#deleteExpired())
      .catch((error: unknown) => this.#logger.warn({ err: error }, 'expired key-value entries could not be deleted'))
      .finally(() => (this.#sweep = undefined));
  }

  async #deleteExpired(): Promise<void> {
    // A fixed moment and not clock_timestamp(), which could not use the index.
    const moment = this.#clock === undefined ? sql`now()` : this.#now();
    while (!this.#closed) {
      const deleted = await this.#run((tx) =>
        sql`delete from kv_entries where key = any (array(
          select key from kv_entries where expires_at <= ${moment} limit ${SWEEP_BATCH} for update skip locked)) returning 1`.execute(
          tx,
        ),
      );
      if (deleted.length < SWEEP_BATCH) return;
    }
  }
}

function translate(thrown: unknown): CodedError {
  const error = toError(thrown);
  if (isCodedError(error, 'DATABASE_ABORTED')) {
    return kvError('KV_ABORTED', 'the caller gave up before the operation was finished', { cause: error });
  }
  if (isCodedError(error, 'DATABASE_CLOSED')) {
    return kvError('KV_CLOSED', 'the database beneath the key-value store has been closed', { cause: error });
  }
  if (isCodedError(error) && (error.retryable || error.code === 'DATABASE_COMMIT_UNKNOWN')) {
    return kvError('KV_UNAVAILABLE', `the key-value store in the database is not available (${error.code})`, {
      cause: error,
      retryable: true,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    });
  }
  const reason = isCodedError(error) ? ` (${error.code})` : '';
  return kvError('KV_FAILED', `the key-value store in the database could not run an operation${reason}`, {
    cause: error,
  });
}

import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { systemClock, toError, type Clock, type CodedError } from '@tenon/core';
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

/** What {@link createDiskStore} takes. */
export interface DiskStoreOptions {
  /** Path of the file. It and its folder are made when missing, readable by this user alone. */
  readonly file: string;
  /** What time limits are measured by: its wall clock, for they outlive the process. Default: the machine's clock. */
  readonly clock?: Clock;
  /** Largest single value in bytes, 1 to 268,435,456. Default 16,777,216. */
  readonly maxValueBytes?: number;
  /**
   * How long an operation waits for another process that is writing, in milliseconds, 0 to 60,000. The whole process waits
   * with it. Default 1,000.
   */
  readonly busyTimeoutMs?: number;
}

// 'tnkv' in ASCII: tells our files from other programs' in SQLite's header.
const APPLICATION_ID = 0x74_6e_6b_76;
const SCHEMA_VERSION = 1;
const SWEEP_EVERY_WRITES = 64;
const SWEEP_BATCH = 256;

const SCHEMA = `
  create table entries (key text primary key, value blob not null, expires_at_ms integer) strict;
  create index entries_expiry on entries (expires_at_ms) where expires_at_ms is not null;
  pragma application_id = ${APPLICATION_ID};
  pragma user_version = ${SCHEMA_VERSION};
`;

const LIVE = '(expires_at_ms is null or expires_at_ms > :now)';
const STATEMENTS = {
  get: `select value from entries where key = :key and ${LIVE}`,
  set: `insert into entries (key, value, expires_at_ms) values (:key, :value, :expires)
    on conflict (key) do update set value = excluded.value, expires_at_ms = excluded.expires_at_ms`,
  setIfAbsent: `insert into entries (key, value, expires_at_ms) values (:key, :value, :expires)
    on conflict (key) do update set value = excluded.value, expires_at_ms = excluded.expires_at_ms
    where not (entries.expires_at_ms is null or entries.expires_at_ms > :now)`,
  replace: `update entries set value = :value, expires_at_ms = :expires where key = :key and value = :expected and ${LIVE}`,
  delete: `delete from entries where key = :key and ${LIVE}`,
  deleteEqual: `delete from entries where key = :key and value = :expected and ${LIVE}`,
  sweep: `delete from entries where rowid in (select rowid from entries where expires_at_ms <= :now limit ${SWEEP_BATCH})`,
} as const;

/**
 * A store in one SQLite file: it survives restarts and `kill -9` (write-ahead log, synchronised to the disk at each write), and
 * several processes of one machine may use it at once. Operations run on the calling thread; a write takes as long as
 * the disk needs to confirm it.
 *
 * @throws `KV_OPTIONS_INVALID` naming the option; `KV_UNAVAILABLE` when the file cannot be opened; `KV_FAILED` when it holds
 *   something else
 * @example
 * ```ts
 * const store = createDiskStore({ file: '.tenon/kv.sqlite' });
 * ```
 */
export function createDiskStore(options: DiskStoreOptions): KeyValueStore {
  return new SqliteStore(options);
}

class SqliteStore implements KeyValueStore {
  readonly #clock: Clock;
  readonly #maxValueBytes: number;
  readonly #database: DatabaseSync;
  readonly #statements: Record<keyof typeof STATEMENTS, StatementSync>;
  #writes = 0;
  #closed = false;

  constructor(options: DiskStoreOptions) {
    this.#clock = options.clock ?? systemClock;
    const maxValueBytes = options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
    this.#maxValueBytes = checkedOption('maxValueBytes', maxValueBytes, 1, LARGEST_MAX_VALUE_BYTES);
    const busyTimeoutMs = checkedOption('busyTimeoutMs', options.busyTimeoutMs ?? 1_000, 0, 60_000);
    if (typeof options.file !== 'string' || options.file === '') {
      throw kvError('KV_OPTIONS_INVALID', 'key-value store option "file" must be the path of a file', {
        details: { option: 'file' },
      });
    }
    this.#database = openFile(resolve(options.file), busyTimeoutMs);
    const prepare = (text: string): StatementSync => this.#database.prepare(text);
    this.#statements = {
      get: prepare(STATEMENTS.get),
      set: prepare(STATEMENTS.set),
      setIfAbsent: prepare(STATEMENTS.setIfAbsent),
      replace: prepare(STATEMENTS.replace),
      delete: prepare(STATEMENTS.delete),
      deleteEqual: prepare(STATEMENTS.deleteEqual),
      sweep: prepare(STATEMENTS.sweep),
    };
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#check(key);
    return this.#read(key);
  }

  async set(key: string, value: Uint8Array, options?: WriteOptions): Promise<void> {
    this.#check(key);
    assertValue(value, this.#maxValueBytes);
    this.#write('set', { key, value, expires: this.#expiry(options) });
  }

  async delete(key: string): Promise<boolean> {
    this.#check(key);
    return this.#write('delete', { key, now: this.#clock.now() });
  }

  async setIfAbsent(key: string, value: Uint8Array, options?: WriteOptions): Promise<boolean> {
    this.#check(key);
    assertValue(value, this.#maxValueBytes);
    return this.#write('setIfAbsent', { key, value, expires: this.#expiry(options), now: this.#clock.now() });
  }

  async compareAndSet(
    key: string,
    expected: Uint8Array | undefined,
    next: Uint8Array | undefined,
    options?: WriteOptions,
  ): Promise<boolean> {
    this.#check(key);
    if (expected !== undefined) assertValue(expected, this.#maxValueBytes);
    if (next !== undefined) assertValue(next, this.#maxValueBytes);
    const expires = this.#expiry(options);
    const now = this.#clock.now();
    if (expected === undefined) {
      return next === undefined
        ? this.#read(key) === undefined
        : this.#write('setIfAbsent', { key, value: next, expires, now });
    }
    return next === undefined
      ? this.#write('deleteEqual', { key, expected, now })
      : this.#write('replace', { key, expected, value: next, expires, now });
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#database.close();
    }
    return Promise.resolve();
  }

  #check(key: string): void {
    if (this.#closed) throw kvError('KV_CLOSED', 'the key-value store has been closed');
    assertKey(key);
  }

  #expiry(options: WriteOptions | undefined): number | null {
    const ttlMs = readTtl(options);
    return ttlMs === undefined ? null : this.#clock.now() + ttlMs;
  }

  #read(key: string): Uint8Array | undefined {
    try {
      const row = this.#statements.get.get({ key, now: this.#clock.now() });
      return row === undefined ? undefined : (row['value'] as Uint8Array);
    } catch (error) {
      throw translate(error);
    }
  }

  #write(statement: keyof typeof STATEMENTS, parameters: Record<string, string | number | null | Uint8Array>): boolean {
    try {
      const { changes } = this.#statements[statement].run(parameters);
      this.#writes += 1;
      if (this.#writes % SWEEP_EVERY_WRITES === 0) this.#statements.sweep.run({ now: this.#clock.now() });
      return changes === 1;
    } catch (error) {
      throw translate(error);
    }
  }
}

function openFile(file: string, busyTimeoutMs: number): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600)); // SQLite would make it readable for everybody
    database = new DatabaseSync(file, { timeout: busyTimeoutMs });
    database.exec('pragma journal_mode = wal; pragma synchronous = full; begin immediate');
    const { application_id: id } = database.prepare('pragma application_id').get() as { application_id: number };
    const { user_version: version } = database.prepare('pragma user_version').get() as { user_version: number };
    const { tables } = database.prepare('select count(*) as tables from sqlite_schema').get() as { tables: number };
    if (tables === 0) database.exec(SCHEMA);
    else if (id !== APPLICATION_ID || version !== SCHEMA_VERSION) {
      throw kvError(
        'KV_FAILED',
        `the file "${file}" is no key-value store of this version; give the store another path`,
      );
    }
    database.exec('commit');
    return database;
  } catch (error) {
    database?.close();
    throw translate(error, `the key-value store "${file}" could not be opened`);
  }
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;

// SQLite manual, "Result and Error Codes": the primary code is in the low byte.
function translate(thrown: unknown, doing = 'the key-value store on disk could not run an operation'): CodedError {
  const error = toError(thrown) as Error & { readonly errcode?: number; readonly code?: string };
  if (error.name.startsWith('KV_')) return error as CodedError;
  const primary = error.errcode === undefined ? undefined : error.errcode & 0xff;
  if (primary === SQLITE_FULL || error.code === 'ENOSPC') {
    return kvError('KV_FULL', `${doing}: the disk is full`, { cause: error, retryable: true });
  }
  const canRetry =
    primary === undefined
      ? error.code !== undefined
      : [SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_CANTOPEN].includes(primary);
  return canRetry
    ? kvError('KV_UNAVAILABLE', doing, { cause: error, retryable: true })
    : kvError('KV_FAILED', doing, { cause: error });
}

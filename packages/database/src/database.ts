import type { Transaction } from 'kysely';
import type { MigrationReport, MigrationSet } from './migrations/migration.ts';

/**
 * One open transaction, as Kysely sees it: the whole query builder, bound to this transaction. It ends with the work that
 * received it and must not be kept.
 */
export type Tx<Tables> = Transaction<Tables>;

/** What a transaction may be told. */
export interface TransactionOptions {
  /** Default `read committed`, as in PostgreSQL. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /** Refuses writes. Default `false`. */
  readonly readOnly?: boolean;
  /**
   * Once it aborts no further statement starts, and the transaction is rolled back; a statement that runs is not interrupted.
   * Default: the context's signal.
   */
  readonly signal?: AbortSignal;
}

/** The pool at this moment. */
export interface PoolStatistics {
  /** Connections open. */
  readonly total: number;
  /** Connections open and unused. */
  readonly idle: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
  /** The most connections that will ever be open. */
  readonly max: number;
}

/**
 * A PostgreSQL database with tenants in it: embedded (PGlite) or a server.
 *
 * All access is through transactions that run as a role without any privilege to see around row level security. There is
 * no way to send a statement outside of one.
 *
 * @typeParam Tables - row types by table name, as Kysely wants them; {@link Database.withTables} names them
 */
export interface Database<Tables = unknown> {
  readonly driver: 'pglite' | 'postgres';

  /**
   * Runs work in one transaction that sees only the rows of the context's tenant, and whose inserts belong to it. The
   * transaction commits when the work's promise resolves, and is rolled back when it rejects: to keep a change although
   * the request fails, return an outcome and throw afterwards.
   *
   * What the work throws is passed on as it is; errors of its statements are coded ones already.
   *
   * @throws `TENANT_REQUIRED` when the running context has no tenant
   * @throws `DATABASE_NESTED_TRANSACTION` inside another transaction of this database: use the `tx` at hand
   * @throws `DATABASE_BUSY` when no connection came free in time; `DATABASE_UNAVAILABLE` when the server cannot be reached
   * @throws `DATABASE_ABORTED` when the signal fired; `DATABASE_CLOSED` after {@link Database.close}
   * @throws `DATABASE_ROLLED_BACK` when the work caught the error of a statement and went on: nothing of it was kept
   * @throws `DATABASE_COMMIT_UNKNOWN` when the connection broke during the commit: it may or may not have happened
   */
  withTenant<T>(work: (tx: Tx<Tables>) => Promise<T>, options?: TransactionOptions): Promise<T>;

  /**
   * Runs work in one transaction that sees the rows of every tenant. For what has no tenant yet (signing in, creating a
   * tenant) and for maintenance; never for a request that has one.
   *
   * @param purpose - why the isolation is set aside, for example `sign-in`: it is logged and traced
   * @throws the same as {@link Database.withTenant}, except that it needs no tenant
   */
  withSystem<T>(purpose: string, work: (tx: Tx<Tables>) => Promise<T>, options?: TransactionOptions): Promise<T>;

  /** This same database, seen through a package's table types. */
  withTables<More>(): Database<More>;

  /**
   * Brings the schema up to date. Safe when several processes start together: one works, the others wait for it.
   *
   * @param sets - the migrations of each package, in order of dependence
   * @throws `MIGRATION_CHANGED` when an applied file was edited; `MIGRATION_NEWER` when the database is ahead of this
   *   program; `MIGRATION_INVALID` when a set has gaps; `MIGRATION_FAILED` when a statement failed (nothing of its file stays)
   */
  migrate(sets: readonly MigrationSet[]): Promise<MigrationReport>;

  /**
   * Waits until the database answers: opens the data directory, or connects with back-off until the deadline. Called again,
   * it returns at once, or tries again when it had failed.
   *
   * @throws `DATABASE_UNAVAILABLE` after the deadline; `DATABASE_ACCESS_DENIED` and `DATABASE_TLS_FAILED` at once
   * @throws `DATABASE_DIRECTORY_LOCKED` when another process has the data directory open
   */
  ready(): Promise<void>;

  /** One round trip. @throws `DATABASE_UNAVAILABLE` or `DATABASE_BUSY` when it fails */
  ping(): Promise<{ readonly version: string }>;

  /**
   * Refreshes the planner's statistics of tables that changed much, and on the embedded database frees dead rows, which nothing
   * else does there. Run it after loading much data, and every few minutes on the embedded database.
   *
   * @returns the tables that were worked on
   */
  maintain(): Promise<readonly string[]>;

  /** The pool at this moment. */
  statistics(): PoolStatistics;

  /** Refuses new work, waits for what runs or waits already, and lets go of connections and locks. Idempotent. */
  close(): Promise<void>;
}

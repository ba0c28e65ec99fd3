import { createHash } from 'node:crypto';
import {
  DefaultQueryExecutor,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SingleConnectionProvider,
  Transaction,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import type pg from 'pg';
import { toParameter } from './array-parameter.ts';
import { databaseError } from './errors.ts';
import { isConnectionFailure, isStalePlan, translateError } from './translate-error.ts';

/** A checked-out client as a Kysely transaction. */
export interface BoundTransaction<Tables> {
  readonly tx: Transaction<Tables>;
  /** Refuses further statements, and waits for one that is still running. */
  end(): Promise<void>;
  /** Whether the connection turned out to be unfit for further use. */
  isBroken(): boolean;
}

/** Turns checked-out clients into Kysely transactions. */
export interface TransactionBinder {
  bind<Tables>(client: pg.PoolClient, signal: AbortSignal | undefined): BoundTransaction<Tables>;
  /** Gives prepared statements new names, because tables have changed beneath the old ones. */
  renew(): void;
}

// Every access goes through a transaction that this package began, so Kysely itself must never reach for a connection.
const refusingDriver: Driver = {
  init: () => Promise.resolve(),
  destroy: () => Promise.resolve(),
  acquireConnection: () =>
    Promise.reject(databaseError('DATABASE_CLOSED', 'a query ran outside of the transaction that it belongs to')),
  beginTransaction: () => Promise.resolve(),
  commitTransaction: () => Promise.resolve(),
  rollbackTransaction: () => Promise.resolve(),
  releaseConnection: () => Promise.resolve(),
};

const dialect: Dialect = {
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => refusingDriver,
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
};

/** Makes the binder of one database. */
export function createTransactionBinder(options: { readonly preparedStatements: boolean }): TransactionBinder {
  const executor = new DefaultQueryExecutor(
    dialect.createQueryCompiler(),
    dialect.createAdapter(),
    { provideConnection: () => refusingDriver.acquireConnection() as never },
    [],
  );
  const names = createStatementNames();

  return {
    bind<Tables>(client: pg.PoolClient, signal: AbortSignal | undefined) {
      let open = true;
      let broken = false;
      let running: Promise<unknown> = Promise.resolve();

      const send = async <R>(query: CompiledQuery): Promise<QueryResult<R>> => {
        if (!open)
          throw databaseError('DATABASE_CLOSED', 'the transaction has ended; do not keep "tx" beyond its work');
        assertNotAborted(signal);
        const name = options.preparedStatements ? names.nameOf(query.sql) : undefined;
        try {
          const result = await client.query<pg.QueryResultRow>({
            ...(name === undefined ? {} : { name }),
            text: query.sql,
            values: query.parameters.map(toParameter),
          });
          return toQueryResult<R>(result);
        } catch (error) {
          broken ||= isConnectionFailure(error) || isStalePlan(error);
          throw translateError(error);
        }
      };

      const connection: DatabaseConnection = {
        // Kysely sends the statements of one connection one after the other, also when they are started together.
        executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
          const result = send<R>(query);
          running = result.catch(() => undefined);
          return result;
        },
        streamQuery(): AsyncIterableIterator<never> {
          throw databaseError('DATABASE_QUERY_FAILED', 'streaming is not offered: page by key instead');
        },
      };
      const props = {
        config: { dialect },
        dialect,
        driver: refusingDriver,
        executor: executor.withConnectionProvider(new SingleConnectionProvider(connection)),
      };
      return {
        tx: new Transaction<Tables>(props),
        async end(): Promise<void> {
          open = false;
          await running;
        },
        isBroken: () => broken,
      };
    },
    renew: () => names.renew(),
  };
}

function toQueryResult<R>({ rows, command, rowCount }: pg.QueryResult<pg.QueryResultRow>): QueryResult<R> {
  return { rows: rows as R[], ...(command === 'SELECT' ? {} : { numAffectedRows: BigInt(rowCount ?? 0) }) };
}

// PostgreSQL keeps a prepared statement for each connection for ever, and filters can be combined freely. So a text gets a name
// only when it comes again while it is remembered, only this many ever do, and very long ones (bulk writes) never.
const MAX_NAMES = 200;
const MAX_SEEN_ONCE = 1_000;
const MAX_NAMED_LENGTH = 8_192;

function createStatementNames(): { nameOf(text: string): string | undefined; renew(): void } {
  const names = new Map<string, string>();
  const seenOnce = new Set<string>();
  let generation = 0;

  return {
    nameOf(text: string): string | undefined {
      const known = names.get(text);
      if (known !== undefined || names.size >= MAX_NAMES || text.length > MAX_NAMED_LENGTH) return known;
      if (!seenOnce.delete(text)) {
        if (seenOnce.size >= MAX_SEEN_ONCE) seenOnce.delete(seenOnce.values().next().value ?? '');
        seenOnce.add(text);
        return undefined;
      }
      const name = `tenon_${generation}_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
      names.set(text, name);
      return name;
    },
    renew(): void {
      generation += 1;
      names.clear();
      seenOnce.clear();
    },
  };
}

/** @throws `DATABASE_ABORTED` once the signal has fired */
export function assertNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw databaseError(
    'DATABASE_ABORTED',
    'the caller gave up before the transaction was finished; it was rolled back',
    { cause: signal.reason },
  );
}

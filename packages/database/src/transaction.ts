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
import pg from 'pg';
import { databaseError } from './errors.ts';
import { translateError } from './translate-error.ts';

/** Turns a checked-out client into a Kysely transaction. */
export interface TransactionBinder {
  bind<Tables>(client: pg.PoolClient, signal: AbortSignal | undefined): { tx: Transaction<Tables>; end(): void };
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

// PostgreSQL keeps a prepared statement's plan for each connection for ever. Beyond this many distinct texts (filters can
// be combined freely), further ones are sent unprepared.
const MAX_PREPARED_TEXTS = 200;

/** Makes the binder of one database. */
export function createTransactionBinder(options: { readonly preparedStatements: boolean }): TransactionBinder {
  const executor = new DefaultQueryExecutor(
    dialect.createQueryCompiler(),
    dialect.createAdapter(),
    { provideConnection: () => refusingDriver.acquireConnection() as never },
    [],
  );
  const names = new Map<string, string>();

  const nameOf = (text: string): string | undefined => {
    if (!options.preparedStatements) return undefined;
    const known = names.get(text);
    if (known !== undefined || names.size >= MAX_PREPARED_TEXTS) return known;
    const name = `tenon_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
    names.set(text, name);
    return name;
  };

  return {
    bind<Tables>(client: pg.PoolClient, signal: AbortSignal | undefined) {
      let open = true;
      const connection: DatabaseConnection = {
        async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
          if (!open)
            throw databaseError('DATABASE_CLOSED', 'the transaction has ended; do not keep "tx" beyond its work');
          assertNotAborted(signal);
          const name = nameOf(query.sql);
          try {
            const result = await client.query<pg.QueryResultRow>({
              ...(name === undefined ? {} : { name }),
              text: query.sql,
              values: query.parameters as unknown[],
            });
            return {
              rows: result.rows as R[],
              ...(result.command === 'SELECT' ? {} : { numAffectedRows: BigInt(result.rowCount ?? 0) }),
            };
          } catch (error) {
            throw translateError(error);
          }
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
        end(): void {
          open = false;
        },
      };
    },
  };
}

/** @throws `DATABASE_ABORTED` once the signal has fired */
export function assertNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw databaseError(
    'DATABASE_ABORTED',
    'the caller gave up before the transaction was finished; it was rolled back',
    {
      cause: signal.reason,
    },
  );
}

/** The one statement that begins a transaction: role, tenant and limits travel with it, in a single round trip. */
export function beginStatement(options: {
  readonly role: string;
  readonly tenant?: string;
  readonly isolation?: string;
  readonly readOnly?: boolean;
}): string {
  const isolation = options.isolation === undefined ? '' : ` isolation level ${options.isolation}`;
  const access = options.readOnly === true ? ' read only' : '';
  const tenant =
    options.tenant === undefined ? '' : `; set local tenon.tenant_id = ${pg.escapeLiteral(options.tenant)}`;
  return `begin${isolation}${access}; set local role ${options.role}${tenant}`;
}

import type pg from 'pg';
import type { ResourceToken } from '../definition/resource-token.ts';
import { connectPostgres } from './postgres/connect-postgres.ts';
import { postgresDialect } from './postgres/postgres-dialect.ts';
import { defineSqlResource } from './sql/define-sql-resource.ts';
import type { SqlFace } from './sql/sql-face.ts';
import type { SqlOptions, SqlSettings } from './sql/sql-settings.ts';

export type {
  SqlFace,
  SqlField,
  SqlQueries,
  SqlResult,
  SqlServerInfo,
  StatementOptions,
  TransactionOptions,
} from './sql/sql-face.ts';
export type { SqlOptions, SqlSettings } from './sql/sql-settings.ts';

/** What borrowers of a PostgreSQL get. `client` is that of `pg`. */
export type PostgresFace = SqlFace<pg.Client>;

/**
 * A PostgreSQL, 13 or newer, through `pg`.
 *
 * Whole numbers of 64 bits: see `bigints`. `numeric` stays text, so that nothing is rounded; a `date` is text, as it has no time zone.
 *
 * @example
 * ```ts
 * const ordersDb = postgres('orders-db', {
 *   url: 'postgresql://db.acme.example/orders',
 *   credentials: { login: 'orders-db-login' },
 *   pool: { max: 20 },
 * });
 * await using db = await resources.acquire(ordersDb);
 * await db.transaction(async (tx) => {
 *   await tx.execute('update stock set amount = amount - $1 where sku = $2', [2, sku]);
 *   await tx.execute('insert into orders (sku, amount) values ($1, $2)', [sku, 2]);
 * });
 * ```
 * @throws `RESOURCE_CONFIGURATION_INVALID` for a malformed name or version; settings are checked when it is registered
 */
export function postgres(name: string, options: SqlOptions = {}): ResourceToken<PostgresFace, SqlSettings> {
  return defineSqlResource<pg.Client>(name, options, {
    dialect: postgresDialect,
    protocols: ['postgresql:', 'postgres:'],
    standardPort: 5_432,
    connect: connectPostgres,
  });
}

import type { Connection } from 'mysql2';
import type { ResourceToken } from '../definition/resource-token.ts';
import { connectMysql } from './mysql/connect-mysql.ts';
import { mysqlDialect } from './mysql/mysql-dialect.ts';
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

/** What borrowers of a MySQL or MariaDB get. `client` is that of `mysql2`, with callbacks. */
export type MysqlFace = SqlFace<Connection>;

/**
 * A MySQL, 8.0 or newer, or a MariaDB, 10.6 or newer, through `mysql2`.
 *
 * Sessions are in UTC. Statements are prepared on the server, so that values never are in their text; of what cannot be prepared, MySQL says
 * so, and without values it is then run as it is. Whole numbers of 64 bits: see `bigints`. `decimal` and `date` are text. Statements that change
 * tables end a transaction that is open (MySQL manual, "Statements That Cause an Implicit Commit").
 *
 * @example
 * ```ts
 * const shop = mysql('shop', { url: 'mysql://db.acme.example/shop', credentials: { login: 'shop-login' } });
 * await using db = await resources.acquire(shop);
 * const order = await db.fetchOne('select * from orders where id = ?', [id]);
 * ```
 * @throws `RESOURCE_CONFIGURATION_INVALID` for a malformed name or version; settings are checked when it is registered
 */
export function mysql(name: string, options: SqlOptions = {}): ResourceToken<MysqlFace, SqlSettings> {
  return defineSqlResource<Connection>(name, options, {
    dialect: mysqlDialect,
    protocols: ['mysql:', 'mariadb:'],
    standardPort: 3_306,
    connect: connectMysql,
  });
}

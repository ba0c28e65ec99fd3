export { defineSqlResource } from './sql/define-sql-resource.ts';
export type { SqlConnectOptions, SqlDriver } from './sql/define-sql-resource.ts';
export type { SqlConnection, SqlDialect, SqlFailure, SqlFailureKind } from './sql/sql-connection.ts';
export type {
  SqlFace,
  SqlField,
  SqlQueries,
  SqlResult,
  SqlServerInfo,
  StatementOptions,
  TransactionOptions,
} from './sql/sql-face.ts';
export type { FullSqlSettings, SqlOptions, SqlSettings } from './sql/sql-settings.ts';
export type { SqlTarget } from './sql/sql-target.ts';

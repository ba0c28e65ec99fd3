export { createDatabase, openDatabase } from './create-database.ts';
export type { Database, PoolStatistics, TransactionOptions, Tx } from './database.ts';
export type { DatabaseOptions, TlsOptions } from './options.ts';
export { databaseErrorCodes } from './errors.ts';
export type { DatabaseErrorCode } from './errors.ts';
export { readMigrations } from './migrations/read-migrations.ts';
export type { Migration, MigrationReport, MigrationSet } from './migrations/migration.ts';
export { findUnprotectedTables } from './find-unprotected-tables.ts';
export type { UnprotectedTable } from './find-unprotected-tables.ts';
export { defineListing, mapPage } from './listing/define-listing.ts';
export type {
  CursorCodec,
  FilterOperator,
  ListFilter,
  Listing,
  ListingDefinition,
  ListingField,
  ListingParameters,
  ListingQuery,
  ListPage,
  ListRequest,
  ListSort,
  ListTotal,
} from './listing/listing.ts';

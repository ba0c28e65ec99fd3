import { readMigrations, type MigrationSet } from '@tenon/database';

/** The tables of this package, for `migrate` of a `Database`. Reads its folder at each call. */
export function authMigrations(): MigrationSet {
  return readMigrations('auth', new URL('../migrations/', import.meta.url));
}

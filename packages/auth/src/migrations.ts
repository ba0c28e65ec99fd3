import { readMigrations, type MigrationSet } from '@tenon/database';

/** The tables of this package, for {@link Database.migrate}. Reads its folder at each call. */
export function authMigrations(): MigrationSet {
  return readMigrations('auth', new URL('../migrations/', import.meta.url));
}

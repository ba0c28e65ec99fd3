import { readMigrations, type MigrationSet } from '@tenon/database';

/** The tables of this package. They refer to people, so those of `tenancy` must come before them. */
export function tradingMigrations(): MigrationSet {
  return readMigrations('trading', new URL('../migrations/', import.meta.url));
}

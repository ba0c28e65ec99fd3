import { readMigrations, type MigrationSet } from '@tenon/database';

/** The migrations of this package. They depend on nothing but those of `@tenon/database`. */
export function tenancyMigrations(): MigrationSet {
  return readMigrations('tenancy', new URL('../migrations/', import.meta.url));
}

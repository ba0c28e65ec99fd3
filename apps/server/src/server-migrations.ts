import { readMigrations, type MigrationSet } from '@tenon/database';

/** The tables of the server itself: imports. */
export function serverMigrations(): MigrationSet {
  return readMigrations('server', new URL('../migrations/', import.meta.url));
}

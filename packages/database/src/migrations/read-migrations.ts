import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { databaseError } from '../errors.ts';
import type { Migration, MigrationSet } from './migration.ts';

const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/;

/**
 * Reads a package's migrations from its folder of files named `0001_what_it_does.sql`.
 *
 * @param name - the set's name
 * @param folder - usually `new URL('../migrations/', import.meta.url)`
 * @throws `MIGRATION_INVALID` when a file name or the numbering is wrong
 */
export function readMigrations(name: string, folder: URL): MigrationSet {
  const files = readdirSync(fileURLToPath(folder)).filter((file) => file.endsWith('.sql'));
  const migrations = files.toSorted().map((file): Migration => {
    const match = FILE_NAME.exec(file);
    if (match === null) {
      throw databaseError('MIGRATION_INVALID', `migration "${name}/${file}" must be named like 0001_create_orders.sql`);
    }
    // Line ends differ by checkout settings and must not change the checksum.
    const sql = readFileSync(new URL(file, folder), 'utf8').replaceAll('\r\n', '\n');
    return { version: Number(match[1]), name: match[2] as string, sql };
  });
  const set = { name, migrations };
  assertNumbered(set);
  return set;
}

/** @throws `MIGRATION_INVALID` unless the versions are 1, 2, 3, ... */
export function assertNumbered(set: MigrationSet): void {
  for (const [index, migration] of set.migrations.entries()) {
    if (migration.version === index + 1) continue;
    throw databaseError(
      'MIGRATION_INVALID',
      `migrations of "${set.name}" must be numbered from 1 without gaps; found ${migration.version} at place ${index + 1}`,
    );
  }
}

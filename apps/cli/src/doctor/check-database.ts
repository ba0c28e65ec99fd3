import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isCodedError, type CodedError } from '@tenon/core';
import type { Services, Settings } from '@tenon/server';
import { allMigrations } from '@tenon/server/composition';
import type { Finding } from './finding.ts';

const name = 'database';
// Undefined table, undefined object (a role), no privilege: what a database without our migrations says.
const NOT_MIGRATED = new Set(['42P01', '42704', '22023', '42501']);

/** Looks whether the database answers and whether its schema is up to date. Changes nothing. */
export async function checkDatabase(settings: Settings, { database }: Services): Promise<Finding> {
  const folder = join(settings.dataDir, 'database');
  if (settings.databaseUrl === undefined && !existsSync(folder)) {
    return { name, state: 'warning', text: `embedded PostgreSQL, not made yet; the first start makes it in ${folder}` };
  }
  try {
    await database.ready();
    const { version } = await database.ping();
    const { pending, applied } = await countMigrations(database);
    const text = `PostgreSQL ${version.split(' ')[0]}${settings.databaseUrl === undefined ? ' embedded' : ''}, ${applied} migrations`;
    if (pending === 0) return { name, state: 'ok', text };
    const todo = 'the next start applies them, or "tenon migrate" does now';
    return { name, state: 'warning', text: `${text}, ${pending} pending`, todo };
  } catch (error) {
    if (isCodedError(error)) return explain(error);
    throw error;
  }
}

async function countMigrations(
  database: Services['database'],
): Promise<{ readonly pending: number; readonly applied: number }> {
  const known = allMigrations().flatMap((set) => set.migrations.map(({ version }) => `${set.name}/${version}`));
  const applied = await readApplied(database);
  return { pending: known.filter((migration) => !applied.includes(migration)).length, applied: applied.length };
}

async function readApplied(database: Services['database']): Promise<readonly string[]> {
  try {
    const rows = await database
      .withTables<{ readonly tenon_migrations: { readonly set_name: string; readonly version: number } }>()
      .withSystem('doctor', (tx) => tx.selectFrom('tenon_migrations').select(['set_name', 'version']).execute());
    return rows.map((row) => `${row.set_name}/${row.version}`);
  } catch (error) {
    const sqlState = isCodedError(error) ? error.details['sqlState'] : undefined;
    if (typeof sqlState === 'string' && NOT_MIGRATED.has(sqlState)) return [];
    throw error;
  }
}

function explain(error: CodedError): Finding {
  const { pid } = error.details;
  switch (error.code) {
    case 'DATABASE_DIRECTORY_LOCKED':
      // The server itself, most likely: no reason to worry whoever looks after it.
      return {
        name,
        state: 'warning',
        text: `embedded PostgreSQL, open in ${typeof pid === 'number' ? `process ${pid}` : 'another process'}`,
        todo: 'stop the server to look inside',
      };
    case 'DATABASE_ACCESS_DENIED':
      return {
        name,
        state: 'failed',
        text: error.message,
        todo: 'check user, password and database name in TENON_DATABASE_URL',
      };
    case 'DATABASE_UNAVAILABLE':
      return {
        name,
        state: 'failed',
        text: error.message,
        todo: 'check that PostgreSQL runs, and host and port in TENON_DATABASE_URL',
      };
    default:
      return { name, state: 'failed', text: `${error.code}: ${error.message}` };
  }
}

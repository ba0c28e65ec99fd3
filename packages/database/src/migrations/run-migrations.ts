import { createHash } from 'node:crypto';
import { toError } from '@tenon/core';
import type pg from 'pg';
import { databaseError } from '../errors.ts';
import { isConnectionFailure, translateError } from '../translate-error.ts';
import { assertNumbered } from './read-migrations.ts';
import type { Migration, MigrationReport, MigrationSet } from './migration.ts';

// Any fixed number will do, as long as nothing else in the database uses it: 'tenon' in ASCII.
const LOCK_KEY = 0x74_65_6e_6f_6e;

// A migration may take as long as it needs, and wait for another process's as long as that needs.
const NO_TIME_LIMIT = { query_timeout: 2_147_483_647 };

interface AppliedRow {
  readonly set_name: string;
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

/**
 * Applies what is missing, one transaction a file. Each transaction first takes the advisory lock and then looks what is
 * applied, so any number of processes may run this together, and one that is killed leaves nothing half done.
 */
export async function runMigrations(pool: pg.Pool, sets: readonly MigrationSet[]): Promise<MigrationReport> {
  for (const set of sets) assertNumbered(set);
  const applied: string[] = [];
  const client = await pool.connect().catch((error: unknown) => {
    throw translateError(error);
  });
  try {
    for (;;) {
      const step = await applyNext(client, sets);
      if (step.done) return { applied, total: step.total };
      applied.push(step.label);
    }
  } finally {
    client.release();
  }
}

type Step = { readonly done: true; readonly total: number } | { readonly done: false; readonly label: string };

async function applyNext(client: pg.PoolClient, sets: readonly MigrationSet[]): Promise<Step> {
  try {
    await client.query(`begin; set local statement_timeout = 0; set local client_min_messages = warning`);
    await client.query({ text: `select pg_advisory_xact_lock(${LOCK_KEY})`, ...NO_TIME_LIMIT });
    await client.query(`create table if not exists tenon_migrations (
      set_name text not null, version integer not null, name text not null, checksum text not null,
      applied_at timestamptz not null default now(), primary key (set_name, version))`);
    const { rows } = await client.query<AppliedRow>('select set_name, version, name, checksum from tenon_migrations');
    const next = findNext(sets, rows);
    if (next === undefined) {
      await client.query('commit');
      return { done: true, total: rows.length };
    }
    const label = labelOf(next.set, next.migration);
    await client.query({ text: next.migration.sql, ...NO_TIME_LIMIT }).catch((error: unknown) => {
      if (isConnectionFailure(error)) throw error;
      throw databaseError(
        'MIGRATION_FAILED',
        `migration ${label} failed and was rolled back: ${toError(error).message}`,
        {
          cause: error,
          details: { migration: label },
        },
      );
    });
    await client.query('insert into tenon_migrations (set_name, version, name, checksum) values ($1, $2, $3, $4)', [
      next.set,
      next.migration.version,
      next.migration.name,
      checksum(next.migration),
    ]);
    await client.query('commit');
    return { done: false, label };
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw translateError(error);
  }
}

function findNext(
  sets: readonly MigrationSet[],
  rows: readonly AppliedRow[],
): { readonly set: string; readonly migration: Migration } | undefined {
  const applied = new Map(rows.map((row) => [`${row.set_name}/${row.version}`, row]));
  const known = new Map(sets.map((set) => [set.name, set.migrations.length]));
  for (const row of rows) {
    const length = known.get(row.set_name);
    // A set that this program does not use at all is another program's business; a newer version of one is not.
    if (length !== undefined && row.version > length) {
      throw databaseError(
        'MIGRATION_NEWER',
        `the database has migration ${row.set_name}/${row.version}_${row.name}, which this program does not know: it is older than the database. Start a newer version`,
        { details: { set: row.set_name, version: row.version } },
      );
    }
  }
  for (const set of sets) {
    for (const migration of set.migrations) {
      const row = applied.get(`${set.name}/${migration.version}`);
      if (row === undefined) return { set: set.name, migration };
      if (row.checksum !== checksum(migration)) {
        throw databaseError(
          'MIGRATION_CHANGED',
          `migration ${labelOf(set.name, migration)} was edited after it was applied. Put it back as it was, and add a new one`,
          { details: { migration: labelOf(set.name, migration) } },
        );
      }
    }
  }
  return undefined;
}

function checksum(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}

function labelOf(set: string, migration: Migration): string {
  return `${set}/${String(migration.version).padStart(4, '0')}_${migration.name}`;
}

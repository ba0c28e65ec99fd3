import { requireTenant } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { sql } from 'kysely';
import type { TenancyTables } from '../tables.ts';
import { findActingPerson } from './acting-person.ts';
import { toEmailKey } from './keys.ts';
import { assertMayAssignRole } from './role.ts';
import type { NewUser } from './user.ts';
import type { UserImportReport } from './users.ts';

/** What an import needs to know besides its rows. */
export interface ImportOptions {
  readonly newId: () => string;
  readonly now: Date;
}

interface WrittenRow {
  readonly version: number;
  readonly role: NonNullable<NewUser['role']>;
}

/** Adds or updates people by email in one statement, within the rules. */
export async function importUsers(
  tx: Tx<TenancyTables>,
  rows: readonly NewUser[],
  options: ImportOptions,
): Promise<UserImportReport> {
  // The last row of each email counts. In order of the key, so that two imports at once lock the same rows in the same order.
  const byKey = [...new Map(rows.map((row) => [toEmailKey(row.email), row]))].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const acting = await findActingPerson(tx);
  for (const role of new Set(rows.map((row) => row.role ?? 'member'))) {
    assertMayAssignRole(acting.role, undefined, role);
  }
  const list = (pick: (row: NewUser, key: string) => string | null) =>
    sql`${byKey.map(([key, row]) => pick(row, key))}::text[]`;
  const { rows: written } = await sql<WrittenRow>`
    with input as (
      select * from unnest(
        ${list(() => options.newId())}, ${list((_, key) => key)}, ${list((row) => row.email)}, ${list((row) => row.name)},
        ${list((row) => row.role ?? 'member')}, ${list((row) => row.status ?? 'active')},
        ${list((row) => row.company ?? null)}, ${list((row) => row.title ?? null)}, ${list((row) => row.city ?? null)},
        ${list((row) => row.country ?? null)}, ${list((row) => row.phone ?? null)})
      as input (id, email_key, email, name, role, status, company, title, city, country, phone))
    insert into users (tenant_id, id, email_key, email, name, role, status, company, title, city, country, phone,
      created_at, updated_at)
    select ${requireTenant()}, input.*, ${options.now}::timestamptz, ${options.now}::timestamptz from input
    on conflict (tenant_id, email_key) do update set
      email = excluded.email, name = excluded.name, company = excluded.company, title = excluded.title,
      city = excluded.city, country = excluded.country, phone = excluded.phone,
      updated_at = excluded.updated_at, version = users.version + 1
    where (users.email, users.name, users.company, users.title, users.city, users.country, users.phone)
      is distinct from (excluded.email, excluded.name, excluded.company, excluded.title, excluded.city, excluded.country,
        excluded.phone)
    returning version, role`.execute(tx);

  // A new row has version 1, and an updated one has a higher version.
  const updated = written.filter((row) => row.version > 1);
  if (updated.some((row) => row.role === 'owner')) assertMayAssignRole(acting.role, 'owner', 'owner');
  return Object.freeze({
    created: written.length - updated.length,
    updated: updated.length,
    unchanged: byKey.length - written.length,
    repeated: rows.length - byKey.length,
  });
}

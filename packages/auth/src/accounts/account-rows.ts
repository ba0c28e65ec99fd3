import { isUuid } from '@tenon/core';
import type { Tx } from '@tenon/database';
import type { Selectable } from 'kysely';
import type { AccountRow, AuthTables } from '../tables.ts';
import type { Account } from './account.ts';

/** A row of `accounts` as it is read. */
export type StoredAccount = Selectable<AccountRow>;

/** The account as callers see it: without its hash. */
export function toAccount(row: StoredAccount): Account {
  return Object.freeze({
    id: row.id,
    email: row.email,
    name: row.name,
    status: row.status,
    passwordChangedAt: row.password_changed_at ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  });
}

/** Reads an account. Text that is no id is just the id of nothing. */
export async function findAccount(tx: Tx<AuthTables>, accountId: string): Promise<StoredAccount | undefined> {
  if (!isUuid(accountId)) return undefined;
  return tx.selectFrom('accounts').selectAll().where('id', '=', accountId).executeTakeFirst();
}

/** Reads the account of an address in key form. */
export async function findAccountByEmail(tx: Tx<AuthTables>, emailKey: string): Promise<StoredAccount | undefined> {
  return tx.selectFrom('accounts').selectAll().where('email_key', '=', emailKey).executeTakeFirst();
}

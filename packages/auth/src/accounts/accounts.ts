import type { Database } from '@tenon/database';
import type { AuthTables } from '../tables.ts';
import { findAccount, findAccountByEmail, toAccount } from './account-rows.ts';
import type { Accounts } from './account.ts';
import { normalizeEmail } from './normalize-email.ts';

/** The accounts, for reading. */
export function createAccounts(database: Database<AuthTables>): Accounts {
  return {
    async get(accountId) {
      const row = await database.withSystem('read-account', (tx) => findAccount(tx, accountId));
      return row === undefined ? undefined : toAccount(row);
    },
    async findByEmail(email) {
      const normal = normalizeEmail(email);
      if (normal === undefined) return undefined;
      const row = await database.withSystem('read-account', (tx) => findAccountByEmail(tx, normal.key));
      return row === undefined ? undefined : toAccount(row);
    },
  };
}

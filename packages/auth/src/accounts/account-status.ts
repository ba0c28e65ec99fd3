import { isUuid } from '@tenon/core';
import { sql } from 'kysely';
import type { AuthParts } from '../auth-parts.ts';
import { endSessions, reportEnded } from '../sessions/end-sessions.ts';
import type { Account } from './account.ts';
import { accountNotFound } from './change-password.ts';

/** Lets an account sign in, or no longer; sessions of one that may not end. Setting what is set already reports nothing. */
export async function setAccountStatus(parts: AuthParts, accountId: string, status: Account['status']): Promise<void> {
  if (!isUuid(accountId)) throw accountNotFound();
  const nowMs = parts.config.clock.now();
  const { ended, changed } = await parts.database.withSystem('account-status', async (tx) => {
    const before = await tx
      .selectFrom('accounts')
      .select('status')
      .where('id', '=', accountId)
      .forUpdate()
      .executeTakeFirst();
    if (before === undefined) throw accountNotFound();
    if (before.status === status) return { ended: [], changed: false };
    await tx
      .updateTable('accounts')
      .set({ status, updated_at: new Date(nowMs), version: sql`version + 1` })
      .where('id', '=', accountId)
      .execute();
    const sessions = status === 'active' ? [] : await endSessions(tx, nowMs, 'account-disabled', { accountId });
    return { ended: sessions, changed: true };
  });
  if (!changed) return;
  parts.events.emit({ type: status === 'active' ? 'account.enabled' : 'account.disabled', accountId });
  reportEnded(parts, ended, 'account-disabled');
}

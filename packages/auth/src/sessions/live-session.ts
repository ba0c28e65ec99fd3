import { isUuid } from '@tenon/core';
import type { Database } from '@tenon/database';
import type { AuthTables } from '../tables.ts';

/** What must hold of a session with each request. */
export interface LiveSession {
  readonly accountId: string;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** Looks whether a session has not been ended and its account may sign in. */
export async function findLiveSession(
  database: Database<AuthTables>,
  sessionId: string,
): Promise<LiveSession | undefined> {
  if (!isUuid(sessionId)) return undefined;
  const row = await database.withSystem('session-check', (tx) =>
    tx
      .selectFrom('sessions')
      .innerJoin('accounts', 'accounts.id', 'sessions.account_id')
      .select(['sessions.account_id', 'sessions.expires_at'])
      .where('sessions.id', '=', sessionId)
      .where('sessions.ended_at', 'is', null)
      .where('accounts.status', '=', 'active')
      .executeTakeFirst(),
  );
  return row === undefined ? undefined : { accountId: row.account_id, expiresAtMs: row.expires_at.getTime() };
}

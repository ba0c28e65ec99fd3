import { isUuid } from '@tenon/core';
import type { Tx } from '@tenon/database';
import type { AuthParts } from '../auth-parts.ts';
import type { AuthTables } from '../tables.ts';
import type { SessionEndReason } from './session.ts';

/** Which living sessions to end. */
export interface EndSelection {
  readonly accountId?: string;
  readonly sessionId?: string;
  /** A session of the account to leave as it is. */
  readonly exceptSessionId?: string;
}

/** A session that has been ended. */
export interface EndedSession {
  readonly id: string;
  readonly accountId: string;
}

/** Ends sessions inside a transaction; {@link reportEnded} must follow its commit. */
export async function endSessions(
  tx: Tx<AuthTables>,
  nowMs: number,
  reason: SessionEndReason,
  selection: EndSelection,
): Promise<readonly EndedSession[]> {
  const { accountId, sessionId, exceptSessionId } = selection;
  const ids = [accountId, sessionId].filter((id) => id !== undefined);
  if (ids.length === 0 || !ids.every(isUuid)) return [];
  let query = tx
    .updateTable('sessions')
    .set({ ended_at: new Date(nowMs), end_reason: reason })
    .where('ended_at', 'is', null)
    .where('expires_at', '>', new Date(nowMs));
  if (accountId !== undefined) query = query.where('account_id', '=', accountId);
  if (sessionId !== undefined) query = query.where('id', '=', sessionId);
  if (exceptSessionId !== undefined) query = query.where('id', '<>', exceptSessionId);
  return query.returning(['id', 'account_id as accountId']).execute();
}

/** Makes this process forget the sessions at once, and reports them. */
export function reportEnded(parts: AuthParts, ended: readonly EndedSession[], reason: SessionEndReason): void {
  for (const { id, accountId } of ended) {
    parts.liveSessions.drop(id);
    parts.events.emit({ type: 'session.ended', accountId, sessionId: id, details: { reason } });
  }
}

/** Ends sessions in a transaction of their own. @returns those that lived */
export async function endSessionsNow(
  parts: AuthParts,
  reason: SessionEndReason,
  selection: EndSelection,
): Promise<readonly EndedSession[]> {
  const ended = await parts.database.withSystem('end-session', (tx) =>
    endSessions(tx, parts.config.clock.now(), reason, selection),
  );
  reportEnded(parts, ended, reason);
  return ended;
}

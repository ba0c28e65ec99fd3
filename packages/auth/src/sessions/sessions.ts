import { isUuid } from '@tenon/core';
import type { AuthParts } from '../auth-parts.ts';
import { authError } from '../errors.ts';
import { endSessionsNow } from './end-sessions.ts';
import { toSession } from './session-rows.ts';
import type { Sessions } from './session.ts';

const MAX_LISTED = 1_000;

/** A person's sessions. */
export function createSessions(parts: AuthParts): Sessions {
  return {
    async list(accountId) {
      if (!isUuid(accountId)) return [];
      const rows = await parts.database.withSystem('list-sessions', (tx) =>
        tx
          .selectFrom('sessions')
          .selectAll()
          .where('account_id', '=', accountId)
          .where('ended_at', 'is', null)
          .where('expires_at', '>', new Date(parts.config.clock.now()))
          .orderBy('refreshed_at', 'desc')
          .orderBy('id', 'desc')
          .limit(MAX_LISTED)
          .execute(),
      );
      return rows.map(toSession);
    },
    async end(accountId, sessionId) {
      const ended = await endSessionsNow(parts, 'ended-by-owner', { accountId, sessionId });
      if (ended.length === 0) {
        throw authError('AUTH_SESSION_NOT_FOUND', 'the account has no living session with this id');
      }
    },
  };
}

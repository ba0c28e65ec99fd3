import type { Selectable } from 'kysely';
import type { AuthConfig } from '../resolve-options.ts';
import type { SessionRow } from '../tables.ts';
import type { ClientDetails } from '../accounts/account.ts';
import type { Session } from './session.ts';

/** A row of `sessions` as it is read. */
export type StoredSession = Selectable<SessionRow>;

const MAX_USER_AGENT = 512;
const MAX_IP = 64;

/** The session as its owner sees it. */
export function toSession(row: StoredSession): Session {
  return Object.freeze({
    id: row.id,
    tenant: row.tenant ?? undefined,
    ip: row.ip ?? undefined,
    userAgent: row.user_agent ?? undefined,
    createdAt: row.created_at,
    lastSeenAt: row.refreshed_at,
    expiresAt: row.expires_at,
  });
}

/** What a session remembers of its client: what is given, no more. */
export function toClientColumns({ ip, userAgent }: ClientDetails): { ip?: string; user_agent?: string } {
  return {
    ...(ip === undefined ? {} : { ip: storable(ip, MAX_IP) }),
    ...(userAgent === undefined ? {} : { user_agent: storable(userAgent, MAX_USER_AGENT) }),
  };
}

// Headers are anybody's text; PostgreSQL stores neither NUL nor half a character.
function storable(text: string, max: number): string {
  return text.replaceAll('\0', '').slice(0, max).toWellFormed();
}

/** When a session that is used now ends unless it is used again. */
export function idleExpiry(nowMs: number, absoluteMs: number, config: AuthConfig): Date {
  return new Date(Math.min(nowMs + config.refreshIdleMs, absoluteMs));
}

import { currentContext, sleep, type Secret } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { findAccount, type StoredAccount } from '../accounts/account-rows.ts';
import type { ClientDetails } from '../accounts/account.ts';
import type { AuthParts } from '../auth-parts.ts';
import { authError } from '../errors.ts';
import type { AuthTables } from '../tables.ts';
import { issueTokens } from './issue-tokens.ts';
import type { RefreshClaim } from './refresh-token.ts';
import { idleExpiry, toClientColumns, type StoredSession } from './session-rows.ts';
import type { SignedIn } from './session.ts';

/** What became of one attempt to use a refresh token. It is returned, never thrown, so that an ended session is committed. */
type RefreshOutcome =
  | { readonly kind: 'locked' }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'reused'; readonly session: StoredSession }
  | { readonly kind: 'advanced' | 'reissued'; readonly session: StoredSession; readonly account: StoredAccount };

const GIVE_UP_AFTER_MS = 5_000;
const MIN_PAUSE_MS = 10;
const MAX_PAUSE_MS = 30;

/**
 * Exchanges a refresh token for its successor. The session holds the counter of the one token that is good now, and the
 * successor is computed from it, so that everybody who repeats a request gets the same one:
 *
 * - equal: the counter goes up, and the successor is issued;
 * - behind by one, whenever: the reply was lost, and the current token is issued again;
 * - behind by more, within the grace after the last refresh: windows raced, and the current token is issued again;
 * - behind otherwise: somebody has a copy, and the session ends (RFC 9700, section 4.14.2);
 * - ahead: not a token that we ever gave out.
 *
 * The scheme is that of Supabase Auth's second refresh token format.
 */
export async function refresh(parts: AuthParts, token: Secret | string, client: ClientDetails): Promise<SignedIn> {
  const claim = parts.refreshTokens.read(token);
  if (claim === undefined) throw refreshInvalid();
  const outcome = await untilUnlocked(parts, () =>
    parts.database.withSystem('refresh', (tx) => useToken(parts, tx, claim, client)),
  );
  if (outcome.kind === 'invalid') throw refreshInvalid();
  const { session } = outcome;
  const subject = { accountId: session.account_id, sessionId: session.id, ...client };
  if (outcome.kind === 'reused') {
    parts.liveSessions.drop(session.id);
    parts.events.emit({ type: 'refresh-token.reused', ...subject, details: behind(claim, session) });
    throw refreshInvalid();
  }
  if (outcome.kind === 'reissued') {
    parts.events.emit({ type: 'refresh-token.reissued', ...subject, details: behind(claim, session) });
  }
  return issueTokens(parts, session, outcome.account, await parts.memberships(session.account_id));
}

function behind(claim: RefreshClaim, session: StoredSession): { behindBy: number } {
  return { behindBy: session.counter - claim.counter };
}

// Waiting for a row lock would keep a connection for each of the waiting, so they come back instead.
async function untilUnlocked(
  parts: AuthParts,
  attempt: () => Promise<RefreshOutcome>,
): Promise<Exclude<RefreshOutcome, { kind: 'locked' }>> {
  const { clock, random } = parts.config;
  const giveUpAtMs = clock.monotonicMs() + GIVE_UP_AFTER_MS;
  for (;;) {
    const outcome = await attempt();
    if (outcome.kind !== 'locked') return outcome;
    if (clock.monotonicMs() >= giveUpAtMs) {
      throw authError('AUTH_REFRESH_BUSY', 'the session is being refreshed by others; keep the token and try again', {
        retryable: true,
        retryAfterMs: 1_000,
      });
    }
    const pauseMs = MIN_PAUSE_MS + random() * (MAX_PAUSE_MS - MIN_PAUSE_MS);
    await sleep(clock, pauseMs, currentContext()?.signal);
  }
}

async function useToken(
  parts: AuthParts,
  tx: Tx<AuthTables>,
  claim: RefreshClaim,
  client: ClientDetails,
): Promise<RefreshOutcome> {
  const { clock, refreshReuseGraceMs } = parts.config;
  const byId = tx.selectFrom('sessions').selectAll().where('id', '=', claim.sessionId);
  const session = await byId.forUpdate().skipLocked().executeTakeFirst();
  if (session === undefined) return { kind: (await byId.executeTakeFirst()) === undefined ? 'invalid' : 'locked' };
  const nowMs = clock.now();
  const behindBy = session.counter - claim.counter;
  if (session.ended_at !== null || nowMs >= session.expires_at.getTime() || behindBy < 0) return { kind: 'invalid' };
  const account = await findAccount(tx, session.account_id);
  if (account?.status !== 'active') return { kind: 'invalid' };

  if (behindBy === 0) {
    const advanced = await advance(parts, tx, session, nowMs, client);
    return { kind: 'advanced', session: advanced, account };
  }
  const withinGrace = nowMs - session.refreshed_at.getTime() <= refreshReuseGraceMs;
  if (refreshReuseGraceMs > 0 && (behindBy === 1 || withinGrace)) return { kind: 'reissued', session, account };
  await tx
    .updateTable('sessions')
    .set({ ended_at: new Date(nowMs), end_reason: 'refresh-token-reused' })
    .where('id', '=', session.id)
    .execute();
  return { kind: 'reused', session };
}

function advance(
  parts: AuthParts,
  tx: Tx<AuthTables>,
  session: StoredSession,
  nowMs: number,
  client: ClientDetails,
): Promise<StoredSession> {
  return tx
    .updateTable('sessions')
    .set({
      counter: session.counter + 1,
      refreshed_at: new Date(nowMs),
      expires_at: idleExpiry(nowMs, session.absolute_expires_at.getTime(), parts.config),
      ...toClientColumns(client),
    })
    .where('id', '=', session.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

function refreshInvalid(): Error {
  return authError('AUTH_REFRESH_INVALID', 'the refresh token is not valid, or its session has ended; sign in again');
}

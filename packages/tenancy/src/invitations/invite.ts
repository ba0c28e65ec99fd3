import { requireTenant, type Secret } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { tenancyError } from '../errors.ts';
import type { TenancyConfig } from '../options.ts';
import { isRowId } from '../row-id.ts';
import type { SecurityRecorder } from '../security-events/security-recorder.ts';
import type { TenancyTables } from '../tables.ts';
import { findActingPerson } from '../users/acting-person.ts';
import { lockPerson } from '../users/lock-people.ts';
import { assertMayAssignRole } from '../users/role.ts';
import { userNotFound } from '../users/user-errors.ts';
import { hashInvitationToken, newInvitationToken } from './invitation-token.ts';
import type { InvitationOptions } from './invitations.ts';

const MIN_TTL_MS = 60_000;
const MAX_TTL_MS = 30 * 86_400_000;
const DEFAULT_TTL_MS = 7 * 86_400_000;

/** Makes an invitation; see `Invitations.create`. */
export async function invite(
  config: TenancyConfig,
  recorder: SecurityRecorder,
  userId: string,
  options: InvitationOptions,
): Promise<{ readonly token: Secret; readonly expiresAt: string }> {
  const tenant = requireTenant();
  const ttlMs = checkTtl(options.ttlMs ?? DEFAULT_TTL_MS);
  if (!isRowId(userId)) throw userNotFound();
  const token = newInvitationToken();
  const now = config.clock.now();
  const expiresAt = new Date(now + ttlMs);
  const events = [recorder.prepare({ type: 'invitation.created', resource: `users/${userId}` })];
  await config.database.withTenant(async (tx) => {
    await assertMayInvite(tx, userId);
    await tx.deleteFrom('invitations').where('tenant_id', '=', tenant).where('user_id', '=', userId).execute();
    await tx
      .insertInto('invitations')
      .values({
        tenant_id: tenant,
        id: config.newId(),
        user_id: userId,
        token_hash: hashInvitationToken(token),
        created_at: new Date(now),
        expires_at: expiresAt,
        accepted_at: null,
        accepted_by: null,
      })
      .execute();
    await recorder.write(tx, events);
  });
  recorder.announce(events);
  return Object.freeze({ token, expiresAt: expiresAt.toISOString() });
}

function checkTtl(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs) && ttlMs >= MIN_TTL_MS && ttlMs <= MAX_TTL_MS) return ttlMs;
  throw tenancyError('INVITATION_NOT_POSSIBLE', `ttlMs must be from ${MIN_TTL_MS} to ${MAX_TTL_MS} milliseconds`);
}

async function assertMayInvite(tx: Tx<TenancyTables>, userId: string): Promise<void> {
  const { person } = await lockPerson(tx, userId, { expectedVersion: undefined, withOwners: false });
  // Whoever holds the token becomes this person: inviting an owner is making one.
  const acting = await findActingPerson(tx);
  assertMayAssignRole(acting.role, person.role, person.role);
  if (person.accountId === null && person.status !== 'disabled') return;
  throw tenancyError('INVITATION_NOT_POSSIBLE', 'the person has an account already, or is disabled');
}

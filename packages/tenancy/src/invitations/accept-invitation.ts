import type { Secret } from '@tenon/core';
import { sql } from 'kysely';
import type { Membership } from '../memberships/membership.ts';
import type { TenancyConfig } from '../options.ts';
import { isRowId } from '../row-id.ts';
import type { PreparedEvent, SecurityRecorder } from '../security-events/security-recorder.ts';
import { userInvalid } from '../users/user-errors.ts';
import { hashInvitationToken, invitationInvalid } from './invitation-token.ts';

/** Links an account to the invited person; see `Invitations.accept`. The caller announces the events. */
export async function acceptInvitation(
  config: TenancyConfig,
  recorder: SecurityRecorder,
  token: Secret | string,
  accountId: string,
): Promise<{ readonly membership: Membership; readonly events: readonly PreparedEvent[] }> {
  const hash = hashInvitationToken(token);
  if (!isRowId(accountId)) {
    throw userInvalid([{ path: '/accountId', code: 'not_an_id', message: 'must be the id of an account' }]);
  }
  const now = new Date(config.clock.now());
  return config.database.withSystem('accept-invitation', async (tx) => {
    // One statement: whoever comes second waits for the row, and then finds it accepted.
    const { rows } = await sql<Membership>`
      with accepted as (
        update invitations set accepted_at = ${now}, accepted_by = ${accountId}
        where token_hash = ${hash} and accepted_at is null and expires_at > ${now}
        returning tenant_id, user_id)
      update users set account_id = ${accountId}, status = 'active', updated_at = ${now}, version = users.version + 1
      from accepted, tenants
      where users.tenant_id = accepted.tenant_id and users.id = accepted.user_id
        and users.account_id is null and users.status <> 'disabled'
        and tenants.tenant_id = accepted.tenant_id and tenants.status = 'active'
      returning users.tenant_id as "tenantId", tenants.name as "tenantName", users.id as "userId",
        users.role as "role"`.execute(tx);
    const membership = rows[0];
    // Thrown inside, so that an invitation to a disabled person or a suspended tenant is not used up.
    if (membership === undefined) throw invitationInvalid();
    const actor = { type: 'user', id: accountId } as const;
    const { tenantId, userId } = membership;
    const events = [recorder.prepare({ type: 'invitation.accepted', tenantId, actor, resource: `users/${userId}` })];
    await recorder.write(tx, events);
    return { membership, events };
  });
}

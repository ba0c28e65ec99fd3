import { sql } from 'kysely';
import type { Memberships } from '../memberships/create-memberships.ts';
import type { TenancyConfig } from '../options.ts';
import type { SecurityRecorder } from '../security-events/security-recorder.ts';
import { nameUserFailure } from '../users/user-errors.ts';
import { acceptInvitation } from './accept-invitation.ts';
import { hashInvitationToken, invitationInvalid } from './invitation-token.ts';
import type { Invitations } from './invitations.ts';
import { invite } from './invite.ts';

/** What the service of invitations works with. */
export interface InvitationsParts {
  readonly config: TenancyConfig;
  readonly memberships: Memberships;
  readonly recorder: SecurityRecorder;
}

/** Makes the service. */
export function createInvitations({ config, memberships, recorder }: InvitationsParts): Invitations {
  return {
    create: (userId, options = {}) => invite(config, recorder, userId, options),

    async accept(token, accountId) {
      const accepted = acceptInvitation(config, recorder, token, accountId);
      const { membership, events } = await accepted.catch((error: unknown) => {
        throw nameUserFailure(error);
      });
      memberships.drop(accountId, membership.tenantId);
      recorder.announce(events);
      return Object.freeze(membership);
    },

    async assertOpen(token) {
      const hash = hashInvitationToken(token);
      const now = new Date(config.clock.now());
      const { rows } = await config.database.withSystem('check-invitation', (tx) =>
        sql`select from invitations
          join users on users.tenant_id = invitations.tenant_id and users.id = invitations.user_id
          join tenants on tenants.tenant_id = invitations.tenant_id
          where token_hash = ${hash} and accepted_at is null and expires_at > ${now}
            and users.account_id is null and users.status <> 'disabled' and tenants.status = 'active'`.execute(tx),
      );
      if (rows.length === 0) throw invitationInvalid();
    },
  };
}

import { createHash, randomBytes } from 'node:crypto';
import { requireTenant, Secret } from '@tenon/core';
import { sql } from 'kysely';
import { tenancyError } from '../errors.ts';
import type { Membership } from '../memberships/membership.ts';
import type { Memberships } from '../memberships/create-memberships.ts';
import type { TenancyConfig } from '../options.ts';
import { isRowId } from '../row-id.ts';
import type { SecurityRecorder } from '../security-events/security-recorder.ts';
import { findActingPerson } from '../users/acting-person.ts';
import { lockPerson } from '../users/lock-people.ts';
import { assertMayAssignRole } from '../users/role.ts';
import { nameUserFailure, userInvalid, userNotFound } from '../users/user-errors.ts';
import type { Invitations } from './invitations.ts';

const TOKEN = /^tni_[A-Za-z0-9_-]{43}$/;
const MIN_TTL_MS = 60_000;
const MAX_TTL_MS = 30 * 86_400_000;
const DEFAULT_TTL_MS = 7 * 86_400_000;

/** What the service of invitations works with. */
export interface InvitationsParts {
  readonly config: TenancyConfig;
  readonly memberships: Memberships;
  readonly recorder: SecurityRecorder;
}

/** Makes the service. */
export function createInvitations({ config, memberships, recorder }: InvitationsParts): Invitations {
  const { database, clock } = config;
  return {
    async create(userId, options = {}) {
      const tenant = requireTenant();
      const ttlMs = options.ttlMs ?? DEFAULT_TTL_MS;
      if (!Number.isSafeInteger(ttlMs) || ttlMs < MIN_TTL_MS || ttlMs > MAX_TTL_MS) {
        throw tenancyError('INVITATION_NOT_POSSIBLE', `ttlMs must be from ${MIN_TTL_MS} to ${MAX_TTL_MS} milliseconds`);
      }
      if (!isRowId(userId)) throw userNotFound();
      const token = new Secret(`tni_${randomBytes(32).toString('base64url')}`);
      const createdAt = new Date(clock.now());
      const expiresAt = new Date(clock.now() + ttlMs);
      const events = [recorder.prepare({ type: 'invitation.created', resource: `users/${userId}` })];
      await database.withTenant(async (tx) => {
        const { person } = await lockPerson(tx, userId, { expectedVersion: undefined, withOwners: false });
        // Whoever holds the token becomes this person: inviting an owner is making one.
        const acting = await findActingPerson(tx);
        assertMayAssignRole(acting.role, person.role, person.role);
        if (person.accountId !== null || person.status === 'disabled') {
          throw tenancyError('INVITATION_NOT_POSSIBLE', 'the person has an account already, or is disabled');
        }
        await tx.deleteFrom('invitations').where('tenant_id', '=', tenant).where('user_id', '=', userId).execute();
        await tx
          .insertInto('invitations')
          .values({
            tenant_id: tenant,
            id: config.newId(),
            user_id: userId,
            token_hash: hashOf(token.reveal()),
            created_at: createdAt,
            expires_at: expiresAt,
            accepted_at: null,
            accepted_by: null,
          })
          .execute();
        await recorder.write(tx, events);
      });
      recorder.announce(events);
      return { token, expiresAt: expiresAt.toISOString() };
    },

    async accept(token, accountId) {
      const text = typeof token === 'string' ? token : token.reveal();
      if (!TOKEN.test(text)) throw invitationInvalid();
      if (!isRowId(accountId)) {
        throw userInvalid([{ path: '/accountId', code: 'not_an_id', message: 'must be the id of an account' }]);
      }
      const now = new Date(clock.now());
      const accept = database.withSystem('accept-invitation', async (tx) => {
        // One statement: whoever comes second waits for the row, and then finds it accepted.
        const { rows } = await sql<Membership>`
          with accepted as (
            update invitations set accepted_at = ${now}, accepted_by = ${accountId}
            where token_hash = ${hashOf(text)} and accepted_at is null and expires_at > ${now}
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
        const { tenantId, userId } = membership;
        const actor = { type: 'user', id: accountId } as const;
        const resource = `users/${userId}`;
        const events = [recorder.prepare({ type: 'invitation.accepted', tenantId, actor, resource })];
        await recorder.write(tx, events);
        return { membership, events };
      });
      const { membership, events } = await accept.catch((error: unknown) => {
        throw nameUserFailure(error);
      });
      memberships.drop(accountId, membership.tenantId);
      recorder.announce(events);
      return Object.freeze(membership);
    },

    async assertOpen(token) {
      const text = typeof token === 'string' ? token : token.reveal();
      if (!TOKEN.test(text)) throw invitationInvalid();
      const { rows } = await database.withSystem('check-invitation', (tx) =>
        sql`select from invitations
          join users on users.tenant_id = invitations.tenant_id and users.id = invitations.user_id
          join tenants on tenants.tenant_id = invitations.tenant_id
          where token_hash = ${hashOf(text)} and accepted_at is null and expires_at > ${new Date(clock.now())}
            and users.account_id is null and users.status <> 'disabled' and tenants.status = 'active'`.execute(tx),
      );
      if (rows.length === 0) throw invitationInvalid();
    },
  };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function invitationInvalid(): Error {
  return tenancyError('INVITATION_INVALID', 'the invitation is unknown, used, replaced or expired; ask for a new one');
}

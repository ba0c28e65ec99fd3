import { currentContext, requireTenant } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { tenancyError } from '../errors.ts';
import type { TenancyTables } from '../tables.ts';
import type { Role } from './role.ts';

/** Whoever makes a change, as the rules of roles see them. */
export interface ActingPerson {
  /** Their own id in this tenant, when they are one of its people. */
  readonly userId: string | undefined;
  readonly role: Role;
}

/**
 * Finds out as what the context's actor acts in the context's tenant. People act by their own role, read in the same
 * transaction; Tenon itself may do everything; a machine, or work that names no actor, never decides about owners.
 *
 * @throws `USER_ROLE_FORBIDDEN` when the actor is a person, and no active one of this tenant
 */
export async function findActingPerson(tx: Tx<TenancyTables>): Promise<ActingPerson> {
  const actor = currentContext()?.actor;
  if (actor?.type === 'system') return { userId: undefined, role: 'owner' };
  if (actor?.type !== 'user') return { userId: undefined, role: 'admin' };
  const row = await tx
    .selectFrom('users')
    .select(['id', 'role'])
    .where('tenant_id', '=', requireTenant())
    .where('account_id', '=', actor.id)
    .where('status', '=', 'active')
    .executeTakeFirst();
  if (row !== undefined) return { userId: row.id, role: row.role };
  throw tenancyError('USER_ROLE_FORBIDDEN', 'only people of this tenant can decide about its people');
}

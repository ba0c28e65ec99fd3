import { requireTenant } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { sql } from 'kysely';
import { releaseQuota } from '../quotas/reserve-quota.ts';
import { USERS_QUOTA } from '../quotas/set-quota.ts';
import type { TenancyTables } from '../tables.ts';
import { findActingPerson } from './acting-person.ts';
import { assertOwnerRemains, lockPerson } from './lock-people.ts';
import { assertMayAssignRole } from './role.ts';
import { userRepository } from './user-repository.ts';
import type { User } from './user.ts';

/** Removes a person, within the rules, and gives back who it was. */
export async function removeUser(
  tx: Tx<TenancyTables>,
  id: string,
  expectedVersion: number | undefined,
): Promise<User> {
  const locked = await lockPerson(tx, id, { expectedVersion, withOwners: true });
  const acting = await findActingPerson(tx);
  assertMayAssignRole(acting.role, locked.person.role, locked.person.role);
  assertOwnerRemains(locked, undefined);
  // Keeps the quota from being set, and the people from being counted, until this is committed.
  await sql`select from tenants where tenant_id = ${requireTenant()} for key share`.execute(tx);
  await userRepository.remove(tx, id);
  await releaseQuota(tx, USERS_QUOTA, 1);
  return locked.person;
}

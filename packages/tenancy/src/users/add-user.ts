import type { Tx } from '@tenon/database';
import type { TenancyConfig } from '../options.ts';
import { reserveQuota } from '../quotas/reserve-quota.ts';
import { USERS_QUOTA } from '../quotas/set-quota.ts';
import type { TenancyTables } from '../tables.ts';
import { findActingPerson } from './acting-person.ts';
import { assertMayAssignRole } from './role.ts';
import { userRepository } from './user-repository.ts';
import type { NewUser, User } from './user.ts';

/** The details of a person of whom none are known. */
export const NO_DETAILS: Readonly<Record<'company' | 'title' | 'city' | 'country' | 'phone', null>> = Object.freeze({
  company: null,
  title: null,
  city: null,
  country: null,
  phone: null,
});

/** Adds a person, within the rules. */
export async function addUser(
  tx: Tx<TenancyTables>,
  config: TenancyConfig,
  input: NewUser,
  accountId: string | null,
): Promise<User> {
  const { role = 'member', status = 'active', ...fields } = input;
  const acting = await findActingPerson(tx);
  assertMayAssignRole(acting.role, undefined, role);
  const at = new Date(config.clock.now()).toISOString();
  const standing = { role, status, accountId, createdAt: at, updatedAt: at };
  const user = await userRepository.insert(tx, { id: config.newId(), ...NO_DETAILS, ...fields, ...standing });
  // After the insert, whose lock on the tenant's row keeps the quota from being set meanwhile.
  await reserveQuota(tx, USERS_QUOTA, 1);
  return user;
}

import type { Tx } from '@tenon/database';
import type { NewSecurityEvent } from '../security-events/security-event.ts';
import type { TenancyTables } from '../tables.ts';
import { findActingPerson } from './acting-person.ts';
import { assertOwnerRemains, lockPerson } from './lock-people.ts';
import { assertMayAssignRole } from './role.ts';
import { userNotFound } from './user-errors.ts';
import { userRepository } from './user-repository.ts';
import type { User, UserPatch } from './user.ts';

/** A change to make. */
export interface UserChange {
  readonly id: string;
  readonly fields: UserPatch;
  readonly expectedVersion: number | undefined;
  readonly now: Date;
}

/** What a change did. */
export interface UserChangeOutcome {
  readonly user: User;
  readonly events: readonly NewSecurityEvent[];
}

/** Changes a person, within the rules. */
export async function changeUser(tx: Tx<TenancyTables>, change: UserChange): Promise<UserChangeOutcome> {
  const withOwners = change.fields.role !== undefined || change.fields.status !== undefined;
  const locked = await lockPerson(tx, change.id, { expectedVersion: change.expectedVersion, withOwners });
  const before = locked.person;
  const fields = differences(before, change.fields);
  if (Object.keys(fields).length === 0) return { user: before, events: [] };

  const after = { role: fields.role ?? before.role, status: fields.status ?? before.status };
  const acting = await findActingPerson(tx);
  const changesStanding = after.role !== before.role || after.status !== before.status;
  // People may keep their own name and address right; all else is a decision about somebody.
  if (changesStanding || acting.userId !== before.id) assertMayAssignRole(acting.role, before.role, after.role);
  assertOwnerRemains(locked, after);

  const updatedAt = change.now.toISOString();
  const user = await userRepository.update(tx, before.id, { ...fields, updatedAt });
  if (user === undefined) throw userNotFound();
  return { user, events: eventsOf(before, user) };
}

function differences(before: User, fields: UserPatch): UserPatch {
  return Object.fromEntries(
    Object.entries(fields).filter(([field, value]) => value !== before[field as keyof UserPatch]),
  );
}

function eventsOf(before: User, after: User): readonly NewSecurityEvent[] {
  const resource = `users/${after.id}`;
  return (['role', 'status'] as const)
    .filter((field) => before[field] !== after[field])
    .map((field) => ({ type: `user.${field}-changed`, resource, details: { from: before[field], to: after[field] } }));
}

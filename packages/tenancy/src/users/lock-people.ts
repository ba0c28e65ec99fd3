import { requireTenant } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { tenancyError } from '../errors.ts';
import type { TenancyTables } from '../tables.ts';
import { userNotFound } from './user-errors.ts';
import { userRepository } from './user-repository.ts';
import type { User } from './user.ts';

/** A person locked for a change, and who else owns the tenant. */
export interface LockedPerson {
  readonly person: User;
  /** Other active owners, where asked for. They are locked too, so they stay what they are until this transaction ends. */
  readonly otherOwners: number;
}

/** What {@link lockPerson} takes besides the id. */
export interface LockOptions {
  readonly expectedVersion: number | undefined;
  /** Whether the change may cost the tenant an owner. */
  readonly withOwners: boolean;
}

/**
 * Locks a person until the end of the transaction, and all active owners with them where that matters: one statement, in
 * the order of ids, so that two changes at once wait for each other and never form a circle.
 *
 * @throws `USER_NOT_FOUND`; `USER_VERSION_CONFLICT`
 */
export async function lockPerson(tx: Tx<TenancyTables>, id: string, options: LockOptions): Promise<LockedPerson> {
  const { expectedVersion, withOwners } = options;
  const rows = await tx
    .selectFrom('users')
    .selectAll()
    .where('tenant_id', '=', requireTenant())
    .where((is) =>
      withOwners
        ? is.or([is('id', '=', id), is.and([is('role', '=', 'owner'), is('status', '=', 'active')])])
        : is('id', '=', id),
    )
    .orderBy('id')
    .forNoKeyUpdate()
    .execute();
  const row = rows.find((one) => one.id === id);
  if (row === undefined) throw userNotFound();
  if (expectedVersion !== undefined && row.version !== expectedVersion) {
    throw tenancyError(
      'USER_VERSION_CONFLICT',
      `the person has been changed: version ${expectedVersion} was expected, and it is ${row.version}. Read it again`,
      { details: { expected: expectedVersion, actual: row.version } },
    );
  }
  return { person: userRepository.toRecord(row), otherOwners: rows.length - 1 };
}

/**
 * A tenant always has somebody who can decide everything.
 *
 * @param after - what the person will be; `undefined` when they are removed
 * @throws `USER_LAST_OWNER`
 */
export function assertOwnerRemains(locked: LockedPerson, after: Pick<User, 'role' | 'status'> | undefined): void {
  const { person, otherOwners } = locked;
  const wasOwner = person.role === 'owner' && person.status === 'active';
  const staysOwner = after?.role === 'owner' && after.status === 'active';
  if (!wasOwner || staysOwner || otherOwners > 0) return;
  throw tenancyError(
    'USER_LAST_OWNER',
    'the last active owner of a tenant can be neither removed, demoted nor disabled; make somebody else an owner first',
  );
}

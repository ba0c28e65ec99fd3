import { tenancyError } from '../errors.ts';

/** What a person may be in a tenant, from the most to the least powerful. */
export const roles = ['owner', 'admin', 'member', 'viewer'] as const;

/** A role of a person in a tenant. */
export type Role = (typeof roles)[number];

/**
 * The rule for who may grant what. Owners decide everything. Admins decide about everybody but owners: they make no owner,
 * and change no owner. Members and viewers grant nothing. So nobody can raise a role above their own.
 *
 * @param actorRole - the role of whoever makes the change
 * @param currentRole - the role that the person has now; `undefined` for a person who is being added
 * @param newRole - the role that the person will have; the same as now when it does not change
 * @throws `USER_ROLE_FORBIDDEN` when the rule says no
 */
export function assertMayAssignRole(actorRole: Role, currentRole: Role | undefined, newRole: Role): void {
  if (actorRole === 'owner') return;
  const concernsOwner = currentRole === 'owner' || newRole === 'owner';
  if (actorRole === 'admin' && !concernsOwner) return;
  throw tenancyError(
    'USER_ROLE_FORBIDDEN',
    actorRole === 'admin'
      ? 'an admin can neither make owners nor change them; ask an owner'
      : `a ${actorRole} cannot decide about other people; ask an admin or an owner`,
    { details: { actorRole, currentRole: currentRole ?? null, newRole } },
  );
}

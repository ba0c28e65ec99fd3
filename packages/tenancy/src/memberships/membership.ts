import type { Role } from '../users/role.ts';

/** One tenant that an account may enter: an active person of an active tenant. */
export interface Membership {
  readonly tenantId: string;
  readonly tenantName: string;
  /** The person's id in that tenant. */
  readonly userId: string;
  readonly role: Role;
}

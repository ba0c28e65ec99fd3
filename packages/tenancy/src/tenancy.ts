import type { Invitations } from './invitations/invitations.ts';
import type { Membership } from './memberships/membership.ts';
import type { Quotas } from './quotas/quotas.ts';
import type { SecurityEvents } from './security-events/security-events.ts';
import type { TenantConfig } from './settings/tenant-config.ts';
import type { Tenants } from './tenants/tenants.ts';
import type { Users } from './users/users.ts';

/** What {@link Tenancy.ownerOf} can look up. */
export type OwnedResource = 'users' | 'invitations';

/**
 * Tenants, their people and roles, settings, quotas and security events.
 *
 * @typeParam TSettings - what an application's tenants can set
 */
export interface Tenancy<TSettings extends object = object> {
  readonly tenants: Tenants;
  readonly users: Users;
  readonly invitations: Invitations;
  readonly settings: TenantConfig<TSettings>;
  readonly quotas: Quotas;
  readonly securityEvents: SecurityEvents;

  /** The tenants that an account may enter, by name. Always fresh; for signing in and choosing. */
  membershipsOf(accountId: string): Promise<readonly Membership[]>;

  /**
   * What an account is in a tenant; `undefined` when it may not enter. From a cache as old as `cacheTtlMs` at most; a
   * change made by this process shows at once. For every request.
   */
  membership(accountId: string, tenantId: string): Promise<Membership | undefined>;

  /**
   * The tenant that a row belongs to, whichever that is; `undefined` when there is no such row. Only to tell an attempt to
   * reach another tenant's row from a typing error, after the request was answered with "not found".
   */
  ownerOf(resource: OwnedResource, id: string): Promise<string | undefined>;
}

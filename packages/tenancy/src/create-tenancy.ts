import { createInvitations } from './invitations/create-invitations.ts';
import { createMemberships } from './memberships/create-memberships.ts';
import { resolveTenancyOptions, type TenancyOptions } from './options.ts';
import { createQuotas } from './quotas/create-quotas.ts';
import { isRowId } from './row-id.ts';
import { createSecurityEvents } from './security-events/create-security-events.ts';
import { createSecurityRecorder } from './security-events/security-recorder.ts';
import { createTenantConfig } from './settings/create-tenant-config.ts';
import type { OwnedResource, Tenancy } from './tenancy.ts';
import { createTenants } from './tenants/create-tenants.ts';
import { createUsers } from './users/create-users.ts';

/**
 * Makes the service of tenants and their people.
 *
 * @example
 * ```ts
 * await database.migrate([tenancyMigrations()]);
 * const tenancy = createTenancy({ database, settings: { defaults: { timeZone: 'UTC' }, parse: parseSettings } });
 * const { tenant } = await tenancy.tenants.create({ name: 'Acme', owner: { accountId, email: 'ada@acme.example', name: 'Ada' } });
 * await runAs({ tenant: tenant.id, actor }, () => tenancy.users.create({ email: 'bob@acme.example', name: 'Bob' }));
 * ```
 * @typeParam TSettings - what the application's tenants can set
 * @throws `TENANCY_OPTIONS_INVALID` naming the option
 */
export function createTenancy<TSettings extends object>(options: TenancyOptions<TSettings>): Tenancy<TSettings> {
  const config = resolveTenancyOptions(options);
  const recorder = createSecurityRecorder(config);
  const memberships = createMemberships(config);
  const parts = { config, recorder, memberships };
  return Object.freeze({
    tenants: createTenants(parts),
    users: createUsers(parts),
    invitations: createInvitations(parts),
    settings: createTenantConfig(config, options.settings),
    quotas: createQuotas(config, recorder),
    securityEvents: createSecurityEvents(config, recorder),
    membershipsOf: (accountId: string) => memberships.membershipsOf(accountId),
    membership: (accountId: string, tenantId: string) => memberships.membership(accountId, tenantId),
    async ownerOf(resource: OwnedResource, id: string): Promise<string | undefined> {
      if (!isRowId(id)) return undefined;
      const row = await config.database.withSystem('find-owner', (tx) =>
        tx.selectFrom(resource).select('tenant_id').where('id', '=', id).executeTakeFirst(),
      );
      return row?.tenant_id;
    },
  });
}

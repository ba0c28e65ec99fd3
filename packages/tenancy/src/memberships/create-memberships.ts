import { deepFreeze, runInContext } from '@tenon/core';
import { createExpiringCache } from '../expiring-cache.ts';
import type { TenancyConfig } from '../options.ts';
import type { Membership } from './membership.ts';

/** Who may enter which tenant. */
export interface Memberships {
  membershipsOf(accountId: string): Promise<readonly Membership[]>;
  membership(accountId: string, tenantId: string): Promise<Membership | undefined>;
  /** Forgets what an account is in a tenant. Call it after the commit of what changed it. */
  drop(accountId: string | null, tenantId: string): void;
  /** Forgets everything, after a change of a tenant itself. */
  clear(): void;
}

/** Makes the look-up of memberships. */
export function createMemberships(config: TenancyConfig): Memberships {
  const { database, cacheTtlMs: ttlMs, cacheMaxEntries: maxEntries, clock } = config;
  const cache = createExpiringCache<Membership | undefined>({ ttlMs, maxEntries, clock });

  const read = (accountId: string, tenantId?: string): Promise<readonly Membership[]> =>
    database.withSystem('find-memberships', async (tx) => {
      let query = tx
        .selectFrom('users')
        .innerJoin('tenants', 'tenants.tenant_id', 'users.tenant_id')
        .select(['users.tenant_id as tenantId', 'tenants.name as tenantName', 'users.id as userId', 'users.role'])
        .where('users.account_id', '=', accountId)
        .where('users.status', '=', 'active')
        .where('tenants.status', '=', 'active')
        .orderBy('users.created_at')
        .orderBy('users.tenant_id');
      if (tenantId !== undefined) query = query.where('users.tenant_id', '=', tenantId);
      return deepFreeze(await query.execute());
    });

  return {
    membershipsOf: (accountId) => read(accountId),
    membership: (accountId, tenantId) =>
      // The load is shared by all who ask meanwhile: it must not end with the request of the first of them.
      cache.get(keyOf(accountId, tenantId), () => runInContext({}, async () => (await read(accountId, tenantId))[0])),
    drop(accountId, tenantId) {
      if (accountId !== null) cache.drop(keyOf(accountId, tenantId));
    },
    clear: () => cache.clear(),
  };
}

// Unambiguous: a tenant id holds no space, so it is the last one that separates.
function keyOf(accountId: string, tenantId: string): string {
  return `${accountId} ${tenantId}`;
}

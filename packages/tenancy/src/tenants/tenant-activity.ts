import { isTenantId, runInContext } from '@tenon/core';
import { createExpiringCache } from '../expiring-cache.ts';
import type { TenancyConfig } from '../options.ts';

/** Which tenants are active. */
export interface TenantActivity {
  isActive(id: string): Promise<boolean>;
  /** Forgets what is known of a tenant. Call it after the commit of what changed it. */
  drop(id: string): void;
}

/** Makes the look-up, with its cache. */
export function createTenantActivity(config: TenancyConfig): TenantActivity {
  const { database, clock, cacheTtlMs: ttlMs, cacheMaxEntries: maxEntries } = config;
  const cache = createExpiringCache<boolean>({ ttlMs, maxEntries, clock });
  return {
    isActive(id) {
      if (!isTenantId(id)) return Promise.resolve(false);
      const load = (): Promise<boolean> =>
        database.withSystem('check-tenant', async (tx) => {
          const row = await tx.selectFrom('tenants').select('status').where('tenant_id', '=', id).executeTakeFirst();
          return row?.status === 'active';
        });
      // The load is shared by all who ask meanwhile: it must not end with the request of the first of them.
      return cache.get(id, () => runInContext({}, load));
    },
    drop: (id) => cache.drop(id),
  };
}

import { resourceError, type ResourceError } from '../errors.ts';

/** How much one tenant may use, so that none starves the others. */
export interface TenantQuota {
  /** Managed resources at once: pools and shared instances. 1 or more. Default 100. */
  readonly maxResources?: number;
  /** Leases at once, over all resources. 1 or more. Default 1,000. */
  readonly maxLeases?: number;
  /** Acquires that wait at once, over all resources. 0 or more. Default 1,000. */
  readonly maxWaiters?: number;
}

/** The name of one limit. */
export type QuotaName = keyof TenantQuota;

/** Counts what tenants use. */
export interface TenantQuotas {
  /**
   * Takes one of a tenant's.
   *
   * @param tenant - `undefined`: work of no tenant, which has no quota
   * @returns gives it back, once
   * @throws `RESOURCE_QUOTA_EXCEEDED` naming the limit
   */
  take(tenant: string | undefined, quota: QuotaName): () => void;
  /** What a tenant uses now. */
  usage(tenant: string): Readonly<Record<QuotaName, number>>;
}

const DEFAULTS: Readonly<Required<TenantQuota>> = { maxResources: 100, maxLeases: 1_000, maxWaiters: 1_000 };
const NOTHING: () => void = () => undefined;

/**
 * Makes the counts of all tenants. A tenant that uses nothing takes no memory.
 *
 * @param quotaOf - the quota of one tenant. It is asked at each {@link TenantQuotas.take}, and must be quick
 * @param onExceeded - hears of each refusal
 */
export function createTenantQuotas(
  quotaOf: (tenant: string) => TenantQuota | undefined,
  onExceeded: (tenant: string, quota: QuotaName, limit: number) => void = () => undefined,
): TenantQuotas {
  const used = new Map<string, Record<QuotaName, number>>();
  return {
    take(tenant, quota) {
      if (tenant === undefined) return NOTHING;
      const limit = quotaOf(tenant)?.[quota] ?? DEFAULTS[quota];
      const counts = used.get(tenant) ?? { maxResources: 0, maxLeases: 0, maxWaiters: 0 };
      if (counts[quota] >= limit) {
        onExceeded(tenant, quota, limit);
        throw exceeded(quota, limit);
      }
      counts[quota] += 1;
      used.set(tenant, counts);
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        counts[quota] -= 1;
        if (counts.maxResources + counts.maxLeases + counts.maxWaiters === 0) used.delete(tenant);
      };
    },
    usage: (tenant) => ({ ...(used.get(tenant) ?? { maxResources: 0, maxLeases: 0, maxWaiters: 0 }) }),
  };
}

function exceeded(quota: QuotaName, limit: number): ResourceError {
  const what = { maxResources: 'resources', maxLeases: 'leases', maxWaiters: 'waiting acquires' }[quota];
  return resourceError(
    'RESOURCE_QUOTA_EXCEEDED',
    `this tenant has ${limit} ${what} already, which is its quota: give some back, or raise ${quota}`,
    { retryable: quota !== 'maxResources', details: { quota, limit } },
  );
}

import { resourceError, type ResourceError } from '../errors.ts';

/** How much one tenant may use, so that none starves the others. */
export interface TenantQuota {
  /** Managed resources at once: pools and shared instances. 1 or more. Default 100. */
  readonly maxResources?: number;
  /** Leases at once, over all resources, those that are waited for included. What instances hold of what they need does not count. 1 or more. Default 1,000. */
  readonly maxLeases?: number;
  /** Acquires that wait at once, over all resources, for a return or a new instance. 0 or more. Default 1,000. */
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
   * @throws `RESOURCE_QUOTA_EXCEEDED` naming the limit; `RESOURCE_CONFIGURATION_INVALID` for a limit that is none
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
 */
export function createTenantQuotas(quotaOf: (tenant: string) => TenantQuota | undefined): TenantQuotas {
  const used = new Map<string, Record<QuotaName, number>>();
  return {
    take(tenant, quota) {
      if (tenant === undefined) return NOTHING;
      const limit = quotaOf(tenant)?.[quota] ?? DEFAULTS[quota];
      if (!isLimit(quota, limit)) throw notALimit(quota);
      const counts = used.get(tenant) ?? { maxResources: 0, maxLeases: 0, maxWaiters: 0 };
      if (counts[quota] >= limit) throw exceeded(quota, limit);
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

/**
 * Refuses limits that are none: what is not a number would else be no limit at all.
 *
 * @throws `RESOURCE_CONFIGURATION_INVALID`
 */
export function checkQuota(quota: TenantQuota): void {
  for (const name of Object.keys(DEFAULTS) as QuotaName[]) {
    const limit = quota[name];
    if (limit !== undefined && !isLimit(name, limit)) throw notALimit(name);
  }
}

function isLimit(quota: QuotaName, limit: number): boolean {
  return (Number.isInteger(limit) || limit === Infinity) && limit >= (quota === 'maxWaiters' ? 0 : 1);
}

function notALimit(quota: QuotaName): ResourceError {
  const least = quota === 'maxWaiters' ? 0 : 1;
  return resourceError('RESOURCE_CONFIGURATION_INVALID', `${quota} must be a whole number from ${least}, or Infinity`, {
    details: { option: quota },
  });
}

function exceeded(quota: QuotaName, limit: number): ResourceError {
  const what = { maxResources: 'resources', maxLeases: 'leases, or acquires for one,', maxWaiters: 'waiting acquires' }[
    quota
  ];
  return resourceError(
    'RESOURCE_QUOTA_EXCEEDED',
    `this tenant has ${limit} ${what} already, which is its quota: give some back, or raise ${quota}`,
    { retryable: quota !== 'maxResources', details: { quota, limit } },
  );
}

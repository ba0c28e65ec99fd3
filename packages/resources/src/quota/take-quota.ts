import { isCodedError, type Logger } from '@tenon/core';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { ResourceEventFacts } from '../events/resource-event.ts';
import { resourceLogger } from '../logging/resource-logger.ts';
import type { ResourceScope } from '../scope/resource-scope.ts';
import type { QuotaName, TenantQuotas } from './tenant-quotas.ts';

/** What {@link takeQuota} works with. */
export interface QuotaServices {
  readonly quotas: TenantQuotas;
  readonly logger: Logger;
  emit(token: ResourceToken, scope: string | undefined, facts: ResourceEventFacts): void;
}

/**
 * Takes one of a tenant's for a resource, and tells when there is none left.
 *
 * @returns gives it back, once
 * @throws what {@link TenantQuotas.take} throws
 */
export function takeQuota(
  services: QuotaServices,
  place: { readonly token: ResourceToken; readonly scope: ResourceScope; readonly scopeText: string },
  tenant: string | undefined,
  quota: QuotaName,
): () => void {
  try {
    return services.quotas.take(tenant, quota);
  } catch (error) {
    if (isCodedError(error, 'RESOURCE_QUOTA_EXCEEDED')) {
      const limit = Number(error.details['limit']);
      const { token, scope } = place;
      const whose = tenant === undefined ? scope : { ...scope, tenant };
      const logger = resourceLogger(services.logger, token.name, whose);
      logger.warn({ quota, limit }, 'a tenant has reached a quota of resources');
      services.emit(place.token, place.scopeText, { type: 'quota-exceeded', quota, limit });
    }
    throw error;
  }
}

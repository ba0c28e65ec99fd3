import { silentLogger, systemClock, type Clock, type Logger } from '@tenon/core';
import { resourceError } from './errors.ts';
import { checkQuota, type TenantQuota } from './quota/tenant-quotas.ts';
import type { ResourcesOptions } from './resources.ts';

/** {@link ResourcesOptions} with their defaults. */
export interface ResolvedOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly quotaOf: (tenant: string) => TenantQuota | undefined;
  readonly idleResourceMs: number;
  readonly maintenanceIntervalMs: number;
  readonly drainTimeoutMs: number;
}

/**
 * Fills in the defaults, and refuses what makes no sense.
 *
 * @throws `RESOURCE_CONFIGURATION_INVALID` naming the option and its range
 */
export function resolveResourcesOptions(options: ResourcesOptions): ResolvedOptions {
  const { quota = {}, idleResourceMs = 900_000, maintenanceIntervalMs = 30_000, drainTimeoutMs = 30_000 } = options;
  if (typeof quota !== 'function') checkQuota(quota);
  check('idleResourceMs', idleResourceMs > 0, 'milliseconds above 0, or Infinity');
  const isInterval = maintenanceIntervalMs >= 100 && maintenanceIntervalMs <= 86_400_000;
  check('maintenanceIntervalMs', isInterval, 'milliseconds from 100 to 86,400,000');
  check('drainTimeoutMs', drainTimeoutMs >= 0, 'milliseconds from 0, or Infinity');
  return {
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    random: options.random ?? Math.random,
    quotaOf: typeof quota === 'function' ? quota : () => quota,
    idleResourceMs,
    maintenanceIntervalMs,
    drainTimeoutMs,
  };
}

function check(option: string, isValid: boolean, range: string): void {
  if (isValid) return;
  throw resourceError('RESOURCE_CONFIGURATION_INVALID', `${option} must be ${range}`, { details: { option } });
}

import { isCodedError, requireTenant, runInContext } from '@tenon/core';
import { tenancyError } from '../errors.ts';
import { createExpiringCache } from '../expiring-cache.ts';
import type { TenancyConfig } from '../options.ts';
import { readSettingsHistory } from './settings-history.ts';
import { createSettingsValues } from './settings-values.ts';
import type { CurrentSettings, TenantConfig, TenantSettingsDefinition } from './tenant-config.ts';
import { readSettings, updateSettings } from './update-settings.ts';

const MAX_HISTORY = 100;

/**
 * Makes the service.
 *
 * @throws `TENANCY_OPTIONS_INVALID` when the defaults do not pass their own `parse`
 */
export function createTenantConfig<TSettings extends object>(
  config: TenancyConfig,
  definition: TenantSettingsDefinition<TSettings>,
): TenantConfig<TSettings> {
  const { database, clock, cacheTtlMs: ttlMs, cacheMaxEntries: maxEntries } = config;
  const cache = createExpiringCache<CurrentSettings<TSettings>>({ ttlMs, maxEntries, clock });
  const settings = createSettingsValues(definition);
  const load = async (): Promise<CurrentSettings<TSettings>> => {
    const { own, version } = await database.withTenant((tx) => readSettings(tx, false));
    return settings.current(own, version);
  };

  return {
    get() {
      const tenant = requireTenant();
      // The load is shared by all who ask meanwhile: it must not end with the request of the first of them.
      return cache.get(tenant, () => runInContext({ tenant }, load));
    },

    async update(patch, expectedVersion) {
      const tenant = requireTenant();
      const now = new Date(clock.now());
      try {
        const { own, version } = await database.withTenant((tx) =>
          updateSettings(tx, { change: (before) => settings.merge(before, patch), expectedVersion, now }),
        );
        return settings.current(own, version);
      } catch (error) {
        throw isCodedError(error, 'DATABASE_VALUE_INVALID')
          ? tenancyError('TENANT_SETTINGS_INVALID', 'a setting holds text that cannot be stored', { cause: error })
          : error;
      } finally {
        cache.drop(tenant);
      }
    },

    async history(limit = 20) {
      const rows = Math.min(Math.max(1, Math.trunc(limit)), MAX_HISTORY);
      return database.withTenant((tx) => readSettingsHistory(tx, rows));
    },
  };
}

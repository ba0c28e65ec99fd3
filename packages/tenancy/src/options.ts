import { newId, silentLogger, systemClock, type Clock, type Logger } from '@tenon/core';
import type { Database } from '@tenon/database';
import { tenancyError } from './errors.ts';
import type { TenantSettingsDefinition } from './settings/tenant-config.ts';
import type { TenancyTables } from './tables.ts';

/** What {@link createTenancy} takes. */
export interface TenancyOptions<TSettings extends object> {
  /** Migrated with {@link tenancyMigrations}. */
  readonly database: Database;
  /** What the application's tenants can set. */
  readonly settings: TenantSettingsDefinition<TSettings>;
  /** How long memberships, settings and tenant states are remembered, in milliseconds, 0 to 60,000. Default 1,000. */
  readonly cacheTtlMs?: number;
  /** How many entries each of the caches holds, 1 to 1,000,000. Default 10,000. */
  readonly cacheMaxEntries?: number;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Makes ids. Default: UUIDv7. */
  readonly newId?: () => string;
  /** Default: none. */
  readonly logger?: Logger;
}

/** The options with nothing left open. */
export interface TenancyConfig {
  readonly database: Database<TenancyTables>;
  readonly cacheTtlMs: number;
  readonly cacheMaxEntries: number;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly logger: Logger;
}

/** @throws `TENANCY_OPTIONS_INVALID` naming the option */
export function resolveTenancyOptions<TSettings extends object>(options: TenancyOptions<TSettings>): TenancyConfig {
  return {
    database: options.database.withTables<TenancyTables>(),
    cacheTtlMs: wholeNumber('cacheTtlMs', options.cacheTtlMs ?? 1_000, 0, 60_000),
    cacheMaxEntries: wholeNumber('cacheMaxEntries', options.cacheMaxEntries ?? 10_000, 1, 1_000_000),
    clock: options.clock ?? systemClock,
    newId: options.newId ?? newId,
    logger: options.logger ?? silentLogger,
  };
}

function wholeNumber(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw tenancyError('TENANCY_OPTIONS_INVALID', `${name} must be a whole number from ${min} to ${max}`);
}

import type { Clock, Logger } from '@tenon/core';
import type { Database } from '@tenon/database';
import type { TenantSettingsDefinition } from './settings/tenant-config.ts';

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

import { deepFreeze, requireTenant, type Actor } from '@tenon/core';
import type { Tx } from '@tenon/database';
import type { TenancyTables } from '../tables.ts';
import type { SettingsChange } from './tenant-config.ts';

/** The latest changes of the context's tenant's settings, newest first. */
export async function readSettingsHistory(tx: Tx<TenancyTables>, limit: number): Promise<readonly SettingsChange[]> {
  const rows = await tx
    .selectFrom('tenant_settings_history')
    .selectAll()
    .where('tenant_id', '=', requireTenant())
    .orderBy('version', 'desc')
    .limit(limit)
    .execute();
  return deepFreeze(
    rows.map((row) => ({
      version: row.version,
      changedBy: row.actor_type === null ? null : { type: row.actor_type as Actor['type'], id: row.actor_id ?? '' },
      requestId: row.request_id,
      changedAt: row.changed_at.toISOString(),
      before: row.before,
      after: row.after,
    })),
  );
}

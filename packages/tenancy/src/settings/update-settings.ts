import { currentContext, requireTenant } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { sql } from 'kysely';
import { tenancyError } from '../errors.ts';
import type { TenancyTables } from '../tables.ts';
import type { OwnSettings } from './settings-values.ts';

/** A change of the context's tenant's own settings. */
export interface SettingsUpdate {
  /** Makes the new settings of those that there are. */
  readonly change: (own: OwnSettings) => OwnSettings;
  readonly expectedVersion: number | undefined;
  readonly now: Date;
}

/** Settings as they are stored. */
export interface StoredSettings {
  readonly own: OwnSettings;
  readonly version: number;
}

/**
 * The context's tenant's own settings.
 *
 * @param lock - whether to keep others from changing them until the transaction ends
 * @throws `TENANT_NOT_FOUND`
 */
export async function readSettings(tx: Tx<TenancyTables>, lock: boolean): Promise<StoredSettings> {
  const query = tx
    .selectFrom('tenants')
    .select(['settings', 'settings_version'])
    .where('tenant_id', '=', requireTenant());
  const row = await (lock ? query.forNoKeyUpdate() : query).executeTakeFirst();
  if (row === undefined) throw tenancyError('TENANT_NOT_FOUND', 'the tenant does not exist');
  return { own: row.settings, version: row.settings_version };
}

/** Changes the context's tenant's settings, and writes the change into their history. */
export async function updateSettings(tx: Tx<TenancyTables>, update: SettingsUpdate): Promise<StoredSettings> {
  const tenant = requireTenant();
  const { actor, requestId } = currentContext() ?? {};
  const { expectedVersion, now } = update;
  const before = await readSettings(tx, true);
  if (expectedVersion !== undefined && before.version !== expectedVersion) {
    throw tenancyError('TENANT_SETTINGS_VERSION_CONFLICT', 'the settings have been changed; read them again', {
      details: { expected: expectedVersion, actual: before.version },
    });
  }
  const own = update.change(before.own);
  const after = JSON.stringify(own);
  const version = before.version + 1;
  await sql`update tenants set settings = ${after}, settings_version = ${version}, updated_at = ${now}
    where tenant_id = ${tenant}`.execute(tx);
  await sql`insert into tenant_settings_history
    (tenant_id, version, actor_type, actor_id, request_id, before, after, changed_at)
    values (${tenant}, ${version}, ${actor?.type ?? null}, ${actor?.id ?? null}, ${requestId ?? null},
      ${JSON.stringify(before.own)}, ${after}, ${now})`.execute(tx);
  return { own, version };
}

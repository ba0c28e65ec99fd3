import { isTenantId, requireTenant } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { sql } from 'kysely';
import { tenancyError } from '../errors.ts';
import type { TenancyTables } from '../tables.ts';
import { toTenant } from './tenant-row.ts';
import type { Tenant, TenantStatus } from './tenant.ts';

/** A change of the context's tenant's name. */
export interface TenantRename {
  readonly name: string;
  readonly expectedVersion: number | undefined;
  readonly now: Date;
}

/** @throws `TENANT_NOT_FOUND`; `TENANT_VERSION_CONFLICT` */
export async function renameTenant(tx: Tx<TenancyTables>, rename: TenantRename): Promise<Tenant> {
  const tenant = requireTenant();
  const { expectedVersion, name, now } = rename;
  const row = await tx
    .selectFrom('tenants')
    .selectAll()
    .where('tenant_id', '=', tenant)
    .forNoKeyUpdate()
    .executeTakeFirst();
  const actual = toTenant(row).version;
  if (expectedVersion !== undefined && actual !== expectedVersion) {
    throw tenancyError('TENANT_VERSION_CONFLICT', 'the tenant has been changed meanwhile; read it again', {
      details: { expected: expectedVersion, actual },
    });
  }
  const changed = await tx
    .updateTable('tenants')
    .set({ name, updated_at: now, version: sql`version + 1` })
    .where('tenant_id', '=', tenant)
    .returningAll()
    .executeTakeFirst();
  return toTenant(changed);
}

/** Runs with system rights. @throws `TENANT_NOT_FOUND` */
export async function changeTenantStatus(
  tx: Tx<TenancyTables>,
  id: string,
  status: TenantStatus,
  now: Date,
): Promise<Tenant> {
  if (!isTenantId(id)) return toTenant(undefined);
  const changed = await tx
    .updateTable('tenants')
    .set({ status, updated_at: now, version: sql`version + 1` })
    .where('tenant_id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return toTenant(changed);
}

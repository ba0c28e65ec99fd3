import { tenancyError } from '../errors.ts';
import type { TenantRow } from '../tables.ts';
import type { Tenant } from './tenant.ts';

/**
 * The tenant of a row.
 *
 * @throws `TENANT_NOT_FOUND` when there is no row
 */
export function toTenant(row: TenantRow | undefined): Tenant {
  if (row === undefined) throw tenancyError('TENANT_NOT_FOUND', 'the tenant does not exist');
  return Object.freeze({
    id: row.tenant_id,
    name: row.name,
    status: row.status,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    version: row.version,
  });
}

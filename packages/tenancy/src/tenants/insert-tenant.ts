import type { Tx } from '@tenon/database';
import type { TenancyTables } from '../tables.ts';
import { userRepository } from '../users/user-repository.ts';
import type { User } from '../users/user.ts';
import type { CheckedTenant } from './tenant-input.ts';
import { toTenant } from './tenant-row.ts';
import type { Tenant } from './tenant.ts';

/** What {@link insertTenant} needs besides the input. */
export interface InsertTenantOptions {
  readonly tenantId: string;
  readonly ownerId: string;
  readonly now: Date;
}

/** Writes a tenant and its owner. Runs with system rights, in the context of the new tenant. */
export async function insertTenant(
  tx: Tx<TenancyTables>,
  input: CheckedTenant,
  options: InsertTenantOptions,
): Promise<{ readonly tenant: Tenant; readonly owner: User }> {
  const { tenantId, ownerId, now } = options;
  const row = await tx
    .insertInto('tenants')
    .values({
      tenant_id: tenantId,
      name: input.name,
      status: 'active',
      settings: '{}',
      created_at: now,
      updated_at: now,
    })
    .returningAll()
    .executeTakeFirst();
  const owner = await userRepository.insert(tx, {
    id: ownerId,
    accountId: input.accountId,
    ...input.owner,
    role: 'owner',
    status: 'active',
    company: null,
    title: null,
    city: null,
    country: null,
    phone: null,
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
  });
  return { tenant: toTenant(row), owner };
}

import { requireTenant } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { sql } from 'kysely';
import { tenancyError } from '../errors.ts';
import type { TenancyTables } from '../tables.ts';

/** The quota that counts the people of a tenant. */
export const USERS_QUOTA = 'users';

/** Sets or lifts a limit of the context's tenant; see `Quotas.set`. */
export async function setQuota(tx: Tx<TenancyTables>, name: string, max: number | null): Promise<void> {
  const tenant = requireTenant();
  // Adding or removing a person holds a shared lock on this row until it is committed. So nobody is half way in
  // while the people are counted, and whoever comes after sees the quota.
  const found = await tx
    .selectFrom('tenants')
    .select('tenant_id')
    .where('tenant_id', '=', tenant)
    .forUpdate()
    .executeTakeFirst();
  if (found === undefined) throw tenancyError('TENANT_NOT_FOUND', 'the tenant does not exist');
  if (max === null) {
    await tx.deleteFrom('tenant_quotas').where('tenant_id', '=', tenant).where('name', '=', name).execute();
    return;
  }
  const counted = name === USERS_QUOTA;
  const used = counted ? sql`(select count(*) from users where tenant_id = ${tenant})` : sql`0`;
  const kept = counted ? sql`excluded.used` : sql`tenant_quotas.used`;
  await sql`insert into tenant_quotas (tenant_id, name, max, used) values (${tenant}, ${name}, ${max}, ${used})
    on conflict (tenant_id, name) do update set max = excluded.max, used = ${kept}`.execute(tx);
}

import { requireTenant } from '@tenon/core';
import type { Tx } from '@tenon/database';
import { sql } from 'kysely';
import { tenancyError } from '../errors.ts';
import { assertQuotaAmount, assertQuotaName } from './check-quota.ts';

interface Reservation {
  readonly max: number;
  readonly used: number;
  readonly taken: boolean;
}

/** Takes an amount; see `Quotas.reserve`. One conditional update: the row's lock decides who comes first. */
export async function reserveQuota<Tables>(tx: Tx<Tables>, name: string, amount: number): Promise<void> {
  assertQuotaName(name);
  assertQuotaAmount('amount', amount);
  const tenant = requireTenant();
  const { rows } = await sql<Reservation>`
    with taken as (
      update tenant_quotas set used = used + ${amount}
      where tenant_id = ${tenant} and name = ${name} and used + ${amount} <= max
      returning 1)
    select max, used, exists (select from taken) as taken
    from tenant_quotas where tenant_id = ${tenant} and name = ${name}`.execute(tx);
  const quota = rows[0];
  if (quota === undefined || quota.taken) return;
  throw tenancyError(
    'QUOTA_EXCEEDED',
    `the quota "${name}" allows ${quota.max}, and ${amount} more would pass it; free some, or have the limit raised`,
    { details: { quota: name, max: quota.max, used: quota.used, requested: amount } },
  );
}

/** Gives an amount back; see `Quotas.release`. */
export async function releaseQuota<Tables>(tx: Tx<Tables>, name: string, amount: number): Promise<void> {
  assertQuotaName(name);
  assertQuotaAmount('amount', amount);
  await sql`update tenant_quotas set used = greatest(used - ${amount}, 0)
    where tenant_id = ${requireTenant()} and name = ${name}`.execute(tx);
}

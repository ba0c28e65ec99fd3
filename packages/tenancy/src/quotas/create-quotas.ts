import { requireTenant } from '@tenon/core';
import { sql } from 'kysely';
import { tenancyError } from '../errors.ts';
import type { TenancyConfig } from '../options.ts';
import type { SecurityRecorder } from '../security-events/security-recorder.ts';
import type { Quotas } from './quotas.ts';

/** The quota that counts the people of a tenant. */
export const USERS_QUOTA = 'users';

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Makes the service. */
export function createQuotas(config: TenancyConfig, recorder: SecurityRecorder): Quotas {
  const { database } = config;
  return {
    async set(name, max) {
      assertName(name);
      if (max !== null) assertAmount('max', max);
      const tenant = requireTenant();
      const events = [recorder.prepare({ type: 'quota.changed', resource: `quotas/${name}`, details: { max } })];
      await database.withSystem('set-quota', async (tx) => {
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
        } else {
          const counts = name === USERS_QUOTA;
          const used = counts ? sql`(select count(*) from users where tenant_id = ${tenant})` : sql`0`;
          const kept = counts ? sql`excluded.used` : sql`tenant_quotas.used`;
          await sql`insert into tenant_quotas (tenant_id, name, max, used) values (${tenant}, ${name}, ${max}, ${used})
            on conflict (tenant_id, name) do update set max = excluded.max, used = ${kept}`.execute(tx);
        }
        await recorder.write(tx, events);
      });
      recorder.announce(events);
    },
    list() {
      const tenant = requireTenant();
      return database.withTenant((tx) =>
        tx
          .selectFrom('tenant_quotas')
          .select(['name', 'max', 'used'])
          .where('tenant_id', '=', tenant)
          .orderBy('name')
          .execute(),
      );
    },
    async reserve(tx, name, amount) {
      assertName(name);
      assertAmount('amount', amount);
      const tenant = requireTenant();
      const { rows } = await sql<{ max: number; used: number; taken: boolean }>`
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
    },
    async release(tx, name, amount) {
      assertName(name);
      assertAmount('amount', amount);
      await sql`update tenant_quotas set used = greatest(used - ${amount}, 0)
        where tenant_id = ${requireTenant()} and name = ${name}`.execute(tx);
    },
  };
}

function assertName(name: string): void {
  if (NAME.test(name)) return;
  throw tenancyError('QUOTA_INVALID', 'a quota is named by 1 to 64 lower-case letters, digits, "-", "_" or "."');
}

function assertAmount(name: string, amount: number): void {
  if (Number.isSafeInteger(amount) && amount >= 0) return;
  throw tenancyError('QUOTA_INVALID', `${name} must be a whole number from 0`);
}

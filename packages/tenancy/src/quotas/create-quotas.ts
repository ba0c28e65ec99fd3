import { deepFreeze, requireTenant } from '@tenon/core';
import type { TenancyConfig } from '../options.ts';
import type { SecurityRecorder } from '../security-events/security-recorder.ts';
import { assertQuotaAmount, assertQuotaName } from './check-quota.ts';
import type { Quotas } from './quotas.ts';
import { releaseQuota, reserveQuota } from './reserve-quota.ts';
import { setQuota } from './set-quota.ts';

/** Makes the service. */
export function createQuotas({ database }: TenancyConfig, recorder: SecurityRecorder): Quotas {
  return {
    async set(name, max) {
      assertQuotaName(name);
      if (max !== null) assertQuotaAmount('max', max);
      requireTenant();
      const events = [recorder.prepare({ type: 'quota.changed', resource: `quotas/${name}`, details: { max } })];
      await database.withSystem('set-quota', async (tx) => {
        await setQuota(tx, name, max);
        await recorder.write(tx, events);
      });
      recorder.announce(events);
    },

    async list() {
      const tenant = requireTenant();
      const rows = await database.withTenant((tx) =>
        tx
          .selectFrom('tenant_quotas')
          .select(['name', 'max', 'used'])
          .where('tenant_id', '=', tenant)
          .orderBy('name')
          .execute(),
      );
      return deepFreeze(rows);
    },

    reserve: reserveQuota,
    release: releaseQuota,
  };
}

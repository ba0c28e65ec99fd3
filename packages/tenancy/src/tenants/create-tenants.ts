import { currentContext, isCodedError, requireTenant, runAs } from '@tenon/core';
import { tenancyError } from '../errors.ts';
import type { Memberships } from '../memberships/create-memberships.ts';
import type { TenancyConfig } from '../options.ts';
import type { SecurityRecorder } from '../security-events/security-recorder.ts';
import type { User } from '../users/user.ts';
import { changeTenantStatus, renameTenant } from './change-tenant.ts';
import { insertTenant } from './insert-tenant.ts';
import { parseTenantName } from './parse-tenant-name.ts';
import { createTenantActivity, type TenantActivity } from './tenant-activity.ts';
import { checkNewTenant, tenantInputInvalid } from './tenant-input.ts';
import { toTenant } from './tenant-row.ts';
import type { Tenant, TenantStatus } from './tenant.ts';
import type { NewTenant, TenantListOptions, Tenants } from './tenants.ts';

const MAX_LIST = 1_000;

/** What the service of tenants works with. */
export interface TenantsParts {
  readonly config: TenancyConfig;
  readonly memberships: Memberships;
  readonly recorder: SecurityRecorder;
}

/** Makes the service. */
export function createTenants(parts: TenantsParts): Tenants {
  const { config, memberships } = parts;
  const activity = createTenantActivity(config);
  return {
    create: (input) => createTenant(parts, activity, input),

    async current() {
      const tenant = requireTenant();
      const row = await config.database.withTenant((tx) =>
        tx.selectFrom('tenants').selectAll().where('tenant_id', '=', tenant).executeTakeFirst(),
      );
      return toTenant(row);
    },

    async update(patch, expectedVersion) {
      requireTenant();
      const name = parseTenantName(patch.name);
      if (!name.ok) throw tenantInputInvalid([name.error]);
      const rename = { name: name.value, expectedVersion, now: new Date(config.clock.now()) };
      const tenant = await config.database.withTenant((tx) => renameTenant(tx, rename));
      memberships.clear();
      return tenant;
    },

    setStatus: (id, status) => setTenantStatus(parts, activity, id, status),
    list: (options = {}) => listTenants(config, options),
    isActive: (id) => activity.isActive(id),
  };
}

async function createTenant(
  { config, memberships, recorder }: TenantsParts,
  activity: TenantActivity,
  input: NewTenant,
): Promise<{ readonly tenant: Tenant; readonly owner: User }> {
  const checked = checkNewTenant(input);
  const id = checked.id ?? config.newId();
  const actor = currentContext()?.actor;
  const events = [recorder.prepare({ type: 'tenant.created', tenantId: id, resource: `tenants/${id}` })];
  const options = { tenantId: id, ownerId: config.newId(), now: new Date(config.clock.now()) };
  try {
    const created = await runAs({ tenant: id, ...(actor === undefined ? {} : { actor }) }, () =>
      config.database.withSystem('create-tenant', async (tx) => {
        const inserted = await insertTenant(tx, checked, options);
        await recorder.write(tx, events);
        return inserted;
      }),
    );
    activity.drop(id);
    memberships.drop(checked.accountId, id);
    recorder.announce(events);
    return Object.freeze(created);
  } catch (error) {
    throw isCodedError(error, 'DATABASE_CONFLICT')
      ? tenancyError('TENANT_EXISTS', `a tenant "${id}" exists already`, { cause: error, details: { tenant: id } })
      : error;
  }
}

async function setTenantStatus(
  { config, memberships, recorder }: TenantsParts,
  activity: TenantActivity,
  id: string,
  status: TenantStatus,
): Promise<Tenant> {
  const change = {
    type: 'tenant.status-changed',
    tenantId: id,
    resource: `tenants/${id}`,
    details: { status },
  } as const;
  const events = [recorder.prepare(change)];
  const tenant = await config.database.withSystem('set-tenant-status', async (tx) => {
    const changed = await changeTenantStatus(tx, id, status, new Date(config.clock.now()));
    await recorder.write(tx, events);
    return changed;
  });
  activity.drop(id);
  memberships.clear();
  recorder.announce(events);
  return tenant;
}

async function listTenants(config: TenancyConfig, options: TenantListOptions): Promise<readonly Tenant[]> {
  const { afterId = '', limit = 100 } = options;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIST) {
    throw tenantInputInvalid([
      { path: '/limit', code: 'out_of_range', message: `must be a whole number from 1 to ${MAX_LIST}` },
    ]);
  }
  const rows = await config.database.withSystem('list-tenants', (tx) =>
    tx.selectFrom('tenants').selectAll().where('tenant_id', '>', afterId).orderBy('tenant_id').limit(limit).execute(),
  );
  return Object.freeze(rows.map(toTenant));
}

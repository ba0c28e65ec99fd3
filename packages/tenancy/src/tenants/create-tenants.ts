import {
  currentContext,
  isCodedError,
  isTenantId,
  requireTenant,
  runAs,
  runInContext,
  type InputProblem,
} from '@tenon/core';
import { sql } from 'kysely';
import { tenancyError } from '../errors.ts';
import { createExpiringCache } from '../expiring-cache.ts';
import type { Memberships } from '../memberships/create-memberships.ts';
import type { TenancyConfig } from '../options.ts';
import { isRowId } from '../row-id.ts';
import type { SecurityRecorder } from '../security-events/security-recorder.ts';
import type { TenantRow } from '../tables.ts';
import { parseNewUser } from '../users/parse-user.ts';
import { userRepository } from '../users/user-repository.ts';
import type { NewUser, User } from '../users/user.ts';
import { parseTenantName } from './parse-tenant-name.ts';
import type { Tenant } from './tenant.ts';
import type { NewTenant, Tenants } from './tenants.ts';

const MAX_LIST = 1_000;

/** What the service of tenants works with. */
export interface TenantsParts {
  readonly config: TenancyConfig;
  readonly memberships: Memberships;
  readonly recorder: SecurityRecorder;
}

/** Makes the service. */
export function createTenants({ config, memberships, recorder }: TenantsParts): Tenants {
  const { database, clock } = config;
  const active = createExpiringCache<boolean>({ ttlMs: config.cacheTtlMs, maxEntries: config.cacheMaxEntries, clock });
  const forget = (): void => {
    active.clear();
    memberships.clear();
  };

  return {
    async create(input) {
      const checked = checkNewTenant(input);
      const id = input.id ?? config.newId();
      const at = new Date(clock.now());
      const actor = currentContext()?.actor;
      const write = (): Promise<{ tenant: Tenant; owner: User }> =>
        database.withSystem('create-tenant', async (tx) => {
          const row = await tx
            .insertInto('tenants')
            .values({
              tenant_id: id,
              name: checked.name,
              status: 'active',
              settings: '{}',
              created_at: at,
              updated_at: at,
            })
            .returningAll()
            .executeTakeFirstOrThrow();
          const owner = await userRepository.insert(tx, { id: config.newId(), ...ownerFields(checked, input, at) });
          await recorder.write(tx, events);
          return { tenant: toTenant(row), owner };
        });
      const events = [recorder.prepare({ type: 'tenant.created', tenantId: id, resource: `tenants/${id}` })];
      try {
        const created = await runAs({ tenant: id, ...(actor === undefined ? {} : { actor }) }, write);
        active.drop(id);
        memberships.drop(input.owner.accountId, id);
        recorder.announce(events);
        return created;
      } catch (error) {
        throw isCodedError(error, 'DATABASE_CONFLICT')
          ? tenancyError('TENANT_EXISTS', `a tenant "${id}" exists already`, { cause: error, details: { tenant: id } })
          : error;
      }
    },

    async current() {
      const tenant = requireTenant();
      const row = await database.withTenant((tx) =>
        tx.selectFrom('tenants').selectAll().where('tenant_id', '=', tenant).executeTakeFirst(),
      );
      return toTenant(row ?? missing());
    },

    async update(patch, expectedVersion) {
      const tenant = requireTenant();
      const name = parseTenantName(patch.name);
      if (!name.ok) throw inputInvalid([name.error]);
      const row = await database.withTenant(async (tx) => {
        const before = await tx
          .selectFrom('tenants')
          .select('version')
          .where('tenant_id', '=', tenant)
          .forNoKeyUpdate()
          .executeTakeFirst();
        const actual = (before ?? missing()).version;
        if (expectedVersion !== undefined && actual !== expectedVersion) {
          throw tenancyError('TENANT_VERSION_CONFLICT', 'the tenant has been changed meanwhile; read it again', {
            details: { expected: expectedVersion, actual },
          });
        }
        return tx
          .updateTable('tenants')
          .set({ name: name.value, updated_at: new Date(clock.now()), version: sql`version + 1` })
          .where('tenant_id', '=', tenant)
          .returningAll()
          .executeTakeFirst();
      });
      forget();
      return toTenant(row ?? missing());
    },

    async setStatus(id, status) {
      const details = { status };
      const events = [
        recorder.prepare({ type: 'tenant.status-changed', tenantId: id, resource: `tenants/${id}`, details }),
      ];
      const row = await database.withSystem('set-tenant-status', async (tx) => {
        const updated = await tx
          .updateTable('tenants')
          .set({ status, updated_at: new Date(clock.now()), version: sql`version + 1` })
          .where('tenant_id', '=', isTenantId(id) ? id : '')
          .returningAll()
          .executeTakeFirst();
        if (updated !== undefined) await recorder.write(tx, events);
        return updated;
      });
      const tenant = toTenant(row ?? missing());
      forget();
      recorder.announce(events);
      return tenant;
    },

    async list(options = {}) {
      const { afterId = '', limit = 100 } = options;
      if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIST) {
        throw inputInvalid([
          { path: '/limit', code: 'out_of_range', message: `must be a whole number from 1 to ${MAX_LIST}` },
        ]);
      }
      const rows = await database.withSystem('list-tenants', (tx) =>
        tx
          .selectFrom('tenants')
          .selectAll()
          .where('tenant_id', '>', afterId)
          .orderBy('tenant_id')
          .limit(limit)
          .execute(),
      );
      return rows.map(toTenant);
    },

    isActive(id) {
      if (!isTenantId(id)) return Promise.resolve(false);
      // The load is shared by all who ask meanwhile: it must not end with the request of the first of them.
      const load = (): Promise<boolean> =>
        database.withSystem('check-tenant', async (tx) => {
          const row = await tx.selectFrom('tenants').select('status').where('tenant_id', '=', id).executeTakeFirst();
          return row?.status === 'active';
        });
      return active.get(id, () => runInContext({}, load));
    },
  };
}

interface CheckedTenant {
  readonly name: string;
  readonly owner: NewUser;
}

function checkNewTenant(input: NewTenant): CheckedTenant {
  const problems: InputProblem[] = [];
  const name = parseTenantName(input.name);
  if (!name.ok) problems.push(name.error);
  if (input.id !== undefined && !isTenantId(input.id)) {
    problems.push({ path: '/id', code: 'not_an_id', message: 'must be 1 to 64 letters, digits, "_" or "-"' });
  }
  const { accountId, ...person } = input.owner;
  const owner = parseNewUser(person);
  if (!owner.ok) problems.push(...owner.error.map((one) => ({ ...one, path: `/owner${one.path}` })));
  if (!isRowId(accountId)) {
    problems.push({ path: '/owner/accountId', code: 'not_an_id', message: 'must be the id of an account' });
  }
  if (name.ok && owner.ok && problems.length === 0) return { name: name.value, owner: owner.value };
  throw inputInvalid(problems);
}

function ownerFields(checked: CheckedTenant, input: NewTenant, at: Date): Omit<User, 'id' | 'tenantId' | 'version'> {
  const { email, name } = checked.owner;
  return {
    accountId: input.owner.accountId,
    email,
    name,
    role: 'owner',
    status: 'active',
    company: null,
    title: null,
    city: null,
    country: null,
    phone: null,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
  };
}

function toTenant(row: TenantRow): Tenant {
  return Object.freeze({
    id: row.tenant_id,
    name: row.name,
    status: row.status,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    version: row.version,
  });
}

function missing(): never {
  throw tenancyError('TENANT_NOT_FOUND', 'the tenant does not exist');
}

function inputInvalid(problems: readonly InputProblem[]): Error {
  return tenancyError('TENANT_INPUT_INVALID', `the tenant is not valid: ${problems[0]?.path} ${problems[0]?.message}`, {
    details: { problems: problems.map((problem) => ({ ...problem })) },
  });
}

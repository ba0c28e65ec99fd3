import {
  currentContext,
  isCodedError,
  requireTenant,
  runInContext,
  type Actor,
  type InputProblem,
  type JsonValue,
} from '@tenon/core';
import { sql } from 'kysely';
import { tenancyError } from '../errors.ts';
import { createExpiringCache } from '../expiring-cache.ts';
import type { TenancyConfig } from '../options.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { CurrentSettings, TenantConfig, TenantSettingsDefinition } from './tenant-config.ts';

type JsonObject = { readonly [key: string]: JsonValue };

const MAX_HISTORY = 100;

/**
 * Makes the service.
 *
 * @throws `TENANCY_OPTIONS_INVALID` when the defaults do not pass their own `parse`
 */
export function createTenantConfig<TSettings extends object>(
  config: TenancyConfig,
  definition: TenantSettingsDefinition<TSettings>,
): TenantConfig<TSettings> {
  const { database, clock } = config;
  const cache = createExpiringCache<CurrentSettings<TSettings>>({
    ttlMs: config.cacheTtlMs,
    maxEntries: config.cacheMaxEntries,
    clock,
  });
  const defaults = definition.parse(definition.defaults);
  if (!defaults.ok) {
    throw tenancyError('TENANCY_OPTIONS_INVALID', `the default settings are not valid: ${describe(defaults.error)}`);
  }

  const valuesOf = (own: JsonObject): TSettings => {
    const parsed = definition.parse({ ...defaults.value, ...own });
    if (parsed.ok) return parsed.value;
    throw tenancyError('TENANT_SETTINGS_INVALID', `the settings are not valid: ${describe(parsed.error)}`, {
      details: { problems: parsed.error.map((problem) => ({ ...problem })) },
    });
  };
  const current = (own: JsonObject, version: number): CurrentSettings<TSettings> =>
    deepFreeze({ values: structuredClone(valuesOf(own)), version });

  return {
    get() {
      const tenant = requireTenant();
      const load = (): Promise<CurrentSettings<TSettings>> =>
        database.withTenant(async (tx) => {
          const row = await tx
            .selectFrom('tenants')
            .select(['settings', 'settings_version'])
            .where('tenant_id', '=', tenant)
            .executeTakeFirst();
          if (row === undefined) throw tenantNotFound();
          return current(row.settings, row.settings_version);
        });
      // The load is shared by all who ask meanwhile: it must not end with the request of the first of them.
      return cache.get(tenant, () => runInContext({ tenant }, load));
    },

    async update(patch, expectedVersion) {
      const tenant = requireTenant();
      const { actor, requestId } = currentContext() ?? {};
      const now = new Date(clock.now());
      const work = database.withTenant(async (tx) => {
        const row = await tx
          .selectFrom('tenants')
          .select(['settings', 'settings_version'])
          .where('tenant_id', '=', tenant)
          .forNoKeyUpdate()
          .executeTakeFirst();
        if (row === undefined) throw tenantNotFound();
        const { settings: before, settings_version: actual } = row;
        if (expectedVersion !== undefined && actual !== expectedVersion) {
          throw tenancyError('TENANT_SETTINGS_VERSION_CONFLICT', 'the settings have been changed; read them again', {
            details: { expected: expectedVersion, actual },
          });
        }
        const after = ownValues(before, patch, valuesOf({ ...before, ...(patch as JsonObject) }));
        const version = actual + 1;
        await sql`update tenants set settings = ${after}, settings_version = ${version}, updated_at = ${now}
          where tenant_id = ${tenant}`.execute(tx);
        await sql`insert into tenant_settings_history
          (tenant_id, version, actor_type, actor_id, request_id, before, after, changed_at)
          values (${tenant}, ${version}, ${actor?.type ?? null}, ${actor?.id ?? null}, ${requestId ?? null},
            ${JSON.stringify(before)}, ${after}, ${now})`.execute(tx);
        return current(JSON.parse(after) as JsonObject, version);
      });
      const updated = await work.catch((error: unknown) => {
        throw isCodedError(error, 'DATABASE_VALUE_INVALID')
          ? tenancyError('TENANT_SETTINGS_INVALID', 'a setting holds text that cannot be stored', { cause: error })
          : error;
      });
      cache.drop(tenant);
      return updated;
    },

    async history(limit = 20) {
      const tenant = requireTenant();
      const rows = await database.withTenant((tx) =>
        tx
          .selectFrom('tenant_settings_history')
          .selectAll()
          .where('tenant_id', '=', tenant)
          .orderBy('version', 'desc')
          .limit(Math.min(Math.max(1, Math.trunc(limit)), MAX_HISTORY))
          .execute(),
      );
      return rows.map((row) =>
        deepFreeze({
          version: row.version,
          changedBy: row.actor_type === null ? null : { type: row.actor_type as Actor['type'], id: row.actor_id ?? '' },
          requestId: row.request_id,
          changedAt: row.changed_at.toISOString(),
          before: row.before,
          after: row.after,
        }),
      );
    },
  };
}

/** What is stored: the settings that the tenant has set itself, in the form that `parse` gave them. As JSON text. */
function ownValues(before: JsonObject, patch: object, parsed: object): string {
  const own = new Set([...Object.keys(before), ...Object.keys(patch)]);
  return JSON.stringify(Object.fromEntries(Object.entries(parsed).filter(([name]) => own.has(name))));
}

function describe(problems: readonly InputProblem[]): string {
  return problems.map(({ path, message }) => `${path} ${message}`).join('; ');
}

function tenantNotFound(): Error {
  return tenancyError('TENANT_NOT_FOUND', 'the tenant does not exist');
}

import { currentContext } from '@tenon/core';
import { resourceError } from '../errors.ts';
import type { ResourceToken } from '../definition/resource-token.ts';
import { globalScope, sharedScope, type ResourceScope } from './resource-scope.ts';

/**
 * The scope of a call. Its tenant is the one of the context, whatever the caller says or forgets.
 *
 * @throws `RESOURCE_TENANT_MISMATCH` when it names another tenant
 */
export function scopeOfCall(scope: ResourceScope = globalScope): ResourceScope {
  const tenant = currentContext()?.tenant;
  if (tenant === undefined || scope.tenant === tenant) return scope;
  if (scope === globalScope) return { tenant };
  assertOwnTenant(scope.tenant);
  return { ...scope, tenant };
}

/** The scope that a call about a resource means, down to the level at which its instances are kept apart. */
export function sharedScopeOfCall({ definition }: ResourceToken, scope: ResourceScope | undefined): ResourceScope {
  return sharedScope(scopeOfCall(scope), definition.isolation);
}

/** @throws `RESOURCE_TENANT_MISMATCH` when the work of one tenant would end or hold back what all tenants share */
export function assertMayEnd({ name, definition }: ResourceToken): void {
  if (definition.isolation !== 'none' || currentContext()?.tenant === undefined) return;
  throw resourceError(
    'RESOURCE_TENANT_MISMATCH',
    `resource "${name}" is shared by all tenants: only the work of no tenant may drain it, hold it back or resume it`,
    { details: { resource: name } },
  );
}

/** @throws `RESOURCE_TENANT_MISMATCH` when the work of one tenant names another one */
export function assertOwnTenant(named: string | undefined): void {
  const tenant = currentContext()?.tenant;
  if (tenant === undefined || named === undefined || named === tenant) return;
  throw resourceError(
    'RESOURCE_TENANT_MISMATCH',
    'a resource of one tenant was asked for in the work of another: run the work in the tenant whose resource it needs',
  );
}

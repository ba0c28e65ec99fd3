import type { ResourceToken } from '../definition/resource-token.ts';
import type { Registry } from '../registry/registry.ts';
import { scopeKey, type ResourceScope } from '../scope/resource-scope.ts';
import type { ManagedResource } from './managed-resource.ts';

/**
 * Chooses what was made by the registration of a scope, and what was made by one that there is not any more.
 *
 * @param scope - `undefined`: all of them
 */
export function madeBy(
  all: readonly ManagedResource[],
  registry: Registry,
  token: ResourceToken,
  scope: ResourceScope | undefined,
): readonly ManagedResource[] {
  if (scope === undefined) return all;
  const known = new Set(registry.registrationsOf(token).map(({ fingerprint }) => fingerprint));
  const place = scopeKey(scope);
  return all.filter(
    ({ registration }) => scopeKey(registration.scope) === place || !known.has(registration.fingerprint),
  );
}

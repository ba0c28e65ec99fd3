import type { ResourceToken } from '../definition/resource-token.ts';
import { takeQuota } from '../quota/take-quota.ts';
import type { Registration } from '../registry/registration.ts';
import { scopeKey, sharedScope, type ResourceScope } from '../scope/resource-scope.ts';
import { ManagedResource } from './managed-resource.ts';
import type { ResourceServices } from './resource-services.ts';

/** The managed resources there are, each made when it is first needed. */
export interface ManagedSet {
  /**
   * The one for a registration and a scope. What decides whether two borrowers share it is whole and exact: the token itself, the
   * settings, the credentials in the slots, and the scope down to the level of isolation.
   *
   * @throws `RESOURCE_QUOTA_EXCEEDED` when the tenant has too many
   */
  get(registration: Registration, scope: ResourceScope): ManagedResource;
  all(): readonly ManagedResource[];
  of(token: ResourceToken): readonly ManagedResource[];
  /** Takes one out, so that the next who needs it gets a new one. It is then to be closed. */
  detach(managed: ManagedResource): void;
}

const keyOf = ({ token, fingerprint }: Registration, scope: ResourceScope): string =>
  `${fingerprint} ${scopeKey(sharedScope(scope, token.definition.isolation))}`;

/**
 * Makes an empty set.
 *
 * @param onMade - is given each that is made, before anybody has it
 */
export function createManagedSet(services: ResourceServices, onMade: (managed: ManagedResource) => void): ManagedSet {
  const byToken = new Map<ResourceToken, Map<string, ManagedResource>>();
  const quotaOf = new Map<ManagedResource, () => void>();

  return {
    get(registration, scope) {
      const { token } = registration;
      const key = keyOf(registration, scope);
      const known = byToken.get(token)?.get(key);
      if (known !== undefined) return known;
      const shared = sharedScope(scope, token.definition.isolation);
      const place = { token, scopeText: scopeKey(shared) };
      const giveBack = takeQuota(services, place, shared.tenant, 'maxResources');
      const made = makeOrGiveBack(registration, shared, services, giveBack);
      quotaOf.set(made, giveBack);
      onMade(made);
      const those = byToken.get(token) ?? new Map<string, ManagedResource>();
      those.set(key, made);
      byToken.set(token, those);
      return made;
    },
    all: () => [...byToken.values()].flatMap((those) => [...those.values()]),
    of: (token) => [...(byToken.get(token)?.values() ?? [])],
    detach(managed) {
      const { token } = managed.registration;
      const those = byToken.get(token);
      const key = keyOf(managed.registration, managed.scope);
      if (those?.get(key) !== managed) return;
      those.delete(key);
      if (those.size === 0) byToken.delete(token);
      quotaOf.get(managed)?.();
      quotaOf.delete(managed);
    },
  };
}

function makeOrGiveBack(
  registration: Registration,
  scope: ResourceScope,
  services: ResourceServices,
  giveBack: () => void,
): ManagedResource {
  try {
    return new ManagedResource(registration, scope, services);
  } catch (error) {
    giveBack();
    throw error;
  }
}

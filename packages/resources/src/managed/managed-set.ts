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

/** By token, then by fingerprint, then by scope: no text of them all has to be made to find one. */
type Places = Map<ResourceToken, Map<string, Map<string, ManagedResource>>>;

/**
 * Makes an empty set.
 *
 * @param onMade - is given each that is made, before anybody has it
 */
export function createManagedSet(services: ResourceServices, onMade: (managed: ManagedResource) => void): ManagedSet {
  const places: Places = new Map();
  const quotaOf = new Map<ManagedResource, () => void>();

  return {
    get(registration, scope) {
      const { token, fingerprint } = registration;
      const shared = sharedScope(scope, token.definition.isolation);
      const scopeText = scopeKey(shared);
      const known = places.get(token)?.get(fingerprint)?.get(scopeText);
      if (known !== undefined) return known;
      const giveBack = takeQuota(services, { token, scope: shared, scopeText }, shared.tenant, 'maxResources');
      const made = makeOrGiveBack(registration, shared, services, giveBack);
      quotaOf.set(made, giveBack);
      onMade(made);
      const ofToken = places.get(token) ?? new Map<string, Map<string, ManagedResource>>();
      const those = ofToken.get(fingerprint) ?? new Map<string, ManagedResource>();
      places.set(token, ofToken.set(fingerprint, those.set(scopeText, made)));
      return made;
    },
    all: () => [...places.values()].flatMap(allOf),
    of: (token) => allOf(places.get(token)),
    detach(managed) {
      const { token, fingerprint } = managed.registration;
      const ofToken = places.get(token);
      const those = ofToken?.get(fingerprint);
      if (ofToken === undefined || those?.get(managed.scopeText) !== managed) return;
      those.delete(managed.scopeText);
      if (those.size === 0) ofToken.delete(fingerprint);
      if (ofToken.size === 0) places.delete(token);
      quotaOf.get(managed)?.();
      quotaOf.delete(managed);
    },
  };
}

function allOf(ofToken: ReadonlyMap<string, ReadonlyMap<string, ManagedResource>> = new Map()): ManagedResource[] {
  return [...ofToken.values()].flatMap((those) => [...those.values()]);
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

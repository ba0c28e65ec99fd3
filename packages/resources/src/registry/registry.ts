import type { ResourceToken } from '../definition/resource-token.ts';
import { resourceError, type ResourceError } from '../errors.ts';
import { createDependencyGraph, type DependencyGraph } from '../graph/dependency-graph.ts';
import { scopeContains, scopeDepth, scopeKey, type ResourceScope } from '../scope/resource-scope.ts';
import type { Registration } from './registration.ts';

/**
 * How the registration for a scope is found: the one of exactly that scope (`strict`); the narrowest one that contains it
 * (`hierarchical`); or the one of exactly that scope, and otherwise the global one (`fallback`).
 */
export type ScopeResolution = 'strict' | 'hierarchical' | 'fallback';

/** The resources that are known. */
export interface Registry {
  readonly graph: DependencyGraph;
  /**
   * Adds a registration.
   *
   * @throws `RESOURCE_ALREADY_REGISTERED` for the same token and scope, `RESOURCE_TYPE_MISMATCH` for the name of another token,
   *   `RESOURCE_DEPENDENCY_CIRCULAR`; nothing has changed then
   */
  add(registration: Registration): void;
  /** Puts a registration in the place of the one of the same token and scope. */
  replace(registration: Registration): void;
  /** Takes a token's registration of one scope away, or with `undefined` all of them. */
  remove(token: ResourceToken, scope: ResourceScope | undefined): void;
  /**
   * The registration for a scope.
   *
   * @throws `RESOURCE_UNAVAILABLE` when there is none: whether there is one for others is not told; `RESOURCE_TYPE_MISMATCH` when the
   *   name belongs to another token
   */
  find(token: ResourceToken, scope: ResourceScope): Registration;
  /** The registration of exactly one scope. */
  at(token: ResourceToken, scope: ResourceScope): Registration | undefined;
  tokens(): readonly ResourceToken[];
  registrationsOf(token: ResourceToken): readonly Registration[];
  /** The token of a name, for people who type it. */
  named(name: string): ResourceToken | undefined;
}

/** Makes an empty registry. */
export function createRegistry(resolution: ScopeResolution): Registry {
  const graph = createDependencyGraph();
  const byToken = new Map<ResourceToken, Map<string, Registration>>();
  const byName = new Map<string, ResourceToken>();

  const assertSameToken = (token: ResourceToken): void => {
    const known = byName.get(token.name);
    if (known !== undefined && known !== token) throw typeMismatch(token);
  };
  const connect = ({ token, dependencies }: Registration): void => {
    const needed = Object.values(dependencies);
    for (const each of needed) assertSameToken(each);
    const wrong = needed.find(({ name }) => name === token.name || graph.dependsOn(name, token.name));
    // It throws, before any of the others has changed the graph.
    if (wrong !== undefined) graph.connect(token.name, wrong.name);
    graph.add(token.name);
    for (const { name } of needed) graph.connect(token.name, name);
  };
  const put = (registration: Registration): void => {
    const { token, scope } = registration;
    const places = byToken.get(token) ?? new Map<string, Registration>();
    places.set(scopeKey(scope), registration);
    byToken.set(token, places);
    byName.set(token.name, token);
  };

  return {
    graph,
    add(registration) {
      const { token, scope } = registration;
      assertSameToken(token);
      if (byToken.get(token)?.has(scopeKey(scope)) === true) throw alreadyRegistered(token, scope);
      connect(registration);
      put(registration);
    },
    replace(registration) {
      connect(registration);
      put(registration);
    },
    remove(token, scope) {
      const places = byToken.get(token);
      if (scope === undefined) places?.clear();
      else places?.delete(scopeKey(scope));
      if (places?.size !== 0) return;
      byToken.delete(token);
      byName.delete(token.name);
      graph.remove(token.name);
    },
    find(token, scope) {
      assertSameToken(token);
      const places = byToken.get(token);
      const found = places === undefined ? undefined : choose(places, scope, resolution);
      if (found === undefined) throw unavailable(token);
      return found;
    },
    at: (token, scope) => byToken.get(token)?.get(scopeKey(scope)),
    tokens: () => [...byToken.keys()],
    registrationsOf: (token) => [...(byToken.get(token)?.values() ?? [])],
    named: (name) => byName.get(name),
  };
}

function choose(
  places: ReadonlyMap<string, Registration>,
  scope: ResourceScope,
  resolution: ScopeResolution,
): Registration | undefined {
  // Nearly always there is one, for everybody.
  const everywhere = places.get('global');
  if (places.size === 1 && everywhere !== undefined && resolution !== 'strict') return everywhere;
  const exact = places.get(scopeKey(scope));
  if (exact !== undefined || resolution === 'strict') return exact;
  if (resolution === 'fallback') return everywhere;
  return [...places.values()]
    .filter((one) => scopeContains(one.scope, scope))
    .toSorted((left, right) => scopeDepth(right.scope) - scopeDepth(left.scope))[0];
}

function typeMismatch({ name }: ResourceToken): ResourceError {
  return resourceError(
    'RESOURCE_TYPE_MISMATCH',
    `a resource called "${name}" is registered by another token: use the token it was registered with, or give yours another name`,
    { details: { resource: name } },
  );
}

function alreadyRegistered({ name }: ResourceToken, scope: ResourceScope): ResourceError {
  return resourceError(
    'RESOURCE_ALREADY_REGISTERED',
    `resource "${name}" is registered for this scope already: change it with reload, or remove it first`,
    { details: { resource: name, scope: scopeKey(scope) } },
  );
}

function unavailable({ name }: ResourceToken): ResourceError {
  return resourceError('RESOURCE_UNAVAILABLE', `there is no resource "${name}" for this scope: register it`, {
    details: { resource: name },
  });
}

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
  /**
   * Puts a registration in the place of the one of the same token and scope.
   *
   * @throws `RESOURCE_TYPE_MISMATCH`, `RESOURCE_DEPENDENCY_CIRCULAR`; nothing has changed then
   */
  replace(registration: Registration): void;
  /** Takes a token's registration of one scope away, or with `undefined` all of them. */
  remove(token: ResourceToken, scope: ResourceScope | undefined): void;
  /**
   * The registration for a scope.
   *
   * @throws `RESOURCE_UNAVAILABLE` when there is none, or when two fit equally well: whether there is one for others is not told;
   *   `RESOURCE_TYPE_MISMATCH` when the name belongs to another token
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
  /** Puts registrations in the place of all that a token has. */
  const put = (token: ResourceToken, places: Map<string, Registration>): void => {
    const needed = neededBy(places);
    for (const each of needed) assertSameToken(each);
    const wrong = needed.find(({ name }) => name === token.name || graph.dependsOn(name, token.name));
    // It throws, before anything has changed. What leads back leads to this token, whose own arrows do not matter for that.
    if (wrong !== undefined) graph.connect(token.name, wrong.name);
    disconnect(graph, token.name, new Set(needed.map(({ name }) => name)), byName);
    graph.add(token.name);
    for (const { name } of needed) graph.connect(token.name, name);
    byToken.set(token, places);
    byName.set(token.name, token);
  };

  return {
    graph,
    add(registration) {
      const { token, scope } = registration;
      const key = scopeKey(scope);
      assertSameToken(token);
      const places = byToken.get(token);
      if (places?.has(key) === true) throw alreadyRegistered(token, scope);
      put(token, new Map([...(places ?? []), [key, registration]]));
    },
    replace(registration) {
      const { token, scope } = registration;
      put(token, new Map([...(byToken.get(token) ?? []), [scopeKey(scope), registration]]));
    },
    remove(token, scope) {
      const places = new Map(scope === undefined ? [] : byToken.get(token));
      if (scope !== undefined) places.delete(scopeKey(scope));
      if (places.size > 0) put(token, places);
      else if (byToken.delete(token)) {
        byName.delete(token.name);
        disconnect(graph, token.name, new Set(), byName);
        // Those that need it still do.
        if (graph.dependentsOf(token.name).length === 0) graph.remove(token.name);
      }
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

/** Takes the arrows of a node away but for some, and what then stands alone and is not known. */
function disconnect(
  graph: DependencyGraph,
  node: string,
  keep: ReadonlySet<string>,
  known: ReadonlyMap<string, unknown>,
): void {
  for (const name of graph.dependenciesOf(node).filter((each) => !keep.has(each))) {
    graph.disconnect(node, name);
    if (!known.has(name) && graph.dependentsOf(name).length === 0) graph.remove(name);
  }
}

/** What a token needs, in whatever scope. */
function neededBy(places: ReadonlyMap<string, Registration>): readonly ResourceToken[] {
  return [...new Set([...places.values()].flatMap(({ dependencies }) => Object.values(dependencies)))];
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
  const fitting = [...places.values()].filter((one) => scopeContains(one.scope, scope));
  const depth = Math.max(...fitting.map((one) => scopeDepth(one.scope)));
  const narrowest = fitting.filter((one) => scopeDepth(one.scope) === depth);
  // Of two that are equally narrow neither is meant more than the other.
  return narrowest.length === 1 ? narrowest[0] : undefined;
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

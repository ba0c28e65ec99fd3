import { resourceError } from '../errors.ts';

/** Who needs whom, by name. There is never a circle in it. */
export interface DependencyGraph {
  /** Adds a node without arrows. To add one again changes nothing. */
  add(node: string): void;
  /**
   * Says that `node` needs `dependency`. Both are added when they are not there.
   *
   * @throws `RESOURCE_DEPENDENCY_CIRCULAR` with the whole circle in `details.path`; the graph stays as it was
   */
  connect(node: string, dependency: string): void;
  /** Says that `node` does not need `dependency` any more. Both stay. */
  disconnect(node: string, dependency: string): void;
  /** Takes a node and its arrows away. */
  remove(node: string): void;
  has(node: string): boolean;
  /** What a node needs itself, sorted. */
  dependenciesOf(node: string): readonly string[];
  /** Who needs a node itself, sorted. */
  dependentsOf(node: string): readonly string[];
  /** Whether a node needs another, itself or through others. */
  dependsOn(node: string, dependency: string): boolean;
  /** Everything that needs a node, itself or through others: the nearest first, and those equally near sorted. */
  affectedBy(node: string): readonly string[];
  /** Every node, what others need first (Kahn 1962); of what could come next, the first by name. */
  order(): readonly string[];
  /** What has to be there for a node, in the order of {@link DependencyGraph.order}, and the node last. */
  orderFor(node: string): readonly string[];
}

const sorted = (nodes: Iterable<string> = []): readonly string[] => [...nodes].toSorted();

/** Makes an empty graph. */
export function createDependencyGraph(): DependencyGraph {
  const needs = new Map<string, Set<string>>();
  const neededBy = new Map<string, Set<string>>();

  const add = (node: string): void => {
    if (needs.has(node)) return;
    needs.set(node, new Set());
    neededBy.set(node, new Set());
  };
  const order = (among: ReadonlySet<string>): readonly string[] => {
    const missing = new Map(sorted(among).map((each) => [each, needs.get(each)?.size ?? 0]));
    const done: string[] = [];
    while (missing.size > 0) {
      const next = [...missing.keys()].find((each) => missing.get(each) === 0) as string;
      missing.delete(next);
      done.push(next);
      for (const each of neededBy.get(next) ?? []) {
        const left = missing.get(each);
        if (left !== undefined) missing.set(each, left - 1);
      }
    }
    return done;
  };

  return {
    add,
    connect(node, dependency) {
      const back = node === dependency ? [node] : pathBetween(needs, dependency, node);
      if (back !== undefined) throw circular([node, ...back]);
      add(node);
      add(dependency);
      needs.get(node)?.add(dependency);
      neededBy.get(dependency)?.add(node);
    },
    disconnect(node, dependency) {
      needs.get(node)?.delete(dependency);
      neededBy.get(dependency)?.delete(node);
    },
    remove(node) {
      for (const each of needs.get(node) ?? []) neededBy.get(each)?.delete(node);
      for (const each of neededBy.get(node) ?? []) needs.get(each)?.delete(node);
      needs.delete(node);
      neededBy.delete(node);
    },
    has: (node) => needs.has(node),
    dependenciesOf: (node) => sorted(needs.get(node)),
    dependentsOf: (node) => sorted(neededBy.get(node)),
    dependsOn: (node, dependency) => reach(node, needs).includes(dependency),
    affectedBy: (node) => reach(node, neededBy),
    order: () => order(new Set(needs.keys())),
    orderFor: (node) => order(new Set([...reach(node, needs), node])),
  };
}

/** Everything that the arrows lead to: the nearest first. */
function reach(from: string, arrows: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  const found = new Set<string>();
  let edge: readonly string[] = [from];
  while (edge.length > 0) {
    edge = sorted(new Set(edge.flatMap((each) => [...(arrows.get(each) ?? [])]))).filter((each) => !found.has(each));
    for (const each of edge) found.add(each);
  }
  return [...found];
}

/** The shortest way along the arrows. */
function pathBetween(
  arrows: ReadonlyMap<string, ReadonlySet<string>>,
  from: string,
  to: string,
): readonly string[] | undefined {
  const ways: (readonly string[])[] = [[from]];
  const seen = new Set([from]);
  for (const way of ways) {
    const last = way.at(-1) ?? '';
    if (last === to) return way;
    for (const next of arrows.get(last) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

function circular(path: readonly string[]): Error {
  return resourceError(
    'RESOURCE_DEPENDENCY_CIRCULAR',
    `resources would need each other in a circle: ${path.join(' -> ')}. Take one of these dependencies away`,
    { details: { path } },
  );
}

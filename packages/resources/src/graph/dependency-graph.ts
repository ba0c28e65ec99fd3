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

type Arrows = Map<string, Set<string>>;

/** Of every node without arrows, as most are. It stays empty: sets of their own would weigh as much as all else of a registration. */
const NONE: Set<string> = new Set();

const sorted = (nodes: Iterable<string> = []): string[] => [...nodes].toSorted();

/** Makes an empty graph. */
export function createDependencyGraph(): DependencyGraph {
  const needs: Arrows = new Map();
  const neededBy: Arrows = new Map();

  const add = (node: string): void => {
    if (needs.has(node)) return;
    needs.set(node, NONE);
    neededBy.set(node, NONE);
  };
  const order = (among: ReadonlySet<string>): readonly string[] => {
    const missing = new Map([...among].map((each) => [each, needs.get(each)?.size ?? 0]));
    const ready = sorted(among).filter((each) => missing.get(each) === 0);
    const done: string[] = [];
    for (let next = ready.shift(); next !== undefined; next = ready.shift()) {
      done.push(next);
      for (const each of neededBy.get(next) ?? []) {
        const left = (missing.get(each) ?? 0) - 1;
        missing.set(each, left);
        if (left === 0) insertSorted(ready, each);
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
      draw(needs, node, dependency);
      draw(neededBy, dependency, node);
    },
    disconnect(node, dependency) {
      erase(needs, node, dependency);
      erase(neededBy, dependency, node);
    },
    remove(node) {
      for (const each of needs.get(node) ?? []) erase(neededBy, each, node);
      for (const each of neededBy.get(node) ?? []) erase(needs, each, node);
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

function draw(arrows: Arrows, from: string, to: string): void {
  const own = arrows.get(from) ?? NONE;
  if (own === NONE) arrows.set(from, new Set([to]));
  else own.add(to);
}

function erase(arrows: Arrows, from: string, to: string): void {
  const own = arrows.get(from);
  if (own?.delete(to) === true && own.size === 0) arrows.set(from, NONE);
}

function insertSorted(nodes: string[], node: string): void {
  const at = nodes.findIndex((each) => each > node);
  nodes.splice(at < 0 ? nodes.length : at, 0, node);
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

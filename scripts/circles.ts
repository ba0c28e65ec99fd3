/**
 * Finds the circles of a directed graph: for each group of nodes that reach each other, the shortest way round.
 *
 * @param graph - node to the nodes it points to; targets that are no nodes themselves are passed over
 * @returns one list of nodes per group, in walking order, starting with the node that sorts first
 */
export function findCircles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const nodes = [...graph.keys()].toSorted();
  const inCircle = new Set<string>();
  const circles: (readonly string[])[] = [];
  for (const node of nodes) {
    if (inCircle.has(node)) continue;
    const circle = shortestWayBack(graph, node);
    if (circle === undefined) continue;
    circles.push(circle);
    // One report for each knot: what can be reached and leads back here is the same knot.
    for (const other of reachable(graph, node)) if (reachable(graph, other).has(node)) inCircle.add(other);
  }
  return circles;
}

function shortestWayBack(graph: ReadonlyMap<string, readonly string[]>, start: string): readonly string[] | undefined {
  const ways: (readonly string[])[] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of graph.get(way.at(-1) ?? start) ?? []) {
      if (next === start) return way;
      if (seen.has(next) || !graph.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

function reachable(graph: ReadonlyMap<string, readonly string[]>, start: string): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [start];
  for (const node of open) {
    for (const next of graph.get(node) ?? []) {
      if (found.has(next)) continue;
      found.add(next);
      open.push(next);
    }
  }
  return found;
}

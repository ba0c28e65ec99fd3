import type { DependencyGraph } from './dependency-graph.ts';

/**
 * Draws a graph as Mermaid's `flowchart`, an arrow from each resource to what it needs.
 *
 * @param labels - what to write in a node's box. Default: its name
 * @example
 * ```ts
 * toMermaid(graph); // flowchart LR\n  n0["api"]\n  n1["db"]\n  n0 --> n1
 * ```
 */
export function toMermaid(graph: DependencyGraph, labels: (node: string) => string = (node) => node): string {
  const nodes = graph.order();
  const idOf = new Map(nodes.map((node, index) => [node, `n${index}`]));
  const boxes = nodes.map((node) => `  ${idOf.get(node)}["${escaped(labels(node))}"]`);
  const arrows = nodes.flatMap((node) =>
    graph.dependenciesOf(node).map((dependency) => `  ${idOf.get(node)} --> ${idOf.get(dependency)}`),
  );
  return ['flowchart LR', ...boxes, ...arrows].join('\n');
}

// Mermaid reads its own entities, "#quot;", and HTML in labels.
function escaped(label: string): string {
  return label
    .replaceAll('#', '#35;')
    .replaceAll('"', '#quot;')
    .replaceAll('<', '#lt;')
    .replaceAll('>', '#gt;')
    .replaceAll(/\s+/g, ' ');
}

import { isCodedError } from '@tenon/core';
import { createDependencyGraph, toMermaid, type DependencyGraph } from '@tenon/resources';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const graphOf = (...arrows: readonly (readonly [string, string])[]): DependencyGraph => {
  const graph = createDependencyGraph();
  for (const [node, dependency] of arrows) graph.connect(node, dependency);
  return graph;
};
const pathOf = (work: () => void): unknown => {
  try {
    work();
    return undefined;
  } catch (error) {
    return isCodedError(error, 'RESOURCE_DEPENDENCY_CIRCULAR') ? error.details['path'] : error;
  }
};

describe('a dependency graph', () => {
  it('orders what others need first, nodes without arrows too, and what is equal by name', () => {
    const graph = graphOf(['api', 'db'], ['api', 'cache'], ['worker', 'db']);
    graph.add('alone');
    expect(graph.order()).toEqual(['alone', 'cache', 'db', 'api', 'worker']);
    expect(graph.orderFor('api')).toEqual(['cache', 'db', 'api']);
    expect(graph.orderFor('db')).toEqual(['db']);
  });

  it('knows who needs whom, and what is affected', () => {
    const graph = graphOf(['app', 'api'], ['api', 'db'], ['worker', 'db'], ['db', 'disk']);
    expect(graph.dependenciesOf('api')).toEqual(['db']);
    expect(graph.dependentsOf('db')).toEqual(['api', 'worker']);
    expect(graph.dependsOn('app', 'disk')).toBe(true);
    expect(graph.dependsOn('disk', 'app')).toBe(false);
    expect(graph.affectedBy('disk')).toEqual(['db', 'api', 'worker', 'app']);
    graph.remove('db');
    expect(graph.dependsOn('app', 'disk')).toBe(false);
    expect(graph.order()).toEqual(['api', 'app', 'disk', 'worker']);
  });

  it.each([
    ['itself', [], ['a', 'a'], ['a', 'a']],
    ['each other', [['a', 'b']], ['b', 'a'], ['b', 'a', 'b']],
    [
      'each other through others, by the shortest way',
      [
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'd'],
        ['b', 'd'],
      ],
      ['d', 'a'],
      ['d', 'a', 'b', 'd'],
    ],
  ] as const)('refuses what would need %s, names the circle, and stays as it was', (_, arrows, [from, to], circle) => {
    const graph = graphOf(...(arrows as readonly (readonly [string, string])[]));
    const before = toMermaid(graph);
    expect(pathOf(() => graph.connect(from, to))).toEqual(circle);
    expect(toMermaid(graph)).toBe(before);
  });

  it('never holds a circle, and orders everything after what it needs, whatever is connected', () => {
    const node = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    fc.assert(
      fc.property(fc.array(fc.tuple(node, node), { maxLength: 30 }), (arrows) => {
        const graph = createDependencyGraph();
        for (const [from, to] of arrows) {
          const path = pathOf(() => graph.connect(from, to));
          if (path === undefined) continue;
          // What was refused would have closed exactly the circle that was named.
          expect(from === to || graph.dependsOn(to, from)).toBe(true);
          expect((path as readonly string[]).at(0)).toBe((path as readonly string[]).at(-1));
        }
        const order = graph.order();
        expect(new Set(order).size).toBe(order.length);
        for (const each of order) {
          for (const needed of graph.dependenciesOf(each)) {
            expect(order.indexOf(needed)).toBeLessThan(order.indexOf(each));
          }
        }
      }),
    );
  });

  it('is drawn', () => {
    expect(toMermaid(graphOf(['api', 'db']), (node) => `${node} "x" <b>`)).toBe(
      'flowchart LR\n  n0["db #quot;x#quot; #lt;b#gt;"]\n  n1["api #quot;x#quot; #lt;b#gt;"]\n  n1 --> n0',
    );
  });
});

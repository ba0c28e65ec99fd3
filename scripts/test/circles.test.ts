import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCircles } from '../circles.ts';

describe('findCircles', () => {
  it('reports two separate knots, and each once', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['a', 'c']],
      ['c', ['d']],
      ['d', ['e']],
      ['e', ['c', 'd']],
    ]);
    expect(findCircles(graph)).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
  });

  it('reports circles exactly when the graph cannot be sorted', () => {
    const node = fc.integer({ min: 0, max: 6 }).map(String);
    fc.assert(
      fc.property(fc.dictionary(node, fc.array(node, { maxLength: 3 })), (edges) => {
        const graph = new Map(Object.entries(edges));
        expect(findCircles(graph).length === 0).toBe(canBeSorted(graph));
      }),
    );
  });

  it('walks along existing edges and back to the start', () => {
    const node = fc.integer({ min: 0, max: 6 }).map(String);
    fc.assert(
      fc.property(fc.dictionary(node, fc.array(node, { maxLength: 3 })), (edges) => {
        for (const circle of findCircles(new Map(Object.entries(edges)))) {
          for (const [index, from] of circle.entries()) {
            expect(edges[from]).toContain(circle[(index + 1) % circle.length]);
          }
        }
      }),
    );
  });
});

/** Takes away nodes that point to no node left, until none is left or none can be taken. */
function canBeSorted(graph: ReadonlyMap<string, readonly string[]>): boolean {
  const left = new Set(graph.keys());
  for (let before = -1; before !== left.size;) {
    before = left.size;
    for (const node of left) if (!graph.get(node)?.some((next) => left.has(next))) left.delete(node);
  }
  return left.size === 0;
}

import type { ManagedResource } from './managed-resource.ts';

/** All that rests on a managed resource, itself or through others, the nearest first. @param all - those that may */
export function dependentsOf(source: object, all: readonly ManagedResource[]): readonly ManagedResource[] {
  const found = new Set<ManagedResource>();
  const edge: object[] = [source];
  for (let each = edge.shift(); each !== undefined; each = edge.shift()) {
    for (const other of all) {
      if (other === source || found.has(other) || !other.maker.restsOn(each)) continue;
      found.add(other);
      edge.push(other);
    }
  }
  return [...found];
}

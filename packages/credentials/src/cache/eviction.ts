/** Decides which entry has to go when there is no room. */
export interface Eviction {
  /** An entry came in. */
  added(key: string): void;
  /** An entry was read. */
  used(key: string): void;
  removed(key: string): void;
  /** The entry to give up; `undefined` when there is none. */
  victim(): string | undefined;
}

/** The least recently used one goes. A Map keeps the order of insertion. */
export function createLruEviction(): Eviction {
  const order = new Set<string>();
  const touch = (key: string): void => {
    order.delete(key);
    order.add(key);
  };
  return {
    added: touch,
    used: touch,
    removed: (key) => void order.delete(key),
    victim: () => order.values().next().value,
  };
}

/**
 * The least often used one goes, and of those the one that was used longest ago: in constant time, after Shah, Mitra and Matani,
 * "An O(1) algorithm for implementing the LFU cache eviction scheme" (2010), but for a removal that empties the lowest count.
 */
export function createLfuEviction(): Eviction {
  const uses = new Map<string, number>();
  const byUses = new Map<number, Set<string>>();
  let fewest = 0;

  const leave = (key: string, count: number): void => {
    const bucket = byUses.get(count);
    bucket?.delete(key);
    if (bucket?.size === 0) byUses.delete(count);
  };
  const enter = (key: string, count: number): void => {
    uses.set(key, count);
    const bucket = byUses.get(count);
    if (bucket === undefined) byUses.set(count, new Set([key]));
    else bucket.add(key);
  };
  return {
    added(key) {
      const known = uses.get(key);
      if (known !== undefined) leave(key, known);
      enter(key, 1);
      fewest = 1;
    },
    used(key) {
      const count = uses.get(key);
      if (count === undefined) return;
      leave(key, count);
      enter(key, count + 1);
      if (fewest === count && !byUses.has(count)) fewest = count + 1;
    },
    removed(key) {
      const count = uses.get(key);
      if (count === undefined) return;
      leave(key, count);
      uses.delete(key);
    },
    victim() {
      // A removal may have emptied the lowest count; the next one is looked for only here, where one has to go.
      if (!byUses.has(fewest)) fewest = [...byUses.keys()].reduce((least, count) => Math.min(least, count), Infinity);
      return byUses.get(fewest)?.values().next().value;
    },
  };
}

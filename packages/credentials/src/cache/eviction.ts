/** What an eviction knows an entry by, and keeps with it: a look-up by key for each use would cost more than the use. */
export interface Evictable {
  readonly key: string;
  /** Its neighbours in the order of use. */
  newer: Evictable | undefined;
  older: Evictable | undefined;
  /** How often it was used. */
  uses: number;
}

/** Decides which entry has to go when there is no room. */
export interface Eviction {
  /** An entry came in. */
  added(entry: Evictable): void;
  /** An entry was read. */
  used(entry: Evictable): void;
  removed(entry: Evictable): void;
  /** The key of the entry to give up; `undefined` when there is none. */
  victim(): string | undefined;
}

/** The least recently used one goes. */
export function createLruEviction(): Eviction {
  let newest: Evictable | undefined;
  let oldest: Evictable | undefined;

  const unlink = (entry: Evictable): void => {
    const { newer, older } = entry;
    if (newer === undefined) newest = older;
    else newer.older = older;
    if (older === undefined) oldest = newer;
    else older.newer = newer;
    entry.newer = undefined;
    entry.older = undefined;
  };
  const added = (entry: Evictable): void => {
    entry.older = newest;
    if (newest === undefined) oldest = entry;
    else newest.newer = entry;
    newest = entry;
  };
  return {
    added,
    used(entry) {
      if (entry === newest) return;
      unlink(entry);
      added(entry);
    },
    removed: unlink,
    victim: () => oldest?.key,
  };
}

/**
 * The least often used one goes, and of those the one that was used longest ago: in constant time, after Shah, Mitra and Matani,
 * "An O(1) algorithm for implementing the LFU cache eviction scheme" (2010), but for a removal that empties the lowest count.
 */
export function createLfuEviction(): Eviction {
  const byUses = new Map<number, Set<Evictable>>();
  let fewest = 0;

  const leave = (entry: Evictable): void => {
    const bucket = byUses.get(entry.uses);
    bucket?.delete(entry);
    if (bucket?.size === 0) byUses.delete(entry.uses);
  };
  const enter = (entry: Evictable, uses: number): void => {
    entry.uses = uses;
    const bucket = byUses.get(uses);
    if (bucket === undefined) byUses.set(uses, new Set([entry]));
    else bucket.add(entry);
  };
  return {
    added(entry) {
      enter(entry, 1);
      fewest = 1;
    },
    used(entry) {
      const before = entry.uses;
      leave(entry);
      enter(entry, before + 1);
      if (fewest === before && !byUses.has(before)) fewest = before + 1;
    },
    removed: leave,
    victim() {
      // A removal may have emptied the lowest count; the next one is looked for only here, where one has to go.
      if (!byUses.has(fewest)) fewest = [...byUses.keys()].reduce((least, count) => Math.min(least, count), Infinity);
      return byUses.get(fewest)?.values().next().value?.key;
    },
  };
}

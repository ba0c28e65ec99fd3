import type { EvictionStore } from './eviction-store.ts';

/** Keys that were used equally often, those used last behind, between those used less and those used more. */
interface Rank<Entry> {
  readonly uses: number;
  readonly entries: Map<string, Entry>;
  less: Rank<Entry> | undefined;
  more: Rank<Entry> | undefined;
}

/**
 * Puts out the entry that was used least often; of several, the one used longest ago. After Shah, Mitra and Matani, "An O(1) algorithm for
 * implementing the LFU cache eviction scheme" (2010). What was used often long ago stays: for uses that change, take LRU.
 */
export function createLfuStore<Entry>(maxEntries: number): EvictionStore<Entry> {
  const ranks = new Map<string, Rank<Entry>>();
  let least: Rank<Entry> | undefined;

  const rankOf = (uses: number, less: Rank<Entry> | undefined): Rank<Entry> => {
    const more = less === undefined ? least : less.more;
    if (more?.uses === uses) return more;
    const made: Rank<Entry> = { uses, entries: new Map(), less, more };
    if (less === undefined) least = made;
    else less.more = made;
    if (more !== undefined) more.less = made;
    return made;
  };
  const leave = (key: string, rank: Rank<Entry>): void => {
    rank.entries.delete(key);
    if (rank.entries.size > 0) return;
    if (rank.less === undefined) least = rank.more;
    else rank.less.more = rank.more;
    if (rank.more !== undefined) rank.more.less = rank.less;
  };
  const use = (key: string, rank: Rank<Entry>, entry: Entry): void => {
    const next = rankOf(rank.uses + 1, rank);
    leave(key, rank);
    next.entries.set(key, entry);
    ranks.set(key, next);
  };
  const remove = (key: string): boolean => {
    const rank = ranks.get(key);
    if (rank === undefined) return false;
    ranks.delete(key);
    leave(key, rank);
    return true;
  };

  return {
    get size() {
      return ranks.size;
    },
    get(key) {
      const rank = ranks.get(key);
      const entry = rank?.entries.get(key);
      if (rank !== undefined && entry !== undefined) use(key, rank, entry);
      return entry;
    },
    peek: (key) => ranks.get(key)?.entries.get(key),
    set(key, entry, onEvicted) {
      const rank = ranks.get(key);
      if (rank !== undefined) {
        use(key, rank, entry);
        return;
      }
      if (ranks.size >= maxEntries) {
        const oldest = least?.entries.keys().next().value;
        if (oldest !== undefined && remove(oldest)) onEvicted();
      }
      const first = rankOf(1, undefined);
      first.entries.set(key, entry);
      ranks.set(key, first);
    },
    delete: remove,
    clear() {
      ranks.clear();
      least = undefined;
    },
  };
}

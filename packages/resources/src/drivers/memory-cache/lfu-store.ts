import type { EvictionStore } from './eviction-store.ts';

/** Keys that were used equally often, those used last behind, between those used less and those used more. */
interface Rank<Entry> {
  readonly uses: number;
  readonly entries: Map<string, Entry>;
  less: Rank<Entry> | undefined;
  more: Rank<Entry> | undefined;
}

/** The ranks, from the least used on. */
interface RankList<Entry> {
  /** @param less - the rank below the wanted one; without it, the wanted one is the first */
  find(uses: number, less: Rank<Entry> | undefined): Rank<Entry>;
  /** Takes a key out, and its rank when that is empty then. */
  leave(key: string, rank: Rank<Entry>): void;
  /** The key that goes first. */
  first(): string | undefined;
  clear(): void;
}

function createRankList<Entry>(): RankList<Entry> {
  let least: Rank<Entry> | undefined;
  return {
    find(uses, less) {
      const more = less === undefined ? least : less.more;
      if (more?.uses === uses) return more;
      const made: Rank<Entry> = { uses, entries: new Map(), less, more };
      if (less === undefined) least = made;
      else less.more = made;
      if (more !== undefined) more.less = made;
      return made;
    },
    leave(key, rank) {
      rank.entries.delete(key);
      if (rank.entries.size > 0) return;
      if (rank.less === undefined) least = rank.more;
      else rank.less.more = rank.more;
      if (rank.more !== undefined) rank.more.less = rank.less;
    },
    first: () => least?.entries.keys().next().value,
    clear() {
      least = undefined;
    },
  };
}

/**
 * Puts out the entry that was used least often; of several, the one used longest ago. After Shah, Mitra and Matani, "An O(1) algorithm for
 * implementing the LFU cache eviction scheme" (2010). What was used often long ago stays: for uses that change, take LRU.
 */
export function createLfuStore<Entry>(maxEntries: number): EvictionStore<Entry> {
  const list = createRankList<Entry>();
  const ranks = new Map<string, Rank<Entry>>();

  const put = (key: string, entry: Entry, rank: Rank<Entry>): void => {
    rank.entries.set(key, entry);
    ranks.set(key, rank);
  };
  const use = (key: string, rank: Rank<Entry>, entry: Entry): void => {
    const next = list.find(rank.uses + 1, rank);
    list.leave(key, rank);
    put(key, entry, next);
  };
  const remove = (key: string): boolean => {
    const rank = ranks.get(key);
    if (rank === undefined) return false;
    ranks.delete(key);
    list.leave(key, rank);
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
      const oldest = ranks.size >= maxEntries ? list.first() : undefined;
      if (oldest !== undefined && remove(oldest)) onEvicted();
      put(key, entry, list.find(1, undefined));
    },
    delete: remove,
    clear() {
      ranks.clear();
      list.clear();
    },
  };
}

/** Changes that others have not been told of yet: each key once, and a bounded number of them. */
export interface PendingChanges {
  add(key: string): void;
  /** The next to tell; `all` when there were too many to list. What is taken is gone: {@link PendingChanges.add} it again when it was not told. */
  take(max: number): readonly string[] | 'all' | undefined;
  giveBack(taken: readonly string[] | 'all'): void;
  isEmpty(): boolean;
}

/** @param maxKeys - how many are listed; one more, and `all` takes their place */
export function createPendingChanges(maxKeys: number): PendingChanges {
  const keys = new Set<string>();
  let all = false;
  const giveUpListing = (): void => {
    all = true;
    keys.clear();
  };
  const add = (key: string): void => {
    if (all) return;
    keys.add(key);
    if (keys.size > maxKeys) giveUpListing();
  };
  return {
    add,
    take(max) {
      if (all) {
        all = false;
        return 'all';
      }
      if (keys.size === 0) return undefined;
      const taken = [...keys].slice(0, max);
      for (const key of taken) keys.delete(key);
      return taken;
    },
    giveBack(taken) {
      if (taken === 'all') giveUpListing();
      else for (const key of taken) add(key);
    },
    isEmpty: () => !all && keys.size === 0,
  };
}

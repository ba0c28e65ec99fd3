import type { Clock } from '@tenon/core';

/** What {@link createExpiringCache} takes. */
export interface ExpiringCacheOptions {
  /** How long a value is given out, in milliseconds from the start of its load. 0: never, every call loads. */
  readonly ttlMs: number;
  /** How many values are held. The oldest goes first. */
  readonly maxEntries: number;
  readonly clock: Clock;
}

/** Values that were expensive to find, for a short while. */
export interface ExpiringCache<Value> {
  /** The value, or the one that `load` finds. Callers that ask together share one load; a failure is not kept. */
  get(key: string, load: () => Promise<Value>): Promise<Value>;
  /** Forgets one value. A load in flight still answers those who wait for it, and nobody after. */
  drop(key: string): void;
  /** Forgets everything. */
  clear(): void;
}

interface Entry<Value> {
  readonly value: Promise<Value>;
  readonly expiresAtMs: number;
}

/**
 * Makes a cache of promises. Because the promise itself is the entry, dropping it while its load runs also keeps what that
 * load read, possibly before the change, from being given out after the change.
 */
export function createExpiringCache<Value>(options: ExpiringCacheOptions): ExpiringCache<Value> {
  const { ttlMs, maxEntries, clock } = options;
  const entries = new Map<string, Entry<Value>>();
  return {
    get(key, load) {
      if (ttlMs === 0) return load();
      const now = clock.monotonicMs();
      const known = entries.get(key);
      if (known !== undefined && now < known.expiresAtMs) return known.value;
      const entry: Entry<Value> = { value: load(), expiresAtMs: now + ttlMs };
      entries.delete(key);
      if (entries.size >= maxEntries) entries.delete(entries.keys().next().value ?? '');
      entries.set(key, entry);
      entry.value.catch(() => {
        if (entries.get(key) === entry) entries.delete(key);
      });
      return entry.value;
    },
    drop: (key) => void entries.delete(key),
    clear: () => entries.clear(),
  };
}

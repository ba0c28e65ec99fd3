import type { Clock } from '@tenon/core';
import { LRUCache } from 'lru-cache';

/** What a {@link CheckCache} is made with. */
export interface CheckCacheConfig<T> {
  /** For how long a look counts, in milliseconds; 0 looks each time. */
  readonly ttlMs: number;
  /** Most names remembered. */
  readonly max: number;
  readonly clock: Clock;
  readonly load: (key: string) => Promise<T>;
}

/** Remembers for a moment what the database says, so that a burst of requests looks once. */
export interface CheckCache<T> {
  /** What the database said at most `ttlMs` ago, or says now. */
  get(key: string): Promise<T>;
  /** The next {@link CheckCache.get} looks again, and does not join a look that began before. */
  drop(key: string): void;
}

interface Entry<T> {
  readonly value: Promise<T>;
  readonly untilMs: number;
}

/** Makes the cache. */
export function createCheckCache<T>(config: CheckCacheConfig<T>): CheckCache<T> {
  const entries = new LRUCache<string, Entry<T>>({ max: config.max });
  return {
    get(key) {
      if (config.ttlMs === 0) return config.load(key);
      const nowMs = config.clock.monotonicMs();
      const known = entries.get(key);
      if (known !== undefined && nowMs < known.untilMs) return known.value;
      // The time counts from before the look, so that nothing is ever believed for longer than it says.
      const entry: Entry<T> = { value: config.load(key), untilMs: nowMs + config.ttlMs };
      entries.set(key, entry);
      entry.value.catch(() => {
        // A failure is not remembered; but what replaced this entry meanwhile stays.
        if (entries.peek(key) === entry) entries.delete(key);
      });
      return entry.value;
    },
    drop: (key) => void entries.delete(key),
  };
}

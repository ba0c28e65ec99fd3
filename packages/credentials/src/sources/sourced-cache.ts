import type { Clock } from '@tenon/core';

/** Values by key, each for as long as it came with. */
export interface SourcedCache<Value> {
  get(key: string): Value | undefined;
  /** @param ttlMs - in milliseconds; 0 or less: the value is not kept */
  set(key: string, value: Value, ttlMs: number): void;
  delete(key: string): void;
  clear(): void;
}

const MAX_ENTRIES = 1_000;

/** Makes a cache of 1,000 entries at most; the least recently used one goes. */
export function createSourcedCache<Value>(clock: Clock): SourcedCache<Value> {
  // A Map keeps the order of insertion: the first is the one that was used longest ago.
  const entries = new Map<string, { readonly value: Value; readonly endsAtMs: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (clock.monotonicMs() >= entry.endsAtMs) return undefined;
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, ttlMs) {
      entries.delete(key);
      if (!(ttlMs > 0)) return;
      const [oldest] = entries.keys();
      if (entries.size >= MAX_ENTRIES && oldest !== undefined) entries.delete(oldest);
      entries.set(key, { value, endsAtMs: clock.monotonicMs() + ttlMs });
    },
    delete: (key) => void entries.delete(key),
    clear: () => entries.clear(),
  };
}

import type { EvictionStore } from './eviction-store.ts';

/** Puts out the entry that was added first. Neither uses nor new values of a key give it a later place. */
export function createFifoStore<Entry>(maxEntries: number): EvictionStore<Entry> {
  const entries = new Map<string, Entry>();
  return {
    get size() {
      return entries.size;
    },
    get: (key) => entries.get(key),
    peek: (key) => entries.get(key),
    set(key, entry, onEvicted) {
      if (entries.size >= maxEntries && !entries.has(key)) {
        const oldest = entries.keys().next().value;
        if (oldest !== undefined && entries.delete(oldest)) onEvicted();
      }
      entries.set(key, entry);
    },
    delete: (key) => entries.delete(key),
    clear: () => entries.clear(),
  };
}

import { LRUCache } from 'lru-cache';
import type { EvictionStore } from './eviction-store.ts';

/** Puts out the entry that was used longest ago. */
export function createLruStore<Entry extends object>(maxEntries: number): EvictionStore<Entry> {
  let onOut: (() => void) | undefined;
  const entries = new LRUCache<string, Entry>({
    max: maxEntries,
    dispose: (_entry, _key, reason) => {
      if (reason === 'evict') onOut?.();
    },
  });
  return {
    get size() {
      return entries.size;
    },
    get: (key) => entries.get(key),
    peek: (key) => entries.peek(key),
    set(key, entry, onEvicted) {
      onOut = onEvicted;
      entries.set(key, entry);
    },
    delete: (key) => entries.delete(key),
    clear: () => entries.clear(),
  };
}

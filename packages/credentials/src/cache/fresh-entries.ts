import type { Clock } from '@tenon/core';
import { createLfuEviction, createLruEviction, type Evictable } from './eviction.ts';

/** How long entries are good, and how many there may be. */
export interface EntryLimits {
  readonly ttlMs: number;
  readonly idleTtlMs: number;
  readonly maxEntries: number;
}

/** Values by key that are forgotten in time, and never more than there may be. */
export interface FreshEntries<Value> {
  /** The value, if it is there and fresh: used by that. */
  get(key: string): Value | undefined;
  /** @param loadedAtMs - from when on it ages */
  insert(key: string, value: Value, loadedAtMs: number): void;
  remove(key: string): void;
  clear(): void;
  size(): number;
  /** How many went because there was no room. */
  evictions(): number;
}

interface Entry<Value> extends Evictable {
  readonly value: Value;
  readonly expiresAtMs: number;
  idleAtMs: number;
}

/** Makes an empty set of entries. */
export function createFreshEntries<Value>(
  limits: EntryLimits,
  policy: 'lru' | 'lfu',
  clock: Clock,
): FreshEntries<Value> {
  const eviction = policy === 'lfu' ? createLfuEviction() : createLruEviction();
  const entries = new Map<string, Entry<Value>>();
  let evictions = 0;

  const remove = (key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    eviction.removed(entry);
  };
  // Entries stand in the order in which they came, so those past their time are in front. Without this, what was once used often
  // would keep its place for ever where the least often used goes.
  const removeExpired = (): void => {
    const now = clock.monotonicMs();
    for (const [key, { expiresAtMs }] of entries) {
      if (now < expiresAtMs) return;
      remove(key);
    }
  };
  const makeRoom = (): void => {
    if (entries.size >= limits.maxEntries) removeExpired();
    while (entries.size >= limits.maxEntries) {
      const victim = eviction.victim();
      if (victim === undefined) return;
      remove(victim);
      evictions += 1;
    }
  };

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      const now = clock.monotonicMs();
      if (now >= entry.expiresAtMs || now >= entry.idleAtMs) {
        remove(key);
        return undefined;
      }
      entry.idleAtMs = now + limits.idleTtlMs;
      eviction.used(entry);
      return entry.value;
    },
    insert(key, value, loadedAtMs) {
      remove(key);
      makeRoom();
      const idleAtMs = clock.monotonicMs() + limits.idleTtlMs;
      const expiresAtMs = loadedAtMs + limits.ttlMs;
      const entry: Entry<Value> = { key, value, expiresAtMs, idleAtMs, newer: undefined, older: undefined, uses: 0 };
      entries.set(key, entry);
      eviction.added(entry);
    },
    remove,
    clear() {
      for (const key of entries.keys()) remove(key);
    },
    size: () => entries.size,
    evictions: () => evictions,
  };
}

import { apiKey } from '@tenon/credentials';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openVault } from '../vault/support/open-vault.ts';

const TTL_MS = 1_000;
const IDLE_TTL_MS = 600;
const IDS = Array.from({ length: 8 }, (_, at) => `id-${at}`);

interface Entry {
  readonly expiresAtMs: number;
  idleAtMs: number;
  uses: number;
  lastUse: number;
}

/** What the cache should do, in the plainest way there is. */
class Model {
  readonly #entries = new Map<string, Entry>();
  readonly #rank: (entry: Entry) => readonly [number, number];
  readonly #capacity: number;
  #use = 0;
  hits = 0;
  misses = 0;
  evictions = 0;

  constructor(eviction: 'lru' | 'lfu', capacity: number) {
    this.#capacity = capacity;
    this.#rank = ({ uses, lastUse }) => [eviction === 'lru' ? 0 : uses, lastUse];
  }

  get size(): number {
    return this.#entries.size;
  }

  read(key: string, isStored: boolean, nowMs: number): void {
    this.#use += 1;
    const entry = this.#entries.get(key);
    if (entry !== undefined && nowMs < entry.expiresAtMs && nowMs < entry.idleAtMs) {
      Object.assign(entry, { idleAtMs: nowMs + IDLE_TTL_MS, uses: entry.uses + 1, lastUse: this.#use });
      this.hits += 1;
      return;
    }
    this.misses += 1;
    this.drop(key);
    if (isStored) this.#insert(key, nowMs);
  }

  drop(key: string): void {
    this.#entries.delete(key);
  }

  #insert(key: string, nowMs: number): void {
    if (this.size >= this.#capacity) {
      for (const [old, { expiresAtMs }] of this.#entries) if (nowMs >= expiresAtMs) this.drop(old);
    }
    if (this.size >= this.#capacity) {
      const [worst] = [...this.#entries].toSorted(([, left], [, right]) => {
        const [leftFirst, leftThen] = this.#rank(left);
        const [rightFirst, rightThen] = this.#rank(right);
        return leftFirst - rightFirst || leftThen - rightThen;
      });
      this.drop(worst?.[0] ?? '');
      this.evictions += 1;
    }
    this.#entries.set(key, {
      expiresAtMs: nowMs + TTL_MS,
      idleAtMs: nowMs + IDLE_TTL_MS,
      uses: 1,
      lastUse: this.#use,
    });
  }
}

interface Step {
  readonly what: 'read' | 'store' | 'delete' | 'forget' | 'wait';
  readonly id: string;
  readonly ms: number;
}

const steps = fc.array(
  fc.record<Step>({
    what: fc.oneof(
      { weight: 25, arbitrary: fc.constant('read' as const) },
      { weight: 6, arbitrary: fc.constantFrom('store' as const, 'store', 'wait', 'wait', 'delete', 'forget') },
    ),
    id: fc.constantFrom(...IDS),
    ms: fc.integer({ min: 1, max: 400 }),
  }),
  { minLength: 60, maxLength: 120 },
);

describe.each(['lru', 'lfu'] as const)('a cache that evicts by %s', (eviction) => {
  it('does what the model does, for any sequence of operations', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 5 }), async (all, maxEntries) => {
        const { vault, clock } = openVault({
          auditMode: 'none',
          build: (builder) => builder.cache({ ttlMs: TTL_MS, idleTtlMs: IDLE_TTL_MS, maxEntries, eviction }),
        });
        const model = new Model(eviction, maxEntries);
        const stored = new Map<string, string>();
        // Gives what was read, and `undefined` for what reads nothing.
        const perform = async ({ what, id, ms }: Step, value: string): Promise<string | undefined> => {
          const reference = { scope: 'org:acme', id };
          if (what === 'read') {
            model.read(id, stored.has(id), clock.monotonicMs());
            return (await vault.retrieve(reference))?.secret.reveal();
          }
          if (what === 'wait') await clock.advance(ms);
          else model.drop(id);
          if (what === 'forget') vault.clearCacheFor(reference);
          if (what === 'delete') await vault.delete(reference);
          if (what === 'delete') stored.delete(id);
          if (what === 'store') await vault.store(reference, apiKey(value));
          if (what === 'store') stored.set(id, value);
          return undefined;
        };
        for (const id of IDS) await perform({ what: 'store', id, ms: 0 }, 'at first');
        for (const [at, step] of all.entries()) {
          const read = await perform(step, `value-${at}`);
          expect(read).toBe(step.what === 'read' ? stored.get(step.id) : undefined);
          const { hits, misses, evictions, size: entries } = model;
          expect(vault.statistics().cache).toMatchObject({ hits, misses, evictions, entries });
          expect(entries).toBeLessThanOrEqual(maxEntries);
        }
      }),
      { numRuns: 100 },
    );
  });
});

it('keeps other entries by LFU than by LRU, for the same readings', async () => {
  const readsOf = async (eviction: 'lru' | 'lfu'): Promise<number> => {
    const { vault, storage } = openVault({
      auditMode: 'none',
      build: (builder) => builder.cache({ maxEntries: 10, eviction }),
    });
    const references = Array.from({ length: 200 }, (_, at) => ({ scope: 'org:acme', id: `id-${at}` }));
    for (const reference of references) await vault.store(reference, apiKey('x'));
    const popular = references.slice(0, 9);
    for (let use = 0; use < 3; use += 1) for (const reference of popular) await vault.retrieve(reference);
    // Somebody goes through all of them once, while the popular ones are asked for now and then.
    for (const reference of references.slice(9)) await vault.retrieve(reference);
    storage.reset();
    for (const reference of popular) await vault.retrieve(reference);
    return storage.calls.length;
  };
  expect(await readsOf('lru')).toBe(9);
  expect(await readsOf('lfu')).toBe(0);
});

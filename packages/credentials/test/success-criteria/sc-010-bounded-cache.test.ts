import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { apiKey, credentials, type CredentialStorage } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { describe, expect, it } from 'vitest';

const CAPACITY = 500;
const COUNT = 10 * CAPACITY;
const references = Array.from({ length: COUNT }, (_, at) => ({ scope: 'org:acme', id: `key-${at}` }));

/** Collects what nobody holds any more, now. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
}

describe.each(['lru', 'lfu'] as const)(
  'a cache that evicts by %s, through which ten times its capacity goes',
  (eviction) => {
    it('never holds more than its capacity, and lets go of what it gave up', async () => {
      const inner = memoryStorage();
      const read: WeakRef<object>[] = [];
      const storage: CredentialStorage = {
        ...inner,
        async get(key, options) {
          const record = await inner.get(key, options);
          if (record !== undefined) read.push(new WeakRef(record.current.envelope));
          return record;
        },
      };
      const vault = credentials()
        .storage(storage)
        .keys(KeyRing.generate())
        .tenant('main')
        .cache({ maxEntries: CAPACITY, eviction })
        .build();
      (await vault.storeMany(references.map((reference) => ({ reference, material: apiKey('x') })))).orThrow();
      read.length = 0;
      let most = 0;
      for (const reference of references) {
        await vault.retrieve(reference);
        most = Math.max(most, vault.statistics().cache?.entries ?? 0);
      }
      expect(most).toBe(CAPACITY);
      expect(vault.statistics().cache).toMatchObject({
        entries: CAPACITY,
        evictions: COUNT - CAPACITY,
        isFull: true,
        utilization: 1,
      });

      // What a WeakRef was made of or asked for stays until the turn of the loop is over.
      await new Promise((resolve) => void setImmediate(resolve));
      collect();
      expect(read).toHaveLength(COUNT);
      const held = read.filter((one) => one.deref() !== undefined).length;
      expect(held).toBeGreaterThanOrEqual(CAPACITY);
      expect(held).toBeLessThanOrEqual(CAPACITY + 10);
    });
  },
);

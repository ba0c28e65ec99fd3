/**
 * The cache: what it saves, what it forgets and when, and when it refuses to be there.
 *
 * Run: node --conditions=@tenon/source packages/credentials/examples/caching.ts
 */
import { isCodedError } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import {
  apiKey,
  credentials,
  type CacheInvalidation,
  type CredentialStorage,
  type InvalidationListener,
} from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';

let reads = 0;
const memory = memoryStorage();
// Counts how often the storage is asked.
const storage: CredentialStorage = {
  ...memory,
  get(key, options) {
    reads += 1;
    return memory.get(key, options);
  },
};

const clock = createTestClock(); // so that minutes pass at once
const vault = credentials()
  .storage(storage)
  .keys(KeyRing.generate())
  .tenant('main')
  .defaultScope('org:acme')
  .cache({ ttlMs: 300_000, idleTtlMs: 60_000, maxEntries: 2, eviction: 'lru' })
  .clock(clock)
  .build();
const readsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = reads;
  await work();
  return reads - before;
};

await vault.store({ id: 'github' }, apiKey('first'));
const github = () => vault.retrieve({ id: 'github' });
console.log('reads of the storage, first:', await readsOf(github));
console.log('reads, then:', await readsOf(github));
console.log(
  'reads, 50 at once after the cache was cleared:',
  await readsOf(async () => {
    vault.clearCache();
    await Promise.all(Array.from({ length: 50 }, github));
  }),
);

// A write is seen at once: what is cached of it goes, and a read that was under way is not kept.
await vault.store({ id: 'github' }, apiKey('second'));
console.log('after a write:', (await github())?.secret.reveal());

await clock.advance(60_000);
console.log('reads after a minute without use:', await readsOf(github));

// Two fit. The one that was used longest ago goes.
for (const id of ['gitlab', 'npm']) await vault.store({ id }, apiKey(id));
for (const id of ['gitlab', 'github', 'npm']) await vault.retrieve({ id });
console.log('reads of github, used lately:', await readsOf(github));
console.log('reads of gitlab, which had to go:', await readsOf(() => vault.retrieve({ id: 'gitlab' })));
const { hits, misses, evictions, entries, isFull } = { ...vault.statistics().cache };
console.log({ hits, misses, evictions, entries, isFull });

// Other processes may change what is in a shared storage. A cache that would not hear of it is refused.
try {
  credentials()
    .storage({ ...memory, isShared: true })
    .keys(KeyRing.generate())
    .cacheTtl(60_000)
    .cacheMaxEntries(100)
    .build();
} catch (error) {
  if (!isCodedError(error, 'CREDENTIALS_OPTIONS_INVALID')) throw error;
  console.log(error.code);
}

// With a way to hear of them it is not. Here two vaults of one process; `drivers/` has PostgreSQL and Redis.
const listeners = new Set<InvalidationListener>();
const invalidation: CacheInvalidation = {
  publish: (key) => listeners.forEach((listener) => listener.changed(key)),
  subscribe(listener) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};
const shared = credentials()
  .storage({ ...memory, isShared: true })
  .keys(KeyRing.generate())
  .tenant('main')
  .defaultScope('org:acme')
  .cacheMaxEntries(100)
  .invalidation(invalidation);
const [ours, theirs] = [shared.build(), shared.build()];
await theirs.store({ id: 'shared' }, apiKey('first'));
await ours.retrieve({ id: 'shared' });
await theirs.store({ id: 'shared' }, apiKey('second'));
console.log('after a write elsewhere:', (await ours.retrieve({ id: 'shared' }))?.secret.reveal());
ours.clearCacheFor({ id: 'shared' });
console.log('entries after it was cleared:', ours.statistics().cache?.entries);
await Promise.all([vault, ours, theirs].map((one) => one.close()));

/**
 * The cache: what it saves, what it forgets and when, and when it refuses to be there.
 *
 * Run: node --conditions=@tenon/source packages/credentials/examples/caching.ts
 */
import { isCodedError } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { apiKey, credentials, type CredentialStorage } from '@tenon/credentials';
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
    .build();
} catch (error) {
  if (!isCodedError(error, 'CREDENTIALS_OPTIONS_INVALID')) throw error;
  console.log(error.code);
}
await vault.close();

import { createTestClock } from '@tenon/core/testing';
import { apiKey, credentials } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { scriptedStorage, type StorageOperation } from '@tenon/credentials/testing';
import { KeyRing } from '@tenon/crypto';
import { openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const COUNT = 100;
const ROUND_TRIP_MS = 10;
const references = Array.from({ length: COUNT }, (_, at) => ({ scope: 'org:acme', id: `key-${at}` }));
const entries = references.map((reference) => ({ reference, material: apiKey(`value of ${reference.id}`) }));

// One credential is read and then written, and so are many together.
const work = [
  ['storeMany', 2],
  ['retrieveMany', 1],
  ['validateMany', 1],
  ['deleteMany', 1],
] as const;

/** How long 100 take on a clock that a test moves, where each call of the storage takes 10 ms. */
async function timeOf(operation: (typeof work)[number][0], concurrency: number): Promise<number> {
  const clock = createTestClock();
  const storage = scriptedStorage(memoryStorage(), { clock });
  const vault = credentials()
    .storage(storage)
    .keys(KeyRing.generate())
    .tenant('main')
    .clock(clock)
    .batchConcurrency(concurrency)
    .build();
  (await vault.storeMany(entries)).orThrow();
  for (const one of ['get', 'put', 'delete'] satisfies StorageOperation[]) {
    storage.script(one, { delayMs: ROUND_TRIP_MS }, { times: Number.POSITIVE_INFINITY });
  }
  const ended = { atMs: Number.NaN };
  const batch = operation === 'storeMany' ? vault.storeMany(entries) : vault[operation](references);
  const done = batch.then(({ failed }) => {
    ended.atMs = clock.monotonicMs();
    expect(failed).toBe(0);
  });
  while (Number.isNaN(ended.atMs)) await clock.advance(ROUND_TRIP_MS);
  await done;
  return ended.atMs;
}

describe('a batch of 100', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase('pglite', [credentialMigrations()]);
  });
  afterAll(() => test.drop());

  it.each(work)('takes a tenth of the time of one by one when ten run at a time: %s', async (operation, trips) => {
    expect(await timeOf(operation, 1)).toBe(COUNT * trips * ROUND_TRIP_MS);
    expect(await timeOf(operation, 10)).toBe((COUNT / 10) * trips * ROUND_TRIP_MS);
  });

  it.each(work)('takes as many round trips to a database as a single one does: %s', async (operation, trips) => {
    const storage = scriptedStorage(postgresStorage(test.database));
    const vault = credentials().storage(storage).keys(KeyRing.generate()).tenant('main').build();
    (await vault.storeMany(entries)).orThrow();
    storage.reset();
    const batch = operation === 'storeMany' ? vault.storeMany(entries) : vault[operation](references);
    expect((await batch).failed).toBe(0);
    expect(storage.calls).toHaveLength(trips);
  });
});

import assert from 'node:assert/strict';
import type { CredentialStorage, StorageBatch, StoragePut } from '../storage/credential-storage.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import {
  assertHolds,
  assertMissing,
  assertRefused,
  assertSame,
  callOptions,
  listAll,
  placesOf,
  write,
  type ContractRule,
} from './contract-check.ts';
import { fullRecord, sampleRecord } from './sample-record.ts';

function batchOf(storage: CredentialStorage): StorageBatch {
  assert.ok(storage.batch !== undefined, 'a storage with batches has to have them each time it is opened');
  return storage.batch;
}

const create = (record: StoredCredential): StoragePut => ({ record, expectedRevision: 0 });
const idsOf = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `id-${100 + index}`);

/** Many at once, for drivers that can: the same as one by one. */
export const batchRules: readonly ContractRule[] = [
  {
    name: 'a batch of nothing does nothing',
    async check({ storage }) {
      const batch = batchOf(storage);
      assert.deepEqual(await batch.get([], callOptions()), []);
      assert.deepEqual(await batch.put([], callOptions()), []);
      assert.deepEqual(await batch.delete([], callOptions()), []);
    },
  },
  {
    name: 'a batch of 100 is written, read and deleted, and answers in the order of what was asked',
    async check({ storage }) {
      const batch = batchOf(storage);
      const records = idsOf(100)
        .toReversed()
        .map((id, index) => (index % 2 === 0 ? fullRecord({ id }) : sampleRecord({ id, description: id })));
      const keys = records.map(({ key }) => key);
      assert.deepEqual(
        await batch.put(records.map(create), callOptions()),
        records.map(() => true),
      );
      for (const record of records) await assertHolds(storage, record);
      const read = await batch.get(keys, callOptions());
      for (const [index, record] of records.entries()) assertSame(read[index], record);
      assert.deepEqual(
        await batch.delete(keys, callOptions()),
        records.map(() => true),
      );
      assert.deepEqual(await listAll(storage, { tenant: 'acme', limit: 10 }), []);
    },
  },
  {
    name: 'each of a batch is for itself: those that find another revision change nothing',
    async check({ storage }) {
      const batch = batchOf(storage);
      const [old, stale] = [sampleRecord({ id: 'old' }), sampleRecord({ id: 'stale' })];
      await write(storage, old, stale, { ...stale, revision: 2 });
      const changes: readonly StoragePut[] = [
        create(sampleRecord({ id: 'new' })),
        create(sampleRecord({ id: 'old', kind: 'bearer' })),
        { record: sampleRecord({ id: 'stale', revision: 2, kind: 'bearer' }), expectedRevision: 1 },
        { record: sampleRecord({ id: 'missing', revision: 2 }), expectedRevision: 1 },
        { record: sampleRecord({ id: 'Old' }), expectedRevision: 0 },
      ];
      assert.deepEqual(await batch.put(changes, callOptions()), [true, false, false, false, true]);
      await assertHolds(storage, old);
      await assertHolds(storage, { ...stale, revision: 2 });
      const replacement = sampleRecord({ id: 'old', revision: 2, kind: 'bearer' });
      const mixed = [create(sampleRecord({ id: 'last' })), { record: replacement, expectedRevision: 1 }];
      assert.deepEqual(await batch.put(mixed, callOptions()), [true, true]);
      await assertHolds(storage, replacement);
      assert.deepEqual(
        placesOf(await listAll(storage, { tenant: 'acme', limit: 10 })),
        ['Old', 'last', 'new', 'old', 'stale'].map((id) => `org:acme ${id}`),
      );
    },
  },
  {
    name: 'a batch tells what is missing from what is there, and sees no other tenant, scope or case',
    async check({ storage }) {
      const batch = batchOf(storage);
      const here = sampleRecord({ scope: 'org:acme', id: 'a' });
      await write(storage, here, sampleRecord({ tenant: 'other', id: 'b' }), sampleRecord({ scope: 'org:x', id: 'b' }));
      const keys = [
        sampleRecord({ id: 'b' }).key,
        here.key,
        sampleRecord({ id: 'A' }).key,
        sampleRecord({ scope: 'org:Acme', id: 'a' }).key,
      ];
      const read = await batch.get(keys, callOptions());
      assert.deepEqual(
        read.map((record) => record !== undefined),
        [false, true, false, false],
      );
      assert.deepEqual(await batch.delete(keys, callOptions()), [false, true, false, false]);
      await assertMissing(storage, here.key);
      await assertHolds(storage, sampleRecord({ tenant: 'other', id: 'b' }));
    },
  },
  {
    name: 'of overlapping batches exactly one wins each credential',
    async check({ storage, other = storage }) {
      const ids = idsOf(30);
      const attempts = Array.from({ length: 6 }, (_, caller) => {
        const inOrder = caller % 2 === 0 ? ids : ids.toReversed();
        const changes = inOrder.map((id) => create(sampleRecord({ id, description: `of ${caller}` })));
        return batchOf(caller % 3 === 0 ? other : storage)
          .put(changes, callOptions())
          .then((answers) => new Map(inOrder.map((id, index) => [id, answers[index]])));
      });
      const answers = await Promise.all(attempts);
      for (const id of ids) {
        const winners = answers.flatMap((answer, caller) => (answer.get(id) === true ? [caller] : []));
        assert.equal(winners.length, 1);
        await assertHolds(storage, sampleRecord({ id, description: `of ${winners[0]}` }));
      }
    },
  },
  {
    name: 'a batch in which one record is of the wrong form is refused, and nothing of it is written',
    async check({ storage }) {
      const records = [sampleRecord({ id: 'a' }), sampleRecord({ id: 'b', createdAt: Number.NaN })];
      await assertRefused('CREDENTIAL_STORAGE_FAILED', () => batchOf(storage).put(records.map(create), callOptions()));
      await assertMissing(storage, sampleRecord({ id: 'a' }).key);
    },
  },
];

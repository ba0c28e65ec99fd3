import assert from 'node:assert/strict';
import type { CredentialStorage } from '../storage/credential-storage.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import {
  assertHolds,
  assertMissing,
  callOptions,
  listAll,
  placesOf,
  put,
  write,
  type ContractRule,
  type StorageUnderTest,
} from './contract-check.ts';
import { sampleRecord } from './sample-record.ts';

/** The storage of a caller: with a second one over the same data, every other caller has that. */
function ofCaller({ storage, other = storage }: StorageUnderTest, caller: number): CredentialStorage {
  return caller % 2 === 0 ? storage : other;
}

async function race(
  tools: StorageUnderTest,
  records: readonly StoredCredential[],
): Promise<StoredCredential | undefined> {
  const won = await Promise.all(records.map((record, caller) => put(ofCaller(tools, caller), record)));
  assert.equal(won.filter(Boolean).length, 1, 'exactly one caller must win');
  return records[won.indexOf(true)];
}

async function countUp(storage: CredentialStorage, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const before = await storage.get(sampleRecord().key, callOptions());
    assert.ok(before !== undefined);
    if (await put(storage, sampleRecord({ revision: before.revision + 1 }))) done += 1;
  }
}

/** Who wins. */
export const concurrencyRules: readonly ContractRule[] = [
  {
    name: 'put changes only the revision that it expects',
    async check({ storage }) {
      const first = sampleRecord();
      assert.equal(await put(storage, first, 0), true);
      assert.equal(await put(storage, sampleRecord({ kind: 'bearer' }), 0), false);
      assert.equal(await put(storage, sampleRecord({ revision: 3, kind: 'bearer' }), 2), false);
      await assertHolds(storage, first);
      const second = sampleRecord({ revision: 2, kind: 'basic' });
      assert.equal(await put(storage, second, 1), true);
      assert.equal(await put(storage, sampleRecord({ revision: 2, kind: 'bearer' }), 1), false);
      await assertHolds(storage, second);
    },
  },
  {
    name: 'of many who create the same record exactly one wins, and theirs stays',
    async check(tools, { callers }) {
      const records = Array.from({ length: callers }, (_, caller) => sampleRecord({ description: `of ${caller}` }));
      const winner = await race(tools, records);
      assert.ok(winner !== undefined);
      await assertHolds(tools.storage, winner);
    },
  },
  {
    name: 'of many who replace the same revision exactly one wins, each time',
    async check(tools, { callers }) {
      await write(tools.storage, sampleRecord());
      for (let revision = 2; revision <= 5; revision += 1) {
        const records = Array.from({ length: callers }, (_, caller) =>
          sampleRecord({ revision, description: `of ${caller}` }),
        );
        const winner = await race(tools, records);
        assert.ok(winner !== undefined);
        await assertHolds(tools.storage, winner);
      }
    },
  },
  {
    name: 'of many who delete a record exactly one is told that it was there',
    async check(tools, { callers }) {
      const { key } = sampleRecord();
      await write(tools.storage, sampleRecord());
      const told = await Promise.all(
        Array.from({ length: callers }, (_, caller) => ofCaller(tools, caller).delete(key, callOptions())),
      );
      assert.equal(told.filter(Boolean).length, 1);
      await assertMissing(tools.storage, key);
    },
  },
  {
    name: 'a counter over get and put loses no increment',
    async check(tools) {
      await write(tools.storage, sampleRecord());
      await Promise.all(Array.from({ length: 4 }, (_, caller) => countUp(ofCaller(tools, caller), 5)));
      await assertHolds(tools.storage, sampleRecord({ revision: 21 }));
    },
  },
  {
    name: 'whoever makes and deletes the same records side by side, the list holds exactly those that are there',
    async check(tools) {
      const ids = ['a', 'b', 'c'];
      const churn = async (caller: number): Promise<void> => {
        const storage = ofCaller(tools, caller);
        for (let turn = 0; turn < 6; turn += 1) {
          const record = sampleRecord({ id: ids[(caller + turn) % ids.length] ?? 'a' });
          if ((caller + turn) % 2 === 0) await put(storage, record, 0);
          else await storage.delete(record.key, callOptions());
        }
      };
      await Promise.all(Array.from({ length: 6 }, (_, caller) => churn(caller)));
      const there = await Promise.all(
        ids.map(async (id) => (await tools.storage.get(sampleRecord({ id }).key, callOptions())) !== undefined),
      );
      const listed = placesOf(await listAll(tools.storage, { tenant: 'acme', limit: 2 }));
      assert.deepEqual(
        listed,
        ids.filter((_, index) => there[index]).map((id) => `org:acme ${id}`),
      );
    },
  },
];

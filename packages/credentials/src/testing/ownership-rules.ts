import assert from 'node:assert/strict';
import type { CredentialStorage } from '../storage/credential-storage.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { assertHolds, assertMissing, callOptions, put, write, type ContractRule } from './contract-check.ts';
import { fullRecord, sampleRecord } from './sample-record.ts';

/** Changes everything in a record that types alone protect. */
function spoil(record: object): void {
  for (const [name, value] of Object.entries(record)) {
    if (value instanceof Uint8Array) value.fill(0);
    else if (typeof value === 'object' && value !== null) spoil(value as object);
    else Object.assign(record, { [name]: 'spoilt' });
  }
  if (Array.isArray(record)) record.push('spoilt');
  else Object.assign(record, { spoilt: true });
}

async function assertUnspoilt(storage: CredentialStorage, expected: StoredCredential): Promise<void> {
  await assertHolds(storage, expected);
  const { items } = await storage.list({ tenant: 'acme', limit: 10 }, callOptions());
  assert.equal(JSON.stringify(items).includes('spoilt'), false);
}

/** Nobody shares a record with a storage. */
export const ownershipRules: readonly ContractRule[] = [
  {
    name: 'changing a record that was given, or is being written, changes nothing in the storage',
    async check({ storage }) {
      const [given, expected] = [fullRecord(), fullRecord()];
      const writing = put(storage, given);
      spoil(given);
      assert.equal(await writing, true);
      await assertUnspoilt(storage, expected);
      const [next, expectedNext] = [
        { ...fullRecord(), revision: 2 },
        { ...fullRecord(), revision: 2 },
      ];
      const replacing = storage.put({ record: next, expectedRevision: 1 }, callOptions());
      spoil(next);
      assert.equal(await replacing, true);
      await assertUnspoilt(storage, expectedNext);
    },
  },
  {
    name: 'changing a record that was returned, or a page, changes nothing in the storage',
    async check({ storage }) {
      await write(storage, fullRecord());
      const returned = await storage.get(fullRecord().key, callOptions());
      assert.ok(returned !== undefined);
      spoil(returned);
      await assertUnspoilt(storage, fullRecord());
      const page = await storage.list({ tenant: 'acme', limit: 10 }, callOptions());
      spoil(page);
      await assertUnspoilt(storage, fullRecord());
    },
  },
  {
    name: 'frozen records are taken as they are',
    async check({ storage }) {
      const record = Object.freeze({ ...sampleRecord(), tags: Object.freeze({ env: 'prod' }) });
      await write(storage, record);
      await assertHolds(storage, record);
    },
  },
  {
    name: 'a storage closes as often as it is told to',
    async check({ storage }) {
      await write(storage, sampleRecord());
      await storage.close();
      await storage.close();
    },
  },
];

/** Two storages over the same data. */
export const sharingRules: readonly ContractRule[] = [
  {
    name: 'what one storage has written, another over the same data reads, replaces and deletes',
    async check({ storage, other }) {
      assert.ok(other !== undefined, 'a shared storage must be opened twice: give "other"');
      const record = sampleRecord();
      await write(storage, record);
      await assertHolds(other, record);
      const next = sampleRecord({ revision: 2, kind: 'bearer' });
      await write(other, next);
      await assertHolds(storage, next);
      const { items } = await storage.list({ tenant: 'acme', kind: 'bearer', limit: 10 }, callOptions());
      assert.equal(items.length, 1);
      assert.equal(await other.delete(record.key, callOptions()), true);
      await assertMissing(storage, record.key);
    },
  },
  {
    name: 'closing one storage leaves another over the same data open',
    async check({ storage, other }) {
      assert.ok(other !== undefined, 'a shared storage must be opened twice: give "other"');
      await write(storage, sampleRecord());
      await storage.close();
      await assertHolds(other, sampleRecord());
    },
  },
];

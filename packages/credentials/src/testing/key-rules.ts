import assert from 'node:assert/strict';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import {
  assertHolds,
  assertMissing,
  callOptions,
  listAll,
  placesOf,
  put,
  write,
  type ContractRule,
} from './contract-check.ts';
import { sampleRecord } from './sample-record.ts';

const base: CredentialKey = { tenant: 'acme', scope: 'org:acme/team:eng', id: 'github' };

// Other case, shorter, longer, punctuation that a driver may use for itself, the longest there can be.
const near: readonly CredentialKey[] = [
  base,
  { ...base, tenant: 'Acme' },
  { ...base, tenant: 'acm' },
  { ...base, tenant: 'acme-' },
  { ...base, scope: 'org:acme/team:Eng' },
  { ...base, scope: 'org:acme/team:en' },
  { ...base, scope: 'org:acme' },
  { ...base, scope: 'org:acme/team:eng/x:y' },
  { ...base, scope: 'org:acme/team:eng_' },
  { ...base, id: 'Github' },
  { ...base, id: 'githu' },
  { ...base, id: 'github_' },
  { ...base, id: '-github' },
  { ...base, id: '__proto__' },
  { ...base, id: 'constructor' },
  { ...base, id: 'g'.repeat(255) },
  { ...base, id: `${'g'.repeat(254)}G` },
  { tenant: 't'.repeat(64), scope: `s:${'S'.repeat(510)}`, id: 'I'.repeat(255) },
  { tenant: 't'.repeat(64), scope: `s:${'S'.repeat(510)}`, id: `${'I'.repeat(254)}i` },
  { tenant: 'CON', scope: 'aux:nul', id: 'con' },
];

/** Keys are compared exactly, all of them. */
export const keyRules: readonly ContractRule[] = [
  {
    name: 'what was never stored is not there, cannot be replaced and not be deleted',
    async check({ storage }) {
      const record = sampleRecord({ revision: 2 });
      await assertMissing(storage, record.key);
      assert.equal(await put(storage, record), false);
      assert.equal(await storage.delete(record.key, callOptions()), false);
      await assertMissing(storage, record.key);
      assert.deepEqual(await listAll(storage, { tenant: record.key.tenant, limit: 10 }), []);
    },
  },
  {
    name: 'keys that differ in tenant, scope or id alone, or in case alone, are different',
    async check({ storage }) {
      const records = near.map((key) => sampleRecord({ ...key, description: keyText(key) }));
      await write(storage, ...records);
      for (const record of records) await assertHolds(storage, record);
      for (const [index, { key }] of records.entries()) {
        assert.equal(await storage.delete(key, callOptions()), true);
        await assertMissing(storage, key);
        for (const rest of records.slice(index + 1)) await assertHolds(storage, rest);
      }
    },
  },
  {
    name: 'every list is of one tenant, whatever scopes and ids others use',
    async check({ storage }) {
      const tenants = ['acme', 'Acme', 'acm', 'acme2'];
      for (const tenant of tenants) {
        await write(storage, sampleRecord({ tenant, id: 'same' }), sampleRecord({ tenant, id: `only-${tenant}` }));
      }
      for (const tenant of tenants) {
        const all = await listAll(storage, { tenant, limit: 1 });
        assert.deepEqual(placesOf(all), ['org:acme only-' + tenant, 'org:acme same']);
        assert.ok(all.every(({ key }) => key.tenant === tenant));
      }
      assert.deepEqual(await listAll(storage, { tenant: 'nobody', within: 'org:acme', limit: 10 }), []);
    },
  },
  {
    name: 'a deleted record is gone, and can be made anew from its first revision',
    async check({ storage }) {
      const record = sampleRecord();
      await write(storage, record, { ...record, revision: 2 });
      assert.equal(await storage.delete(record.key, callOptions()), true);
      assert.equal(await storage.delete(record.key, callOptions()), false);
      await assertMissing(storage, record.key);
      assert.equal(await put(storage, { ...record, revision: 3 }), false);
      const anew = sampleRecord({ kind: 'bearer' });
      await write(storage, anew);
      await assertHolds(storage, anew);
      assert.deepEqual(placesOf(await listAll(storage, { tenant: 'acme', limit: 10 })), ['org:acme github']);
    },
  },
];

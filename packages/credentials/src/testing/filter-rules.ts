import assert from 'node:assert/strict';
import { covers } from '../identity/scope.ts';
import type { CredentialStorage, StorageQuery } from '../storage/credential-storage.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { listAll, placesOf, write, type ContractRule } from './contract-check.ts';
import { sampleRecord, sampleVersion } from './sample-record.ts';

const SCOPES = ['org:acme', 'org:acme-2', 'org:acme/team:eng', 'org:acme/team:eng/service:api', 'org:acme2'] as const;

async function found(storage: CredentialStorage, query: Omit<StorageQuery, 'tenant' | 'limit'>): Promise<string> {
  const all = await listAll(storage, { tenant: 'acme', limit: 3, ...query });
  return all.map(({ key }) => key.id).join(' ');
}

const tag = (id: string, tags: StoredCredential['tags']): StoredCredential => sampleRecord({ id, tags });

const at = (id: string, createdAt: number, expiresAt?: number): StoredCredential =>
  sampleRecord({
    id,
    kind: id === 'b' ? 'bearer' : 'api-key',
    createdAt,
    current: sampleVersion(expiresAt === undefined ? {} : { expiresAt }),
  });

const sealed = (id: string, keyId: string, ...earlier: readonly string[]): StoredCredential =>
  sampleRecord({
    id,
    current: sampleVersion({ version: 9, keyId }),
    previous: earlier.map((one, index) => sampleVersion({ version: 8 - index, keyId: one })),
  });

/** What a query asks for besides the scope. */
export const filterRules: readonly ContractRule[] = [
  {
    name: 'a replaced record is listed as it is now',
    async check({ storage }) {
      await write(storage, sampleRecord({ kind: 'basic', tags: { env: 'test' } }));
      await write(storage, sampleRecord({ revision: 2, kind: 'bearer', tags: { env: 'prod' } }));
      assert.equal(await found(storage, { kind: 'basic' }), '');
      assert.equal(await found(storage, { tags: { env: 'test' } }), '');
      assert.equal(await found(storage, { kind: 'bearer', tags: { env: 'prod' } }), 'github');
    },
  },
  {
    name: 'tags of a query must all be there, each with its exact value',
    async check({ storage }) {
      await write(
        storage,
        tag('a', { env: 'prod', team: 'eng' }),
        tag('b', { env: 'prod' }),
        tag('c', { env: 'Prod' }),
        tag('d', { prod: 'env' }),
        tag('e', {}),
        tag('f', { constructor: 'x', 'ключ "1"': '🗝️', empty: '' }),
      );
      assert.equal(await found(storage, { tags: { env: 'prod' } }), 'a b');
      assert.equal(await found(storage, { tags: { env: 'prod', team: 'eng' } }), 'a');
      assert.equal(await found(storage, { tags: { env: 'prod', team: 'ops' } }), '');
      assert.equal(await found(storage, { tags: { empty: '' } }), 'f');
      assert.equal(await found(storage, { tags: { constructor: 'x', 'ключ "1"': '🗝️' } }), 'f');
      assert.equal(await found(storage, { tags: { toString: 'x' } }), '');
      assert.equal(await found(storage, { tags: {} }), 'a b c d e f');
    },
  },
  {
    name: 'kind and moments of a query narrow a list, their bounds included as they say',
    async check({ storage }) {
      await write(storage, at('a', 1_000), at('b', 2_000, 5_000), at('c', 3_000, 6_000), at('d', 3_000.5, 6_000.5));
      assert.equal(await found(storage, { kind: 'bearer' }), 'b');
      assert.equal(await found(storage, { kind: 'Bearer' }), '');
      assert.equal(await found(storage, { createdFrom: 2_000 }), 'b c d');
      assert.equal(await found(storage, { createdTo: 3_000 }), 'a b c');
      assert.equal(await found(storage, { createdFrom: 2_001, createdTo: 3_000 }), 'c');
      assert.equal(await found(storage, { expiresBefore: 6_000 }), 'b');
      assert.equal(await found(storage, { expiresBefore: 6_000.25 }), 'b c');
      assert.equal(await found(storage, { expiresBefore: 8.64e15 }), 'b c d');
      assert.equal(await found(storage, { kind: 'api-key', createdFrom: 1_000, expiresBefore: 7_000 }), 'c d');
    },
  },
  {
    name: 'what is not sealed with a key is found by any of its versions',
    async check({ storage }) {
      await write(
        storage,
        sealed('a', 'new'),
        sealed('b', 'new', 'new', 'new'),
        sealed('c', 'new', 'old'),
        sealed('d', 'old', 'new'),
        sealed('e', 'old'),
        sealed('f', 'ne'),
        sealed('g', 'newer'),
        sealed('h', 'older', 'new', 'old'),
      );
      assert.equal(await found(storage, { notSealedWith: 'new' }), 'c d e f g h');
      assert.equal(await found(storage, { notSealedWith: 'old' }), 'a b c d f g h');
      assert.equal(await found(storage, { notSealedWith: 'none' }), 'a b c d e f g h');
      assert.equal(await found(storage, { notSealedWith: 'new', within: 'org:acme', kind: 'bearer' }), '');
    },
  },
  {
    name: 'all filters together find what passes each of them, over pages and scopes',
    async check({ storage }) {
      const wanted: string[] = [];
      for (let index = 0; index < 60; index += 1) {
        const scope = SCOPES[index % SCOPES.length] ?? SCOPES[0];
        const [isTagged, isKind, isEarly] = [index % 2 === 0, index % 3 !== 0, index % 5 !== 0];
        const id = `n${String(index).padStart(2, '0')}`;
        const record = sampleRecord({
          scope,
          id,
          kind: isKind ? 'basic' : 'bearer',
          tags: isTagged ? { env: 'prod', index: String(index) } : { env: 'test' },
          createdAt: isEarly ? 1_000 : 9_000,
          current: sampleVersion({ keyId: 'old', expiresAt: 5_000 }),
        });
        await write(storage, record);
        if (isTagged && isKind && isEarly && covers('org:acme', scope)) wanted.push(`${scope} ${id}`);
      }
      const query: StorageQuery = {
        tenant: 'acme',
        within: 'org:acme',
        tags: { env: 'prod' },
        kind: 'basic',
        createdFrom: 500,
        createdTo: 1_500,
        expiresBefore: 5_001,
        notSealedWith: 'new',
        limit: 2,
      };
      const places = placesOf(await listAll(storage, query));
      assert.deepEqual(places, wanted.toSorted());
      assert.deepEqual(placesOf(await listAll(storage, { ...query, limit: 100 })), places);
    },
  },
];

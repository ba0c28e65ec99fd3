import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError, currentContext, runAs, runInContext } from '@tenon/core';
import type { CredentialStorage, StoredCredential } from '@tenon/credentials';
import { keyValueStorage } from '@tenon/credentials/drivers/key-value';
import { describeCredentialStorage, sampleRecord, sampleVersion } from '@tenon/credentials/testing';
import { openTestDatabase } from '@tenon/database/testing';
import { namespace, type KeyValueStore, type KvErrorCode } from '@tenon/kv';
import { createDiskStore } from '@tenon/kv/drivers/disk';
import { createMemoryStore } from '@tenon/kv/drivers/memory';
import { createPostgresStore, kvMigrations } from '@tenon/kv/drivers/postgres';
import { createRedisStore } from '@tenon/kv/drivers/redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interceptStore, type StoreCall } from './intercepted-store.ts';
import { compareWithModel } from './storage-model.ts';

const options = { signal: new AbortController().signal };
const twice = (first: KeyValueStore, second: KeyValueStore = first) => ({
  storage: keyValueStorage({ store: first }),
  other: keyValueStorage({ store: second }),
});
const create = (storage: CredentialStorage, record: StoredCredential): Promise<boolean> =>
  storage.put({ record, expectedRevision: 0 }, options);
const idsIn = async (storage: CredentialStorage, more: object = {}): Promise<readonly string[]> =>
  (await storage.list({ tenant: 'acme', limit: 1_000, ...more }, options)).items.map(({ key }) => key.id);

const shared = { describe, it, isShared: true };

describeCredentialStorage('the key-value storage on memory', () => twice(createMemoryStore()), shared);

describe('on a file of SQLite', () => {
  let folder: string;
  let files = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-credentials-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const open = () => {
    const file = join(folder, `store-${(files += 1)}.sqlite`);
    return twice(createDiskStore({ file }), createDiskStore({ file }));
  };
  describeCredentialStorage('the key-value storage', open, shared);
});

describe('on a table of PostgreSQL', () => {
  it('is made, read, listed and deleted like anywhere, in a tenant or in none', async () => {
    const test = await openTestDatabase('pglite', [kvMigrations()]);
    const storage = keyValueStorage({ store: createPostgresStore({ database: test.database }) });
    expect(await create(storage, sampleRecord())).toBe(true);
    await runAs({ tenant: 'acme' }, async () => {
      expect(await storage.get(sampleRecord().key, options)).toEqual(sampleRecord());
      expect(await idsIn(storage)).toEqual(['github']);
      expect(await storage.delete(sampleRecord().key, options)).toBe(true);
    });
    expect(await idsIn(storage)).toEqual([]);
    await test.drop();
  });

  it('gives up a read whose own deadline has passed, and no write whose caller is gone', async () => {
    const test = await openTestDatabase('pglite', [kvMigrations()]);
    const storage = keyValueStorage({ store: createPostgresStore({ database: test.database }) });
    const aborted = AbortSignal.abort(new Error('gone'));
    await runAs({ tenant: 'acme' }, async () => {
      await expect(storage.get(sampleRecord().key, { signal: aborted })).rejects.toMatchObject({
        code: 'CREDENTIAL_ABORTED',
      });
      expect(await create(storage, sampleRecord())).toBe(true);
    });
    await test.drop();
  });
});

const redisUrl = process.env['TENON_TEST_REDIS_URL'];
describe.skipIf(redisUrl === undefined)('on Redis (skipped without TENON_TEST_REDIS_URL)', () => {
  const prefix = `tenon-test:${randomBytes(6).toString('hex')}:`;
  let redis: Redis;
  const stores: KeyValueStore[] = [];
  let opened = 0;
  beforeAll(() => {
    redis = new Redis(redisUrl ?? '');
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.del(keys);
    await redis.quit();
  });

  const open = () => {
    const keyPrefix = `${prefix}${(opened += 1)}:`;
    const [first, second] = [
      createRedisStore({ client: redis, keyPrefix }),
      createRedisStore({ client: redis, keyPrefix }),
    ];
    stores.push(first, second);
    return twice(first, second);
  };
  describeCredentialStorage('the key-value storage', open, shared);
});

describe('the key-value storage', () => {
  it('gives the answers of the model for random operations', async () => {
    await expect(compareWithModel(() => keyValueStorage({ store: createMemoryStore() }), 150)).resolves.toBeUndefined();
  });

  it('is shared, and leaves the store open when it is closed', async () => {
    const store = createMemoryStore();
    const storage = keyValueStorage({ store });
    expect(storage).toMatchObject({ name: 'key-value', isShared: true });
    await create(storage, sampleRecord());
    await storage.close();
    expect(await idsIn(keyValueStorage({ store }))).toEqual(['github']);
  });

  it('takes the longest keys, in a namespace with the longest prefix', async () => {
    const store = namespace(createMemoryStore(), 'n'.repeat(64));
    const storage = keyValueStorage({ store });
    const tenant = 't'.repeat(64);
    for (const length of [200, 250, 300, 350, 400, 510]) {
      const record = sampleRecord({
        tenant,
        scope: `s:${'s'.repeat(length)}`,
        id: 'i'.repeat(Math.min(length / 2, 255)),
      });
      expect(await create(storage, record)).toBe(true);
      expect(await storage.get(record.key, options)).toEqual(record);
    }
    expect((await storage.list({ tenant, limit: 10 }, options)).items).toHaveLength(6);
  });

  it('gives the store its signal with the context, and keeps the rest of that', async () => {
    const seen = new Set<unknown>();
    const store = interceptStore(
      createMemoryStore(),
      () => void seen.add(currentContext()?.signal).add(currentContext()?.actor),
    );
    const actor = { type: 'system', id: 'test' } as const;
    await runInContext({ tenant: 'acme', actor, signal: AbortSignal.abort() }, async () => {
      const storage = keyValueStorage({ store });
      await create(storage, sampleRecord());
      await idsIn(storage);
      await storage.delete(sampleRecord().key, options);
    });
    expect([...seen]).toEqual([options.signal, actor]);
  });

  it('reports a value that is not the record of its key', async () => {
    const store = createMemoryStore();
    const storage = keyValueStorage({ store });
    await create(storage, sampleRecord({ id: 'a' }));
    await create(storage, sampleRecord({ id: 'b' }));
    const value = await store.get('credential:acme|org:acme|a');
    for (const bytes of [value, Buffer.from('torn'), Buffer.from('')]) {
      await store.set('credential:acme|org:acme|b', bytes ?? new Uint8Array());
      await expect(storage.get(sampleRecord({ id: 'b' }).key, options)).rejects.toMatchObject({
        code: 'CREDENTIAL_STORAGE_CORRUPT',
        details: { id: 'b', scope: 'org:acme' },
      });
    }
    expect(await storage.delete(sampleRecord({ id: 'b' }).key, options)).toBe(true);
    expect(await idsIn(storage)).toEqual(['a']);
  });

  it('reads a page of a long list without reading all of the list', async () => {
    const calls: StoreCall[] = [];
    const inner = createMemoryStore();
    const filling = keyValueStorage({ store: inner });
    const ids = Array.from({ length: 2_000 }, (_, index) => `id-${10_000 + ((index * 7_919) % 2_003)}`);
    for (const id of ids) await create(filling, sampleRecord({ id }));
    const storage = keyValueStorage({ store: interceptStore(inner, (call) => void calls.push(call)) });
    const expected = ids.toSorted();
    const after = { scope: 'org:acme', id: expected[1_500] ?? '' };
    expect(await idsIn(storage, { after, limit: 20 })).toEqual(expected.slice(1_501, 1_521));
    // The hints, one part of the list or two, the records, and some of a window that is read side by side.
    expect(calls.length).toBeLessThan(40);
    calls.length = 0;
    await create(storage, sampleRecord({ id: 'id-11500-new' }));
    expect(calls.length).toBeLessThanOrEqual(5);
  });

  it('leaves nothing in its list of those who lost, or of what is gone', async () => {
    const store = createMemoryStore();
    const several = [1, 2, 3].map(() => keyValueStorage({ store }));
    const won = await Promise.all(several.flatMap((one) => [1, 2].map(() => create(one, sampleRecord()))));
    expect(won.filter(Boolean)).toHaveLength(1);
    const written = async (): Promise<unknown> =>
      JSON.parse(Buffer.from((await store.get('credential-index:acme')) ?? []).toString());
    expect(await written()).toEqual({ entries: [['org:acme', 'github', expect.any(String)]] });
    expect(await several[1]?.delete(sampleRecord().key, options)).toBe(true);
    expect(await written()).toEqual({ entries: [] });
  });

  it('reads alone to find that there is one already', async () => {
    const calls: StoreCall[] = [];
    const storage = keyValueStorage({ store: interceptStore(createMemoryStore(), (call) => void calls.push(call)) });
    await create(storage, sampleRecord());
    calls.length = 0;
    expect(await create(storage, sampleRecord())).toBe(false);
    expect(calls).toEqual([{ operation: 'get', key: 'credential:acme|org:acme|github' }]);
  });

  it('finds everything without its hints, and makes them anew', async () => {
    const calls: StoreCall[] = [];
    const inner = createMemoryStore();
    const storage = keyValueStorage({ store: interceptStore(inner, (call) => void calls.push(call)) });
    const ids = Array.from({ length: 600 }, (_, index) => `id-${10_000 + index}`);
    for (const id of ids) await create(storage, sampleRecord({ id }));
    for (const damaged of [undefined, '[]', 'torn', '[["credential-index:acme","",""]]']) {
      if (damaged === undefined) await inner.delete('credential-index:acme|hints');
      else await inner.set('credential-index:acme|hints', Buffer.from(damaged));
      expect(await idsIn(storage)).toEqual(ids);
      const last = sampleRecord({ id: 'id-10600' });
      await create(storage, last);
      await storage.delete(last.key, options);
      calls.length = 0;
      expect(await idsIn(storage, { after: { scope: 'org:acme', id: 'id-10598' } })).toEqual(['id-10599']);
      expect(calls.length).toBeLessThanOrEqual(4);
    }
  });

  it('says when its list is damaged, and still reads and replaces by key', async () => {
    const store = createMemoryStore();
    const storage = keyValueStorage({ store });
    await create(storage, sampleRecord());
    const corrupt = { code: 'CREDENTIAL_STORAGE_CORRUPT', details: { tenant: 'acme' } };
    for (const damaged of ['torn', '{}', '{"entries":[["org:acme"]]}', '{"entries":[],"next":["gone","org:a","a"]}']) {
      await store.set('credential-index:acme', Buffer.from(damaged));
      await expect(idsIn(storage), damaged).rejects.toMatchObject(corrupt);
      await expect(create(storage, sampleRecord({ id: 'new' }))).rejects.toMatchObject(corrupt);
    }
    expect(await storage.get(sampleRecord().key, options)).toEqual(sampleRecord());
    expect(await storage.put({ record: sampleRecord({ revision: 2 }), expectedRevision: 1 }, options)).toBe(true);
    expect(await storage.delete(sampleRecord().key, options)).toBe(true);
  });
});

describe('a key-value store that fails', () => {
  const failing = (code: KvErrorCode) =>
    new CodedError(code, 'failed on purpose', { retryable: true, retryAfterMs: 7 });
  /** Fails the nth call from now, before or after it is made. */
  const open = async (error: Error, nth: number, when: 'before' | 'after') => {
    const inner = createMemoryStore();
    await create(keyValueStorage({ store: inner }), sampleRecord({ id: 'old' }));
    let count = 0;
    const fail = (at: 'before' | 'after') => {
      if (at === 'before') count += 1;
      if (count === nth && at === when) throw error;
    };
    const store = interceptStore(
      inner,
      () => fail('before'),
      () => fail('after'),
    );
    return { storage: keyValueStorage({ store }), inner };
  };
  const replace = (storage: CredentialStorage) =>
    storage.put({ record: sampleRecord({ id: 'old', revision: 2 }), expectedRevision: 1 }, options);
  const deleteOld = (storage: CredentialStorage) => storage.delete(sampleRecord({ id: 'old' }).key, options);
  const createNew = (storage: CredentialStorage) => create(storage, sampleRecord({ id: 'new' }));
  const works = { replace, delete: deleteOld, create: createNew } as const;
  // Of creating: the record, the hints, the part of the list, that part written; then the record.
  const change = { replace: 2, delete: 2, create: 5 } as const;

  it.each(['replace', 'delete', 'create'] as const)(
    'before the change itself leaves a %s UNAVAILABLE, to be tried again',
    async (name) => {
      for (let nth = 1; nth < change[name]; nth += 1) {
        for (const code of ['KV_UNAVAILABLE', 'KV_FULL'] as const) {
          for (const when of ['before', 'after'] as const) {
            const { storage } = await open(failing(code), nth, when);
            await expect(works[name](storage), `${nth} ${code}`).rejects.toMatchObject({
              code: 'CREDENTIAL_STORAGE_UNAVAILABLE',
              retryable: true,
              retryAfterMs: 7,
              details: { scope: 'org:acme' },
              cause: { code },
            });
            expect(await works[name](storage)).toBe(true);
            expect(await idsIn(storage)).toEqual({ replace: ['old'], delete: [], create: ['new', 'old'] }[name]);
          }
        }
      }
    },
  );

  it.each(['replace', 'delete', 'create'] as const)(
    'in the middle of the change leaves the outcome of a %s unknown',
    async (name) => {
      for (const code of ['KV_UNAVAILABLE', 'KV_ABORTED'] as const) {
        for (const when of ['before', 'after'] as const) {
          const { storage } = await open(failing(code), change[name], when);
          await expect(works[name](storage)).rejects.toMatchObject({
            code: 'CREDENTIAL_OUTCOME_UNKNOWN',
            retryable: false,
            details: { id: name === 'create' ? 'new' : 'old', scope: 'org:acme' },
          });
          // Whatever came of it, it is in the list if it is there.
          expect(await works[name](storage)).toBe(when === 'before');
          expect(await idsIn(storage)).toEqual({ replace: ['old'], delete: [], create: ['new', 'old'] }[name]);
        }
      }
    },
  );

  it('without room for the change has changed nothing', async () => {
    for (const name of ['replace', 'create'] as const) {
      const { storage } = await open(failing('KV_FULL'), change[name], 'before');
      await expect(works[name](storage)).rejects.toMatchObject({ code: 'CREDENTIAL_STORAGE_UNAVAILABLE' });
      expect(await works[name](storage)).toBe(true);
    }
  });

  it('after the change is of no account', async () => {
    for (const nth of [3, 4, 5]) {
      const { storage } = await open(failing('KV_UNAVAILABLE'), nth, 'before');
      expect(await deleteOld(storage)).toBe(true);
      expect(await idsIn(storage)).toEqual([]);
      expect(await create(storage, sampleRecord({ id: 'old' }))).toBe(true);
      expect(await idsIn(storage)).toEqual(['old']);
    }
  });

  it.each([
    ['KV_UNAVAILABLE', 'CREDENTIAL_STORAGE_UNAVAILABLE'],
    ['KV_ABORTED', 'CREDENTIAL_ABORTED'],
    ['KV_CLOSED', 'CREDENTIALS_CLOSED'],
    ['KV_FAILED', 'KV_FAILED'],
  ] as const)('with %s is %s to who reads or lists', async (code, expected) => {
    const read = await open(failing(code), 1, 'before');
    await expect(read.storage.get(sampleRecord().key, options)).rejects.toMatchObject({ code: expected });
    const list = await open(failing(code), 2, 'before');
    await expect(idsIn(list.storage)).rejects.toMatchObject({ code: expected });
  });

  it('says so when a record is larger than the store takes', async () => {
    const storage = keyValueStorage({ store: createMemoryStore({ maxValueBytes: 2_000 }) });
    const record = sampleRecord({ current: sampleVersion({ envelope: new Uint8Array(3_000) }) });
    await expect(create(storage, record)).rejects.toMatchObject({
      code: 'CREDENTIAL_TOO_LARGE',
      details: { id: 'github', scope: 'org:acme' },
    });
  });

  it('asks for nothing more once the caller has given up', async () => {
    const calls: StoreCall[] = [];
    const controller = new AbortController();
    const store = interceptStore(createMemoryStore(), (call) => {
      calls.push(call);
      if (calls.length === 3) controller.abort();
    });
    const storage = keyValueStorage({ store });
    await expect(
      storage.put({ record: sampleRecord(), expectedRevision: 0 }, { signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'CREDENTIAL_ABORTED' });
    expect(
      calls.filter(({ key, operation }) => operation === 'compareAndSet' && key.startsWith('credential:')),
    ).toEqual([]);
    expect(await storage.get(sampleRecord().key, options)).toBeUndefined();
  });
});

describe('the options of the key-value storage', () => {
  it.each([1_023, 67_108_865, 2_000.5])('refuse a maxRecordBytes of %d and name it', (maxRecordBytes) => {
    expect(() => keyValueStorage({ store: createMemoryStore(), maxRecordBytes })).toThrow(
      expect.objectContaining({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option: 'maxRecordBytes' } }),
    );
  });

  it('maxRecordBytes refuses what is larger, and reads what was larger already', async () => {
    const store = createMemoryStore();
    const large = sampleRecord({ current: sampleVersion({ envelope: new Uint8Array(3_000) }) });
    expect(await create(keyValueStorage({ store }), large)).toBe(true);
    const storage = keyValueStorage({ store, maxRecordBytes: 4_000 });
    expect(await storage.get(large.key, options)).toEqual(large);
    await expect(
      storage.put({ record: { ...large, revision: 2 }, expectedRevision: 1 }, options),
    ).rejects.toMatchObject({ code: 'CREDENTIAL_TOO_LARGE', details: { maxBytes: 4_000 } });
    expect(await storage.put({ record: sampleRecord({ revision: 2 }), expectedRevision: 1 }, options)).toBe(true);
  });
});

import { createTestClock } from '@tenon/core/testing';
import type { CredentialStorage } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import {
  describeCredentialStorage,
  sampleRecord,
  scriptedStorage,
  type ScriptedBehaviour,
  type StorageOperation,
} from '@tenon/credentials/testing';
import { describe, expect, it } from 'vitest';

const options = { signal: new AbortController().signal };
const record = sampleRecord();
const create = { record, expectedRevision: 0 };
const query = { tenant: 'acme', limit: 10 };

/** The memory storage, one by one as a batch. */
function batchedMemory(): CredentialStorage {
  const inner = memoryStorage();
  return {
    ...inner,
    batch: {
      get: (keys, given) => Promise.all(keys.map((key) => inner.get(key, given))),
      put: async (changes, given) => {
        // Of the wrong form: the inner one refuses it, before any other is written.
        const wrong = changes.find(({ record: one }) => !Number.isFinite(one.createdAt));
        if (wrong !== undefined) await inner.put(wrong, given);
        return Promise.all(changes.map((change) => inner.put(change, given)));
      },
      delete: (keys, given) => Promise.all(keys.map((key) => inner.delete(key, given))),
    },
  };
}

const calls: Readonly<Record<StorageOperation, (storage: CredentialStorage) => Promise<unknown> | undefined>> = {
  get: (storage) => storage.get(record.key, options),
  put: (storage) => storage.put(create, options),
  delete: (storage) => storage.delete(record.key, options),
  list: (storage) => storage.list(query, options),
  getMany: (storage) => storage.batch?.get([record.key], options),
  putMany: (storage) => storage.batch?.put([create], options),
  deleteMany: (storage) => storage.batch?.delete([record.key], options),
};
const operations = Object.keys(calls) as StorageOperation[];

describeCredentialStorage(
  'a scripted storage without a script',
  () => ({ storage: scriptedStorage(memoryStorage()) }),
  {
    describe,
    it,
  },
);
describeCredentialStorage(
  'a scripted storage over one with batches',
  () => ({ storage: scriptedStorage(batchedMemory()) }),
  { describe, it, hasBatches: true },
);

describe('a scripted storage', () => {
  it('records each call with a copy of what was asked', async () => {
    const storage = scriptedStorage(batchedMemory());
    for (const operation of operations) await calls[operation](storage);
    expect(storage.calls).toEqual([
      { operation: 'get', asked: record.key, signal: options.signal },
      { operation: 'put', asked: create, signal: options.signal },
      { operation: 'delete', asked: record.key, signal: options.signal },
      { operation: 'list', asked: query, signal: options.signal },
      { operation: 'getMany', asked: [record.key], signal: options.signal },
      { operation: 'putMany', asked: [create], signal: options.signal },
      { operation: 'deleteMany', asked: [record.key], signal: options.signal },
    ]);
    expect(storage.calls[0]?.asked).not.toBe(record.key);
    storage.reset();
    expect(storage.calls).toEqual([]);
  });

  it.each(operations)('fails the calls of %s that it is told to, with what it is told', async (operation) => {
    const storage = scriptedStorage(batchedMemory());
    const error = new Error('down');
    storage.script(operation, { fail: error }, { from: 2, times: 2 });
    const outcomes: unknown[] = [];
    for (let call = 1; call <= 4; call += 1) {
      outcomes.push(
        await calls[operation](storage)?.then(
          () => 'done',
          (thrown: unknown) => thrown,
        ),
      );
    }
    expect(outcomes).toEqual(['done', error, error, 'done']);
  });

  it('fails before a change is made, or after it', async () => {
    const storage = scriptedStorage(memoryStorage());
    storage.script('put', { fail: new Error('before') });
    storage.script('put', { fail: new Error('after'), when: 'after' }, { from: 2 });
    await expect(calls.put(storage)).rejects.toThrow('before');
    expect(await calls.get(storage)).toBeUndefined();
    await expect(calls.put(storage)).rejects.toThrow('after');
    expect(await calls.get(storage)).toEqual(record);
    expect(await calls.put(storage)).toBe(false);
  });

  it('counts from when it is told, and forgets its scripts when it is reset', async () => {
    const storage = scriptedStorage(memoryStorage());
    await calls.get(storage);
    storage.script('get', { fail: new Error('down') }, { times: Infinity });
    await expect(calls.get(storage)).rejects.toThrow('down');
    await expect(calls.get(storage)).rejects.toThrow('down');
    expect(await calls.delete(storage)).toBe(false);
    storage.reset();
    expect(await calls.get(storage)).toBeUndefined();
  });

  it('delays on its clock', async () => {
    const clock = createTestClock();
    const storage = scriptedStorage(memoryStorage(), { clock });
    storage.script('put', { delayMs: 500 });
    let answer: unknown = 'none yet';
    const writing = calls.put(storage)?.then((given) => (answer = given));
    await clock.advance(499);
    expect(answer).toBe('none yet');
    await clock.advance(1);
    await writing;
    expect(answer).toBe(true);
    expect(clock.pending()).toBe(0);
  });

  it('hangs for ever, also when it is told to stop', async () => {
    const storage = scriptedStorage(memoryStorage());
    storage.script('get', { hang: true } satisfies ScriptedBehaviour);
    const controller = new AbortController();
    const hanging = storage.get(record.key, { signal: controller.signal });
    controller.abort();
    const first = await Promise.race([hanging, new Promise((resolve) => setImmediate(() => resolve('still hanging')))]);
    expect(first).toBe('still hanging');
  });

  it('holds a call up until it is released, and no other', async () => {
    const storage = scriptedStorage(memoryStorage());
    const held = storage.hold('put');
    const writing = calls.put(storage);
    await held.reached;
    expect(await calls.get(storage)).toBeUndefined();
    expect(await storage.put({ record: sampleRecord({ id: 'other' }), expectedRevision: 0 }, options)).toBe(true);
    held.release();
    expect(await writing).toBe(true);
    expect(await calls.get(storage)).toEqual(record);
  });

  it('says of itself what it is told to, or what the inner one says', () => {
    expect(scriptedStorage(memoryStorage())).toMatchObject({ name: 'memory', isShared: false });
    expect(scriptedStorage(memoryStorage(), { isShared: true }).isShared).toBe(true);
    expect(scriptedStorage(batchedMemory()).batch).toBeDefined();
    expect(scriptedStorage(batchedMemory(), { hasBatches: false }).batch).toBeUndefined();
  });
});

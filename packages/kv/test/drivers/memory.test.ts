import { createTestClock } from '@tenon/core/testing';
import { createMemoryStore } from '@tenon/kv/drivers/memory';
import { keyValueStoreContract, type StoreRequest, type StoreUnderTest } from '@tenon/kv/testing';
import { describe, expect, it } from 'vitest';
import { compareWithModel } from './store-model.ts';

function open(request: StoreRequest = {}): Promise<StoreUnderTest> {
  const clock = createTestClock();
  return Promise.resolve({ store: createMemoryStore({ clock, ...request }), advance: (ms) => clock.advance(ms) });
}

const bytes = Uint8Array.of(1, 2, 3, 4);

describe('the memory store keeps the contract', () => {
  it.each(keyValueStoreContract(open, false))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it('gives the answers of the model for random operations', async () => {
    await expect(compareWithModel(await open(), 200)).resolves.toBeUndefined();
  });
});

describe('the memory store is bounded', () => {
  it('refuses a new key beyond maxEntries, retryably, and still replaces what it has', async () => {
    const store = createMemoryStore({ maxEntries: 2 });
    await store.set('a', bytes);
    await store.set('b', bytes);
    await expect(store.set('c', bytes)).rejects.toMatchObject({ code: 'KV_FULL', retryable: true });
    await expect(store.setIfAbsent('c', bytes)).rejects.toMatchObject({ code: 'KV_FULL' });
    await store.set('a', Uint8Array.of(9));
    expect(await store.get('a')).toEqual(Uint8Array.of(9));
    await store.delete('b');
    expect(await store.setIfAbsent('c', bytes)).toBe(true);
  });

  it('counts the bytes of keys and values against maxBytes', async () => {
    const store = createMemoryStore({ maxBytes: 1024 });
    await store.set('ä', new Uint8Array(1000));
    expect(store.byteCount()).toBe(1002);
    await expect(store.set('b', new Uint8Array(22))).rejects.toMatchObject({ code: 'KV_FULL' });
    await store.set('b', new Uint8Array(21));
    expect(store.byteCount()).toBe(1024);
    await store.set('ä', new Uint8Array(1));
    await store.delete('b');
    expect(store.byteCount()).toBe(3);
  });

  it('keeps the old value when the new one does not fit', async () => {
    const store = createMemoryStore({ maxBytes: 1024 });
    await store.set('a', bytes);
    await expect(store.compareAndSet('a', bytes, new Uint8Array(2000))).rejects.toMatchObject({ code: 'KV_FULL' });
    expect(await store.get('a')).toEqual(bytes);
  });

  it('makes room by dropping expired values that nobody asked for', async () => {
    const clock = createTestClock();
    const store = createMemoryStore({ clock, maxEntries: 1000 });
    for (let index = 0; index < 1000; index += 1) await store.set(`old-${index}`, bytes, { ttlMs: 1000 + index });
    await clock.advance(1500);
    for (let index = 0; index <= 500; index += 1) await store.set(`new-${index}`, bytes);
    await expect(store.set('one more', bytes)).rejects.toMatchObject({ code: 'KV_FULL' });
    await clock.advance(1);
    await store.set('one more', bytes);
    expect(store.entryCount()).toBe(1000);
  });

  it('sweeps a few expired values at each write, long before it is full', async () => {
    const clock = createTestClock();
    const store = createMemoryStore({ clock });
    for (let index = 0; index < 1000; index += 1) await store.set(`old-${index}`, bytes, { ttlMs: 1000 });
    await clock.advance(1000);
    for (let index = 0; index < 400; index += 1) await store.set('same', bytes);
    expect(store.entryCount()).toBe(1);
    expect(store.byteCount()).toBe(8);
    expect(clock.pending()).toBe(0);
  });

  it('is not misled by a change of the wall clock', async () => {
    const clock = createTestClock();
    const store = createMemoryStore({ clock });
    await store.set('a', bytes, { ttlMs: 1000 });
    clock.setNow(clock.now() + 86_400_000);
    expect(await store.get('a')).toEqual(bytes);
    clock.setNow(0);
    await clock.advance(1000);
    expect(await store.get('a')).toBeUndefined();
  });

  it.each(['maxEntries', 'maxBytes', 'maxValueBytes'] as const)('refuses a wrong %s and names it', (option) => {
    for (const value of [0, -1, 1.5, Number.NaN, 1e15]) {
      expect(() => createMemoryStore({ [option]: value })).toThrow(
        expect.objectContaining({ code: 'KV_OPTIONS_INVALID', details: { option } }),
      );
    }
  });
});

import type { KeyValueStore } from '../key-value-store.ts';
import { assertHolds, assertRefused, bytesOf, type ContractRule } from './contract-check.ts';

const one = bytesOf('one');

function callsWithKey(store: KeyValueStore, key: string): readonly (() => Promise<unknown>)[] {
  return [
    () => store.get(key),
    () => store.set(key, one),
    () => store.delete(key),
    () => store.setIfAbsent(key, one),
    () => store.compareAndSet(key, undefined, one),
  ];
}

function callsWithValue(store: KeyValueStore, value: Uint8Array): readonly (() => Promise<unknown>)[] {
  return [
    () => store.set('key', value),
    () => store.setIfAbsent('absent', value),
    () => store.compareAndSet('key', value, one),
    () => store.compareAndSet('key', one, value),
  ];
}

/** What is refused, and what closing means. */
export const argumentRules: readonly ContractRule[] = [
  {
    name: 'a key that is empty, too long, holds NUL or is no Unicode text is refused by each operation',
    async check({ store }) {
      const wrong = ['', 'k'.repeat(513), 'é'.repeat(257), 'a\0b', '\ud800', 7 as never];
      for (const key of wrong) {
        for (const call of callsWithKey(store, key)) await assertRefused('KV_KEY_INVALID', call);
      }
    },
  },
  {
    name: 'a value over the limit is refused, one of the limit is kept',
    request: { maxValueBytes: 1000 },
    async check({ store }) {
      const limit = new Uint8Array(1000).fill(7);
      await store.set('key', limit);
      await assertHolds(store, 'key', limit);
      for (const call of callsWithValue(store, new Uint8Array(1001))) await assertRefused('KV_VALUE_INVALID', call);
      await assertHolds(store, 'key', limit);
      await assertHolds(store, 'absent', undefined);
    },
  },
  {
    name: 'a value that is not bytes is refused',
    async check({ store }) {
      for (const call of callsWithValue(store, 'text' as never)) {
        await assertRefused('KV_VALUE_INVALID', call);
      }
      for (const call of [
        () => store.set('key', undefined as never),
        () => store.setIfAbsent('key', undefined as never),
      ]) {
        await assertRefused('KV_VALUE_INVALID', call);
      }
      await assertHolds(store, 'key', undefined);
    },
  },
  {
    name: 'a time limit that is no whole number of milliseconds above zero is refused, and nothing is written',
    async check({ store }) {
      for (const ttlMs of [0, -1, 0.5, Number.NaN, Infinity, 3_155_760_000_001, '5' as never]) {
        await assertRefused('KV_TTL_INVALID', () => store.set('key', one, { ttlMs }));
        await assertRefused('KV_TTL_INVALID', () => store.setIfAbsent('key', one, { ttlMs }));
        await assertRefused('KV_TTL_INVALID', () => store.compareAndSet('key', undefined, one, { ttlMs }));
      }
      await assertHolds(store, 'key', undefined);
    },
  },
  {
    name: 'a closed store closes again, and refuses every operation',
    async check({ store }) {
      await store.set('key', one);
      await store.close();
      await store.close();
      for (const call of callsWithKey(store, 'key')) await assertRefused('KV_CLOSED', call);
    },
  },
];

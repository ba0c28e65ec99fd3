import assert from 'node:assert/strict';
import { assertHolds, bytesOf, type ContractRule } from './contract-check.ts';

const one = bytesOf('one');
const two = bytesOf('two');
// Where the server's own clock runs on during a check, these leave it time: nothing here comes nearer than 10 s to a limit.
const TTL_MS = 60_000;
const NEARLY_MS = 50_000;

/** Time limits. */
export const expiryRules: readonly ContractRule[] = [
  {
    name: 'a value is there until its time limit and gone after it',
    async check({ store, advance }) {
      await store.set('key', one, { ttlMs: TTL_MS });
      await advance(NEARLY_MS);
      await assertHolds(store, 'key', one);
      await advance(TTL_MS - NEARLY_MS);
      await assertHolds(store, 'key', undefined);
    },
  },
  {
    name: 'each way to write takes a time limit',
    async check({ store, advance }) {
      assert.equal(await store.setIfAbsent('absent', one, { ttlMs: TTL_MS }), true);
      assert.equal(await store.compareAndSet('compared', undefined, one, { ttlMs: TTL_MS }), true);
      await store.set('replaced', one);
      assert.equal(await store.compareAndSet('replaced', one, two, { ttlMs: TTL_MS }), true);
      await advance(NEARLY_MS);
      await assertHolds(store, 'absent', one);
      await assertHolds(store, 'compared', one);
      await assertHolds(store, 'replaced', two);
      await advance(TTL_MS - NEARLY_MS);
      for (const key of ['absent', 'compared', 'replaced']) await assertHolds(store, key, undefined);
    },
  },
  {
    name: 'an expired value is absent to every operation',
    async check({ store, advance }) {
      const keys = ['deleted', 'taken', 'expected', 'wanted absent', 'removed absent'] as const;
      for (const key of keys) await store.set(key, one, { ttlMs: TTL_MS });
      await advance(TTL_MS);
      assert.equal(await store.delete('deleted'), false);
      assert.equal(await store.setIfAbsent('taken', two), true);
      assert.equal(await store.compareAndSet('expected', one, two), false);
      assert.equal(await store.compareAndSet('expected', one, undefined), false);
      assert.equal(await store.compareAndSet('wanted absent', undefined, two), true);
      assert.equal(await store.compareAndSet('removed absent', undefined, undefined), true);
      await assertHolds(store, 'taken', two);
      await assertHolds(store, 'expected', undefined);
      await assertHolds(store, 'wanted absent', two);
    },
  },
  {
    name: 'a write without a time limit ends the one before',
    async check({ store, advance }) {
      await store.set('set', one, { ttlMs: TTL_MS });
      await store.set('set', two);
      await store.set('compared', one, { ttlMs: TTL_MS });
      assert.equal(await store.compareAndSet('compared', one, two), true);
      await store.set('taken', one, { ttlMs: TTL_MS });
      await advance(TTL_MS);
      assert.equal(await store.setIfAbsent('taken', two), true);
      await advance(10 * TTL_MS);
      for (const key of ['set', 'compared', 'taken']) await assertHolds(store, key, two);
    },
  },
  {
    name: 'each write begins its time limit anew',
    async check({ store, advance }) {
      await store.set('key', one, { ttlMs: TTL_MS });
      await advance(NEARLY_MS);
      await store.set('key', one, { ttlMs: TTL_MS });
      await advance(NEARLY_MS);
      assert.equal(await store.compareAndSet('key', one, one, { ttlMs: TTL_MS }), true);
      await advance(NEARLY_MS);
      await assertHolds(store, 'key', one);
      await advance(TTL_MS - NEARLY_MS);
      await assertHolds(store, 'key', undefined);
    },
  },
  {
    name: 'a write that is not made changes no time limit',
    async check({ store, advance }) {
      await store.set('key', one, { ttlMs: TTL_MS });
      assert.equal(await store.setIfAbsent('key', two, { ttlMs: 10 * TTL_MS }), false);
      assert.equal(await store.compareAndSet('key', two, two), false);
      await advance(TTL_MS);
      await assertHolds(store, 'key', undefined);
    },
  },
  {
    name: 'a time limit of 100 years is one of 100 years',
    async check({ store, advance }) {
      await store.set('key', one, { ttlMs: 3_155_760_000_000 });
      await advance(3_155_000_000_000);
      await assertHolds(store, 'key', one);
    },
  },
];

import assert from 'node:assert/strict';
import { namespace } from '../namespace.ts';
import { assertHolds, bytesOf, type ContractRule } from './contract-check.ts';

const one = bytesOf('one');
const two = bytesOf('two');

/** What goes in comes out. */
export const valueRules: readonly ContractRule[] = [
  {
    name: 'a key that was never written has no value',
    async check({ store }) {
      assert.equal(await store.get('missing'), undefined);
      assert.equal(await store.delete('missing'), false);
    },
  },
  {
    name: 'a written value is read, replaced and deleted',
    async check({ store }) {
      await store.set('key', one);
      await assertHolds(store, 'key', one);
      await store.set('key', two);
      await assertHolds(store, 'key', two);
      assert.equal(await store.delete('key'), true);
      await assertHolds(store, 'key', undefined);
      assert.equal(await store.delete('key'), false);
    },
  },
  {
    name: 'an empty value is a value',
    async check({ store }) {
      const empty = new Uint8Array();
      await store.set('key', empty);
      await assertHolds(store, 'key', empty);
      assert.equal(await store.setIfAbsent('key', one), false);
      assert.equal(await store.compareAndSet('key', undefined, one), false);
      assert.equal(await store.compareAndSet('key', empty, one), true);
      assert.equal(await store.compareAndSet('key', one, empty), true);
      assert.equal(await store.delete('key'), true);
    },
  },
  {
    name: 'every byte comes back as it was, text or not',
    async check({ store }) {
      const all = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
      await store.set('all', all);
      await assertHolds(store, 'all', all);
      assert.equal(await store.compareAndSet('all', all, all.toReversed()), true);
      await assertHolds(store, 'all', all.toReversed());
      assert.equal(await store.setIfAbsent('absent', all), true);
      await assertHolds(store, 'absent', all);
    },
  },
  {
    name: 'a value of 1 MiB comes back whole through each operation',
    async check({ store }) {
      const big = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => (index * 31) % 251);
      const other = big.toReversed();
      await store.set('big', big);
      await assertHolds(store, 'big', big);
      assert.equal(await store.compareAndSet('big', other, one), false);
      assert.equal(await store.compareAndSet('big', big, other), true);
      await assertHolds(store, 'big', other);
    },
  },
  {
    name: 'a value of the default limit of 16 MiB is kept',
    async check({ store }) {
      const limit = new Uint8Array(16 * 1024 * 1024).fill(0xa5);
      limit[limit.length - 1] = 0;
      await store.set('limit', limit);
      await assertHolds(store, 'limit', limit);
    },
  },
  {
    name: 'keys are compared byte by byte, in any script',
    async check({ store }) {
      // Composed and decomposed é, both cases, trailing space, wildcards of SQL and Redis, astral characters.
      const keys = [
        '\u00e9',
        'e\u0301',
        'E',
        'e',
        'e ',
        'e%',
        'e*',
        'e_',
        'e:',
        'ключ',
        '鍵',
        '🗝️',
        "o'clock",
        'a\nb',
        'a\\b',
      ];
      for (const [index, key] of keys.entries()) await store.set(key, Uint8Array.of(index));
      for (const [index, key] of keys.entries()) await assertHolds(store, key, Uint8Array.of(index));
      assert.equal(await store.delete('e*'), true);
      await assertHolds(store, 'e', Uint8Array.of(3));
    },
  },
  {
    name: 'a key may have 512 bytes of UTF-8',
    async check({ store }) {
      for (const key of ['k'.repeat(512), 'é'.repeat(256)]) {
        await store.set(key, one);
        await assertHolds(store, key, one);
      }
    },
  },
  {
    name: 'neither the bytes given nor the bytes returned are shared with the store',
    async check({ store }) {
      const given = Buffer.from('one'); // a Buffer: its slice() shares memory, unlike the one of Uint8Array
      const writing = store.set('key', given);
      given.fill(0);
      await writing;
      const returned = await store.get('key');
      assert.deepEqual(Buffer.from(returned ?? []).toString(), 'one');
      returned?.fill(0);
      await assertHolds(store, 'key', one);
      const next = Buffer.from('two');
      const swapping = store.compareAndSet('key', one, next);
      next.fill(0);
      assert.equal(await swapping, true);
      await assertHolds(store, 'key', two);
    },
  },
  {
    name: 'namespaces with the same keys keep apart',
    async check({ store }) {
      const [left, right] = [namespace(store, 'left'), namespace(store, 'right')];
      await left.set('key', one);
      await assertHolds(right, 'key', undefined);
      assert.equal(await right.setIfAbsent('key', two), true);
      assert.equal(await right.delete('key'), true);
      await assertHolds(left, 'key', one);
      await assertHolds(store, 'left:key', one);
    },
  },
];

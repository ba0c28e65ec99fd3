import assert from 'node:assert/strict';
import type { KeyValueStore } from '../key-value-store.ts';
import { assertHolds, bytesOf, type ContractRule } from './contract-check.ts';

const one = bytesOf('one');
const two = bytesOf('two');
const CALLERS = 100;

/** Who wins. */
export const concurrencyRules: readonly ContractRule[] = [
  {
    name: 'compareAndSet changes only what the caller last saw',
    async check({ store }) {
      assert.equal(await store.compareAndSet('key', one, two), false);
      await assertHolds(store, 'key', undefined);
      assert.equal(await store.compareAndSet('key', undefined, undefined), true);
      assert.equal(await store.compareAndSet('key', undefined, one), true);
      assert.equal(await store.compareAndSet('key', undefined, two), false);
      assert.equal(await store.compareAndSet('key', undefined, undefined), false);
      assert.equal(await store.compareAndSet('key', two, one), false);
      assert.equal(await store.compareAndSet('key', bytesOf('on'), two), false);
      assert.equal(await store.compareAndSet('key', bytesOf('one '), two), false);
      await assertHolds(store, 'key', one);
      assert.equal(await store.compareAndSet('key', one, two), true);
      await assertHolds(store, 'key', two);
      assert.equal(await store.compareAndSet('key', one, undefined), false);
      await assertHolds(store, 'key', two);
      assert.equal(await store.compareAndSet('key', two, undefined), true);
      await assertHolds(store, 'key', undefined);
    },
  },
  {
    name: 'of 100 callers of setIfAbsent exactly one wins, and its value stays',
    async check({ store, other = store }) {
      const won = await Promise.all(
        Array.from({ length: CALLERS }, (_, caller) =>
          (caller % 2 === 0 ? store : other).setIfAbsent('key', Uint8Array.of(caller)),
        ),
      );
      assert.equal(won.filter(Boolean).length, 1);
      await assertHolds(store, 'key', Uint8Array.of(won.indexOf(true)));
    },
  },
  {
    name: 'of 100 callers who find the same expired value exactly one wins',
    async check({ store, other = store, advance }) {
      await store.set('key', one, { ttlMs: 60_000 });
      await advance(60_000);
      const won = await Promise.all(
        Array.from({ length: CALLERS }, (_, caller) =>
          caller % 2 === 0
            ? store.setIfAbsent('key', Uint8Array.of(caller))
            : other.compareAndSet('key', undefined, Uint8Array.of(caller)),
        ),
      );
      assert.equal(won.filter(Boolean).length, 1);
      await assertHolds(store, 'key', Uint8Array.of(won.indexOf(true)));
    },
  },
  {
    name: 'of 100 callers who delete or take away a value exactly one is told so',
    async check({ store, other = store }) {
      await store.set('key', one);
      const removed = await Promise.all(
        Array.from({ length: CALLERS }, (_, caller) =>
          caller % 2 === 0 ? store.delete('key') : other.compareAndSet('key', one, undefined),
        ),
      );
      assert.equal(removed.filter(Boolean).length, 1);
    },
  },
  {
    name: 'a counter over get and compareAndSet loses no increment',
    async check({ store, other = store }) {
      await Promise.all(Array.from({ length: 10 }, (_, caller) => countUp(caller % 2 === 0 ? store : other, 10)));
      assert.equal(Buffer.from((await store.get('counter')) ?? []).toString(), '100');
    },
  },
];

async function countUp(store: KeyValueStore, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const before = await store.get('counter');
    const next = Number(before === undefined ? 0 : Buffer.from(before).toString()) + 1;
    if (await store.compareAndSet('counter', before, bytesOf(String(next)))) done += 1;
  }
}

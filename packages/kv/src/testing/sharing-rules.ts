import assert from 'node:assert/strict';
import type { KeyValueStore } from '../key-value-store.ts';
import { assertHolds, bytesOf, type ContractRule, type StoreUnderTest } from './contract-check.ts';

const one = bytesOf('one');
const two = bytesOf('two');

function otherOf(tools: StoreUnderTest): KeyValueStore {
  assert.ok(tools.other !== undefined, 'a shared store must be opened twice: give "other"');
  return tools.other;
}

/** Two stores over the same values. */
export const sharingRules: readonly ContractRule[] = [
  {
    name: 'a second store over the same values sees each resolved write',
    async check(tools) {
      const { store } = tools;
      const other = otherOf(tools);
      await store.set('key', one);
      await assertHolds(other, 'key', one);
      assert.equal(await other.compareAndSet('key', one, two), true);
      await assertHolds(store, 'key', two);
    },
  },
  {
    name: 'closing one store leaves another one over the same values open',
    async check(tools) {
      const other = otherOf(tools);
      await tools.store.set('key', one);
      await tools.store.close();
      await assertHolds(other, 'key', one);
      assert.equal(await other.delete('key'), true);
    },
  },
];

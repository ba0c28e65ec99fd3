import { keyValueStorage } from '@tenon/credentials/drivers/key-value';
import { describeCredentialStorage } from '@tenon/credentials/testing';
import { createMemoryStore } from '@tenon/kv/drivers/memory';
import { describe, expect, it } from 'vitest';
import { compareWithModel } from './storage-model.ts';

function open() {
  const store = createMemoryStore();
  return { storage: keyValueStorage({ store }), other: keyValueStorage({ store }) };
}

describeCredentialStorage('the key-value storage on memory', open, { describe, it, isShared: true });

describe('the key-value storage', () => {
  it('gives the answers of the model for random operations', async () => {
    await expect(compareWithModel(() => open().storage, 150)).resolves.toBeUndefined();
  });
});

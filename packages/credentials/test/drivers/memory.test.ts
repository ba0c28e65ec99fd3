import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { describeCredentialStorage } from '@tenon/credentials/testing';
import { describe, expect, it } from 'vitest';
import { compareWithModel } from './storage-model.ts';

describeCredentialStorage('the memory storage', () => ({ storage: memoryStorage() }), { describe, it });

describe('the memory storage', () => {
  it('gives the answers of the model for random operations', async () => {
    await expect(compareWithModel(memoryStorage, 300)).resolves.toBeUndefined();
  });

  it('is of this process alone', () => {
    expect(memoryStorage()).toMatchObject({ name: 'memory', isShared: false });
  });
});

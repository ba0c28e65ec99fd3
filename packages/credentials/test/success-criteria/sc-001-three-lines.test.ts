import { apiKey, credentials } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { expect, it } from 'vitest';

it('a first credential is stored and read in three lines', async () => {
  const vault = credentials().storage(memoryStorage()).keys(KeyRing.generate()).tenant('main').build();
  await vault.store({ scope: 'org:acme', id: 'github' }, apiKey('ghp_1234'));
  const github = await vault.retrieve({ scope: 'org:acme', id: 'github' });
  expect(github?.secret.reveal()).toBe('ghp_1234');
});

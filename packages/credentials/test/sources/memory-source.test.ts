import { apiKey } from '@tenon/credentials';
import { CodedError } from '@tenon/core';
import { memorySource } from './support/memory-source.ts';
import { sourceContract } from './support/source-contract.ts';

sourceContract('memory', async () => {
  const source = memorySource();
  let version = 0;
  return {
    source,
    put(key, secret) {
      version += 1;
      source.put(key, apiKey(secret), { version: String(version) });
    },
    remove: (key) => source.remove(key),
    deny: (key) => source.deny(key),
    break: () =>
      source.before(() => {
        throw new CodedError('CREDENTIAL_STORAGE_UNAVAILABLE', 'down', { retryable: true });
      }),
    mend: () => source.before(() => undefined),
    hang: () =>
      new Promise((resolve) => {
        source.before(() => {
          resolve();
          return new Promise(() => undefined);
        });
      }),
    own: [],
    stop: () => source.close(),
  };
});

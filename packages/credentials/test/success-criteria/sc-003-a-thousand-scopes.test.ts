import { apiKey, credentials, type CredentialStorage, type CredentialVault } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { KeyRing } from '@tenon/crypto';
import { describeDrivers, openTestDatabase } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const COUNT = 1_000;
// org:t-1 is the beginning of org:t-10, and that of org:t-100.
const scopes = Array.from({ length: COUNT }, (_, at) => `org:t-${at}`);
const references = scopes.map((scope) => ({ scope, id: 'key' }));

describe.each(['memory', ...describeDrivers()])('1,000 scopes with the same id on %s', (driver) => {
  let vault: CredentialVault;
  let end: () => Promise<void> = () => Promise.resolve();
  beforeAll(async () => {
    let storage: CredentialStorage = memoryStorage();
    if (driver !== 'memory') {
      const test = await openTestDatabase(driver as 'pglite' | 'postgres', [credentialMigrations()]);
      storage = postgresStorage(test.database);
      end = () => test.drop();
    }
    vault = credentials().storage(storage).keys(KeyRing.generate()).tenant('main').build();
    const entries = references.map((reference) => ({ reference, material: apiKey(`of ${reference.scope}`) }));
    (await vault.storeMany(entries)).orThrow();
  });
  afterAll(async () => {
    await vault.close();
    await end();
  });

  it('are 1,000 credentials, each with its own value', async () => {
    const values = (await vault.retrieveMany(references)).orThrow().map((one) => one?.secret.reveal());
    expect(values).toEqual(scopes.map((scope) => `of ${scope}`));
  });

  it('list each what is theirs, and nothing of those whose names begin like theirs', async () => {
    for (const scope of scopes.filter((_, at) => at < 20 || at % 97 === 0)) {
      const { items } = await vault.within(scope).list();
      expect(items.map((item) => item.scope)).toEqual([scope]);
    }
  });

  it('read, judge and remove nothing of any other', async () => {
    for (const at of [1, 10, 99, 999]) {
      const view = vault.within(`org:t-${at}`);
      const others = references.filter((_, index) => index !== at);
      const read = await view.retrieveMany(others);
      expect(new Set(read.orThrow())).toEqual(new Set([undefined]));
      const judged = await view.validateMany(others);
      expect(new Set(judged.orThrow().map(({ status }) => status))).toEqual(new Set(['not-found']));
      const removed = await view.deleteMany(others);
      expect(new Set(removed.orThrow())).toEqual(new Set([false]));
      const stored = await view.storeMany(others.map((reference) => ({ reference, material: apiKey('overwritten') })));
      expect(stored).toMatchObject({ succeeded: 0, failed: COUNT - 1 });
    }
    const left = (await vault.retrieveMany(references)).orThrow().map((one) => one?.secret.reveal());
    expect(left).toEqual(scopes.map((scope) => `of ${scope}`));
  });
});

import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { describeCredentialStorage } from '@tenon/credentials/testing';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWithModel } from './storage-model.ts';

describe.each(describeDrivers())('on %s', (driver) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(driver, [credentialMigrations()]);
  });
  afterAll(() => test.drop());

  const emptied = async () => {
    await test.database.withSystem('test', (tx) => sql`delete from credentials`.execute(tx));
    return postgresStorage(test.database);
  };

  describeCredentialStorage(
    'the PostgreSQL storage',
    async () => ({ storage: await emptied(), other: postgresStorage(test.database) }),
    { describe, it, hasBatches: true, isShared: true },
  );

  it('gives the answers of the model for random operations', async () => {
    await expect(compareWithModel(emptied, 30)).resolves.toBeUndefined();
  });
});

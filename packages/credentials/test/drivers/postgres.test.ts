import { CodedError, currentContext, runAs } from '@tenon/core';
import type { CredentialStorage, StoredCredential } from '@tenon/credentials';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { describeCredentialStorage, fullRecord, sampleRecord, sampleVersion } from '@tenon/credentials/testing';
import {
  createDatabase,
  findUnprotectedTables,
  openDatabase,
  type Database,
  type DatabaseErrorCode,
} from '@tenon/database';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compareWithModel } from './storage-model.ts';

const options = { signal: new AbortController().signal };
const create = (storage: CredentialStorage, ...records: readonly StoredCredential[]): Promise<readonly boolean[]> =>
  Promise.all(records.map((record) => storage.put({ record, expectedRevision: 0 }, options)));

describe.each(describeDrivers())('on %s', (driver) => {
  let test: TestDatabase;
  let storage: CredentialStorage;
  beforeAll(async () => {
    test = await openTestDatabase(driver, [credentialMigrations()]);
  });
  beforeEach(async () => {
    storage = await emptied();
  });
  afterAll(() => test.drop());

  const asSystem = <T>(statement: { execute: (tx: never) => Promise<{ readonly rows: T[] }> }) =>
    test.database.withSystem('test', async (tx) => (await statement.execute(tx as never)).rows);
  const emptied = async (): Promise<CredentialStorage> => {
    await asSystem(sql`delete from credentials`);
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

  it('is shared where the database is, and leaves it open when it is closed', async () => {
    expect(storage).toMatchObject({ name: 'postgres', isShared: driver === 'postgres' });
    await create(storage, sampleRecord());
    await storage.close();
    expect(await postgresStorage(test.database).get(sampleRecord().key, options)).toEqual(sampleRecord());
  });

  it('keeps its table under row level security', async () => {
    expect(await findUnprotectedTables(test.database)).toEqual([]);
    await create(storage, sampleRecord(), sampleRecord({ tenant: 'other' }));
    const seen = await runAs({ tenant: 'other' }, () =>
      test.database.withTenant((tx) => sql<{ tenant_id: string }>`select tenant_id from credentials`.execute(tx)),
    );
    expect(seen.rows).toEqual([{ tenant_id: 'other' }]);
  });

  it('works for the tenant of the key, in its context or in one without a tenant, and in no other', async () => {
    const { key } = sampleRecord();
    await create(storage, sampleRecord());
    expect(await runAs({ tenant: 'acme' }, () => storage.get(key, options))).toEqual(sampleRecord());
    expect(await runAs({ actor: { type: 'system', id: 'test' } }, () => storage.get(key, options))).toBeDefined();
    await runAs({ tenant: 'other' }, async () => {
      const mismatch = { code: 'CREDENTIAL_TENANT_MISMATCH' };
      await expect(storage.get(key, options)).rejects.toMatchObject(mismatch);
      await expect(storage.delete(key, options)).rejects.toMatchObject(mismatch);
      await expect(storage.put({ record: sampleRecord(), expectedRevision: 0 }, options)).rejects.toMatchObject(
        mismatch,
      );
      await expect(storage.list({ tenant: 'acme', limit: 10 }, options)).rejects.toMatchObject(mismatch);
    });
    const both = [key, { ...key, tenant: 'other' }];
    await expect(storage.batch?.get(both, options)).rejects.toMatchObject({ code: 'CREDENTIAL_TENANT_MISMATCH' });
  });

  it('keeps the rest of the context, and the signal that it is given, to the transaction', async () => {
    const seen: unknown[] = [];
    const database: Database = Object.assign(Object.create(test.database) as Database, {
      driver: test.database.driver,
      withTenant: ((work, given) => {
        seen.push([currentContext(), given]);
        return test.database.withTenant(work, given);
      }) satisfies Database['withTenant'],
    });
    const actor = { type: 'system' as const, id: 'test' };
    const { key } = sampleRecord();
    await runAs({ actor }, () => postgresStorage(database).get(key, options));
    await runAs({ actor }, () => postgresStorage(database).delete(key, options));
    expect(seen).toEqual([
      [
        { actor, tenant: 'acme' },
        { signal: options.signal, readOnly: true },
      ],
      [
        { actor, tenant: 'acme' },
        { signal: options.signal, readOnly: false },
      ],
    ]);
  });

  it('refuses a change whose caller has given up, and makes none', async () => {
    await create(storage, sampleRecord());
    const gone = { signal: AbortSignal.abort(new Error('gone')) };
    const aborted = { code: 'CREDENTIAL_ABORTED' };
    await expect(storage.delete(sampleRecord().key, gone)).rejects.toMatchObject(aborted);
    await expect(storage.get(sampleRecord().key, gone)).rejects.toMatchObject(aborted);
    expect(await storage.get(sampleRecord().key, options)).toEqual(sampleRecord());
  });

  it('refuses work inside a transaction of the same database, and says what to do', async () => {
    await runAs({ tenant: 'acme' }, () =>
      test.database.withTenant(async () => {
        await expect(storage.get(sampleRecord().key, options)).rejects.toMatchObject({
          code: 'CREDENTIAL_STORAGE_FAILED',
          message: expect.stringContaining('transaction') as string,
          cause: { code: 'DATABASE_NESTED_TRANSACTION' },
        });
      }),
    );
  });

  it.each([
    ['policies', sql`policies = '[{"type": "weekly"}]'`],
    ['tags', sql`tags = '{"env": 1}'`],
    ['previous', sql`previous = '[{}]'`],
    ['refresh', sql`refresh = '{}'`],
  ])('reports %s that somebody else has written there, by name', async (_, damage) => {
    await create(storage, sampleRecord(), sampleRecord({ id: 'other' }));
    await asSystem(sql`update credentials set ${damage} where id = 'github'`);
    const failure = { code: 'CREDENTIAL_STORAGE_CORRUPT', details: { id: 'github', scope: 'org:acme' } };
    await expect(storage.get(sampleRecord().key, options)).rejects.toMatchObject(failure);
    await expect(storage.list({ tenant: 'acme', limit: 10 }, options)).rejects.toMatchObject(failure);
    expect(await storage.get(sampleRecord({ id: 'other' }).key, options)).toBeDefined();
    expect(await storage.delete(sampleRecord().key, options)).toBe(true);
  });

  it('reports earlier envelopes that are missing, by name', async () => {
    await create(storage, fullRecord());
    await asSystem(sql`update credentials set previous_envelopes = '[]'`);
    await expect(storage.get(fullRecord().key, options)).rejects.toMatchObject({
      code: 'CREDENTIAL_STORAGE_CORRUPT',
      details: { id: 'github', scope: 'org:acme' },
    });
  });

  it('says when its table has not been made', async () => {
    const empty = await openTestDatabase(driver, []);
    await expect(postgresStorage(empty.database).get(sampleRecord().key, options)).rejects.toMatchObject({
      code: 'CREDENTIAL_STORAGE_FAILED',
      message: expect.stringContaining('credentialMigrations()') as string,
    });
    await empty.drop();
    await expect(postgresStorage(empty.database).get(sampleRecord().key, options)).rejects.toMatchObject({
      code: 'CREDENTIALS_CLOSED',
    });
  });

  it('is DENIED without the right to the table, and UNAVAILABLE while no connection is free', async () => {
    const own = await openTestDatabase(driver, [credentialMigrations()], { poolMax: 1, acquireTimeoutMs: 50 });
    const on = postgresStorage(own.database);
    const release = Promise.withResolvers<void>();
    const holding = own.database.withSystem('test', () => release.promise);
    await expect(on.get(sampleRecord().key, options)).rejects.toMatchObject({
      code: 'CREDENTIAL_STORAGE_UNAVAILABLE',
      retryable: true,
      retryAfterMs: 1_000,
      cause: { code: 'DATABASE_BUSY' },
    });
    release.resolve();
    await holding;
    await own.database.withSystem('test', async (tx) => {
      await sql`reset role`.execute(tx);
      await sql`revoke insert, select on credentials from tenon_tenant`.execute(tx);
    });
    const denied = { code: 'CREDENTIAL_STORAGE_DENIED', retryable: false, cause: { code: 'DATABASE_ACCESS_DENIED' } };
    await expect(on.get(sampleRecord().key, options)).rejects.toMatchObject(denied);
    await expect(create(on, sampleRecord())).rejects.toMatchObject(denied);
    await own.drop();
  });
});

describe('a database that fails', () => {
  const failing = (code: DatabaseErrorCode): CredentialStorage => {
    const fail = () => Promise.reject(new CodedError(code, 'failed on purpose', { retryAfterMs: 7, retryable: true }));
    return postgresStorage({ driver: 'postgres', withTenant: fail } as never as Database);
  };
  const { key } = sampleRecord();

  it.each([
    ['DATABASE_UNAVAILABLE', 'CREDENTIAL_STORAGE_UNAVAILABLE'],
    ['DATABASE_BUSY', 'CREDENTIAL_STORAGE_UNAVAILABLE'],
    ['DATABASE_LOCKED', 'CREDENTIAL_STORAGE_UNAVAILABLE'],
    ['DATABASE_SERIALIZATION', 'CREDENTIAL_STORAGE_UNAVAILABLE'],
    ['DATABASE_DIRECTORY_LOCKED', 'CREDENTIAL_STORAGE_UNAVAILABLE'],
    ['DATABASE_STATEMENT_TIMEOUT', 'CREDENTIAL_STORAGE_TIMEOUT'],
    ['DATABASE_ACCESS_DENIED', 'CREDENTIAL_STORAGE_DENIED'],
    ['DATABASE_TLS_FAILED', 'CREDENTIAL_STORAGE_DENIED'],
    ['DATABASE_ABORTED', 'CREDENTIAL_ABORTED'],
    ['DATABASE_CLOSED', 'CREDENTIALS_CLOSED'],
    ['DATABASE_CONSTRAINT', 'DATABASE_CONSTRAINT'],
  ] as const)('with %s is %s, whether it was read or written', async (code, expected) => {
    const storage = failing(code);
    const retryable = /UNAVAILABLE|TIMEOUT|CONSTRAINT/.test(expected);
    const failure = { code: expected, retryable, retryAfterMs: 7 };
    await expect(storage.get(key, options)).rejects.toMatchObject(failure);
    await expect(storage.delete(key, options)).rejects.toMatchObject(failure);
    await expect(create(storage, sampleRecord())).rejects.toMatchObject(failure);
    await expect(storage.list({ tenant: 'acme', limit: 1 }, options)).rejects.toMatchObject(failure);
  });

  it('during the commit leaves the outcome of a write unknown, and of a read nothing', async () => {
    const storage = failing('DATABASE_COMMIT_UNKNOWN');
    const unknown = { code: 'CREDENTIAL_OUTCOME_UNKNOWN', retryable: false };
    await expect(storage.delete(key, options)).rejects.toMatchObject(unknown);
    await expect(create(storage, sampleRecord())).rejects.toMatchObject(unknown);
    await expect(storage.batch?.delete([key], options)).rejects.toMatchObject(unknown);
    const unavailable = { code: 'CREDENTIAL_STORAGE_UNAVAILABLE', retryable: true };
    await expect(storage.get(key, options)).rejects.toMatchObject(unavailable);
    await expect(storage.list({ tenant: 'acme', limit: 1 }, options)).rejects.toMatchObject(unavailable);
  });

  it('because nobody listens there is UNAVAILABLE', async () => {
    const database = createDatabase({ url: 'postgres://postgres@127.0.0.1:1/postgres' });
    await expect(postgresStorage(database).get(key, options)).rejects.toMatchObject({
      code: 'CREDENTIAL_STORAGE_UNAVAILABLE',
      retryable: true,
      cause: { code: 'DATABASE_UNAVAILABLE' },
    });
    await database.close();
  });
});

describe.skipIf(process.env['TENON_TEST_POSTGRES_URL'] === undefined)(
  'a PostgreSQL server (skipped without TENON_TEST_POSTGRES_URL)',
  () => {
    it('that waits for a lock for longer than a statement may take is TIMEOUT, and changes nothing', async () => {
      const test = await openTestDatabase('postgres', [credentialMigrations()]);
      const hurried = await openDatabase({ url: test.url ?? '', statementTimeoutMs: 100 });
      const storage = postgresStorage(hurried);
      await create(storage, sampleRecord());
      await test.database.withSystem('test', async (tx) => {
        await sql`select from credentials for update`.execute(tx);
        const change = { record: sampleRecord({ revision: 2 }), expectedRevision: 1 };
        await expect(storage.put(change, options)).rejects.toMatchObject({
          code: 'CREDENTIAL_STORAGE_TIMEOUT',
          retryable: true,
        });
      });
      expect(await storage.get(sampleRecord().key, options)).toEqual(sampleRecord());
      await hurried.close();
      await test.drop();
    });

    it('takes batches of many processes that overlap in any order', async () => {
      const test = await openTestDatabase('postgres', [credentialMigrations()]);
      const databases = await Promise.all([1, 2, 3].map(() => openDatabase({ url: test.url ?? '' })));
      const ids = Array.from({ length: 40 }, (_, index) => `id-${index}`);
      const version = (revision: number, id: string) => ({
        record: sampleRecord({ id, revision, current: sampleVersion({ version: revision }) }),
        expectedRevision: revision - 1,
      });
      for (let revision = 1; revision <= 5; revision += 1) {
        const answers = await Promise.all(
          databases.map(async (database, caller) =>
            postgresStorage(database).batch?.put(
              (caller % 2 === 0 ? ids : ids.toReversed()).map((id) => version(revision, id)),
              options,
            ),
          ),
        );
        expect(answers.flat().filter(Boolean)).toHaveLength(ids.length);
      }
      await Promise.all(databases.map((database) => database.close()));
      await test.drop();
    });
  },
);

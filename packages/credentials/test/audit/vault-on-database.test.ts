import { runAs } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { apiKey, credentials, type AuditOptions } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { postgresAudit } from '@tenon/credentials/drivers/postgres-audit';
import { KeyRing } from '@tenon/crypto';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe.each(describeDrivers())('a vault with its audit on %s', (driver) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(driver, [credentialMigrations()]);
  });
  afterAll(() => test.drop());

  const open = (mode: AuditOptions['mode'] & string, storage = postgresStorage(test.database)) =>
    credentials()
      .storage(storage)
      .keys(KeyRing.generate())
      .audit({ audit: postgresAudit(test.database), mode })
      .build();
  const inTenant = <T>(tenant: string, work: () => Promise<T>): Promise<T> =>
    runAs({ tenant, actor: { type: 'system', id: 'test' } }, work);

  it.each(['required', 'observe'] as const)(
    'records what is done, one by one and in batches, when it is to %s',
    (mode) =>
      inTenant(`tenant-${mode}`, async () => {
        const vault = open(mode);
        const references = Array.from({ length: 250 }, (_, at) => ({ scope: 'org:acme', id: `id-${at}` }));
        const entries = references.map((reference) => ({ reference, material: apiKey('x') }));
        (await vault.storeMany(entries)).orThrow();
        (await vault.retrieveMany(references)).orThrow();
        await vault.delete({ scope: 'org:acme', id: 'id-0' });
        const counts = new Map<string, number>();
        const records = async () => vault.auditRecords({ limit: 1_000 });
        const expected = 501 + (mode === 'required' ? 251 : 0);
        await expect.poll(async () => (await records()).length, { timeout: 10_000, interval: 5 }).toBe(expected);
        for (const { action, outcome } of await records()) {
          counts.set(`${action} ${outcome}`, (counts.get(`${action} ${outcome}`) ?? 0) + 1);
        }
        expect(Object.fromEntries(counts)).toEqual({
          'replace succeeded': 250,
          'read succeeded': 250,
          'delete succeeded': 1,
          ...(mode === 'required' ? { 'replace intended': 250, 'delete intended': 1 } : {}),
        });
        await vault.close();
      }),
  );

  it('refuses at once to be used inside a transaction of that database, when nothing may go unrecorded', () =>
    inTenant('acme', async () => {
      const vault = open('required', memoryStorage());
      const storing = test.database.withTenant(() =>
        failureOf(vault.store({ scope: 'org:acme', id: 'github' }, apiKey('x'))),
      );
      expect(await storing).toMatchObject({
        code: 'CREDENTIAL_AUDIT_UNAVAILABLE',
        cause: { code: 'DATABASE_NESTED_TRANSACTION' },
      });
      await vault.close();
    }));

  it('records in its own time what is done inside a transaction, also when that is rolled back', () =>
    inTenant('rolled-back', async () => {
      const vault = open('observe', memoryStorage());
      const working = test.database.withTenant(async () => {
        await vault.store({ scope: 'org:acme', id: 'github' }, apiKey('x'));
        throw new Error('rolled back');
      });
      await expect(working).rejects.toThrow('rolled back');
      await vault.close();
      expect(await postgresAudit(test.database).query({ tenant: 'rolled-back' })).toMatchObject([
        { action: 'replace', outcome: 'succeeded' },
      ]);
    }));
});

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { apiKey, credentials } from '@tenon/credentials';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { postgresInvalidation } from '@tenon/credentials/drivers/postgres-invalidation';
import { KeyRing } from '@tenon/crypto';
import { openTestDatabase } from '@tenon/database/testing';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const program = fileURLToPath(new URL('store-elsewhere.ts', import.meta.url));

describe.skipIf(process.env['TENON_TEST_POSTGRES_URL'] === undefined)(
  'two processes on one PostgreSQL (skipped without TENON_TEST_POSTGRES_URL)',
  () => {
    it('have caches of their own, and read what the other has stored', async () => {
      const test = await openTestDatabase('postgres', [credentialMigrations()]);
      const url = test.url ?? '';
      const ring = KeyRing.generate();
      const invalidation = postgresInvalidation({ url });
      const builder = credentials().storage(postgresStorage(test.database)).keys(ring).tenant('main');
      const vault = builder.cache({ ttlMs: 3_600_000 }).invalidation(invalidation).build();
      try {
        await invalidation.ready();
        const reference = { scope: 'org:acme', id: 'github' };
        const read = async () => (await vault.retrieve(reference))?.secret.reveal();
        await vault.store(reference, apiKey('from here'));
        expect([await read(), await read()]).toEqual(['from here', 'from here']);
        expect(vault.statistics().cache).toMatchObject({ hits: 1, misses: 1 });
        const parameters = [url, ring.format().reveal(), 'github', 'from there'];
        await run(process.execPath, ['--conditions=@tenon/source', program, ...parameters]);
        await expect.poll(read, { timeout: 10_000, interval: 2 }).toBe('from there');
      } finally {
        await vault.close();
        await invalidation.close();
        await test.drop();
      }
    });
  },
);

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { credentialMigrations } from '@tenon/credentials/drivers/postgres';
import { postgresAudit } from '@tenon/credentials/drivers/postgres-audit';
import { openTestDatabase } from '@tenon/database/testing';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('intend-without-end.ts', import.meta.url));

describe.skipIf(process.env['TENON_TEST_POSTGRES_URL'] === undefined)(
  'a process that is killed in the middle of a change (skipped without TENON_TEST_POSTGRES_URL)',
  () => {
    it('leaves behind what it intended, and no outcome', async () => {
      const test = await openTestDatabase('postgres', [credentialMigrations()]);
      const parameters = ['--conditions=@tenon/source', program, test.url ?? ''];
      const child = spawn(process.execPath, parameters, { stdio: 'inherit' });
      try {
        const records = () => postgresAudit(test.database).query({ tenant: 'main' });
        await expect.poll(async () => (await records()).length, { timeout: 20_000, interval: 5 }).toBe(1);
        child.kill('SIGKILL');
        await once(child, 'exit');
        expect(await records()).toMatchObject([
          { action: 'replace', outcome: 'intended', scope: 'org:acme', credentialId: 'github' },
        ]);
      } finally {
        child.kill('SIGKILL');
        await test.drop();
      }
    });
  },
);

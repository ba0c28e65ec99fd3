import assert from 'node:assert/strict';
import { assertFails, eventually, inTenant, type SqlContractRule } from './sql-contract-check.ts';

/** What becomes of connections when their login changes. */
export const credentialRules: readonly SqlContractRule[] = [
  {
    name: 'goes over to a new login under load, and no work fails',
    options: { pool: { max: 4 } },
    check: async ({ use, sql, login, vault, resources }) => {
      const next = await sql.createLogin();
      try {
        const load = { isDone: false };
        let worked = 0;
        const worker = async (): Promise<void> => {
          while (!load.isDone) {
            await use((db) => db.query('select 1'));
            worked += 1;
          }
        };
        const workers = Promise.all(Array.from({ length: 12 }, worker));
        await eventually('work is being done', async () => worked > 50);
        vault.put(next);
        await inTenant('acme', () => resources.credentialChanged({ id: 'checked-login', change: 'rotated' }));
        const then = worked;
        await eventually('work goes on', async () => worked > then + 50);
        await eventually('the old login is not used any more', async () => {
          const left = await sql.connectionsOf(login.username);
          return left.length === 0;
        });
        load.isDone = true;
        await workers;
        assert.ok((await sql.connectionsOf(next.username)).length > 0);
        await resources.close({ timeoutMs: 1_000 });
      } finally {
        await sql.dropLogin(next);
      }
    },
  },
  {
    name: 'lends nothing any more when its login was revoked, ends what runs, and leaves no connection',
    check: async ({ use, sql, login, vault, resources, token }) => {
      await use((db) => db.query('select 1'));
      const running = use((db) => db.query(sql.sleep(30)));
      const ended = assertFails('RESOURCE_REVOKED', running);
      await eventually('the statement runs', async () =>
        (await sql.connectionsOf(login.username)).some(({ isBusy }) => isBusy),
      );
      vault.remove();
      await inTenant('acme', () => resources.credentialChanged({ id: 'checked-login', change: 'revoked' }));
      await assert.rejects(inTenant('acme', () => resources.acquire(token)));
      await ended;
      await eventually('no connection is left', async () => (await sql.connectionsOf(login.username)).length === 0);
    },
  },
  {
    name: 'says which slot has no credential',
    check: async ({ vault, resources, token }) => {
      vault.remove();
      const error = await assertFails('RESOURCE_CREDENTIAL_MISSING', () =>
        inTenant('acme', () => resources.acquire(token)),
      );
      assert.equal(error.details['slot'], 'login');
    },
  },
];

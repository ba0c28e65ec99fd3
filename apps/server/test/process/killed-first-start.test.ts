import { Client } from 'pg';
import { expect, it, vi } from 'vitest';
import { allMigrations } from '@tenon/server';
import { openDatabase } from '@tenon/database';
import { readAll, signIn } from './support/api-client.ts';
import { openPlace, withoutOwner } from './support/place.ts';
import { startServerProcess } from './support/server-process.ts';

const SHOWN_ONCE = /password shown this once\D*([0-9a-f-]{24})/;

it('a first start that is killed between any two of its steps is finished by the next one', async (context) => {
  if (process.env['TENON_TEST_POSTGRES_URL'] === undefined)
    context.skip('PostgreSQL: TENON_TEST_POSTGRES_URL is not set');
  await using place = await openPlace('postgres');
  const settings = withoutOwner({ ...place.settings, TENON_SAMPLE_DATA: 'true' });
  const database = await openDatabase({ url: place.databaseUrl ?? '' });
  await database.migrate(allMigrations());
  await database.close();

  const locker = new Client({ connectionString: place.databaseUrl });
  await locker.connect();
  try {
    // What each step writes to, in order: a lock on it holds the start right before that step.
    for (const table of ['accounts', 'tenants', 'orders']) {
      await locker.query(`begin; lock table ${table} in share mode`);
      await using server = startServerProcess(settings);
      const waiting = `select 1 from pg_locks where not granted and relation = '${table}'::regclass`;
      await vi.waitUntil(async () => (await locker.query(waiting)).rowCount === 1, { timeout: 30_000, interval: 20 });
      server.kill('SIGKILL');
      await server.exit();
      expect(server.output()).not.toMatch(SHOWN_ONCE);
      await locker.query('rollback');
    }
  } finally {
    await locker.end();
  }

  await using server = startServerProcess(settings);
  const url = await server.ready();
  await vi.waitUntil(() => SHOWN_ONCE.test(server.output()), { timeout: 10_000 });
  const password = SHOWN_ONCE.exec(server.output())?.[1] ?? '';
  const { accessToken: token } = await signIn(url, { email: 'owner@localhost', password });
  expect(await readAll(`${url}/v1/users`, token)).toHaveLength(13);
  expect(await readAll(`${url}/v1/products`, token)).toHaveLength(24);
  expect(await readAll(`${url}/v1/orders`, token)).toHaveLength(40);
});

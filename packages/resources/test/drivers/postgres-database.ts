import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { postgres } from '@tenon/resources/drivers/postgres';
import type { SqlUnderTest } from '@tenon/resources/testing';

/** A database of its own on a PostgreSQL, for the contract. */
export async function openPostgresDatabase(url: string): Promise<SqlUnderTest & AsyncDisposable> {
  const name = `tenon_resources_${randomBytes(4).toString('hex')}`;
  const server = new pg.Client({ connectionString: url });
  await server.connect();
  await server.query(`create database ${name}`);
  const { hostname: host, port } = new URL(url);
  const admin = new pg.Client({ host, port: Number(port), database: name, user: new URL(url).username });
  await admin.connect();
  return {
    define: (resource, options) => postgres(resource, { host, port: Number(port), database: name, ...options }),
    async createLogin() {
      const username = `${name}_${randomBytes(4).toString('hex')}`;
      const password = `canary-${randomBytes(8).toString('hex')}`;
      await admin.query(`create role ${username} login password '${password}'`);
      await admin.query(`grant create, temporary on database ${name} to ${username}`);
      await admin.query(`grant all on schema public to ${username}`);
      return { username, password };
    },
    async dropLogin({ username }) {
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [username]);
      await admin.query(`drop owned by ${username} cascade`);
      await admin.query(`drop role ${username}`);
    },
    wrongLogin: { username: `${name}_nobody`, password: 'canary-wrong-password' },
    async connectionsOf(username) {
      const { rows } = await admin.query<{ id: number; state: string }>(
        'select pid as id, state from pg_stat_activity where usename = $1',
        [username],
      );
      return rows.map(({ id, state }) => ({ id, isBusy: state === 'active' }));
    },
    kill: async (id) => void (await admin.query('select pg_terminate_backend($1, 5000)', [id])),
    parameter: (position) => `$${position}`,
    sleep: (seconds) => `select pg_sleep(${seconds})`,
    connectionId: 'select pg_backend_pid() as id',
    traces: [
      { change: `set search_path = pg_catalog`, look: 'show search_path' },
      {
        change: `select set_config('tenon.secret', 'left', false)`,
        look: `select coalesce(nullif(current_setting('tenon.secret', true), ''), 'none') as v`,
      },
      {
        change: 'create temporary table left_behind (id int)',
        look: `select to_regclass('pg_temp.left_behind') is null as v`,
      },
      {
        change: 'select pg_advisory_lock(4711)',
        look: `select count(*)::int as v from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`,
      },
      { change: 'prepare left_behind as select 1', look: 'select count(*)::int as v from pg_prepared_statements' },
      { change: 'listen left_behind', look: 'select count(*)::int as v from pg_listening_channels()' },
      {
        change: 'declare left_behind cursor with hold for select 1',
        look: 'select count(*)::int as v from pg_cursors where is_holdable',
      },
      { change: `select 1; set statement_timeout = '1h'`, look: 'show statement_timeout' },
    ],
    types: [
      { type: 'int', value: -2_147_483_648 },
      { type: 'bigint', value: 12n, read: 12 },
      { type: 'numeric(30,10)', value: '12345678901234567890.0123456789' },
      { type: 'double precision', value: 0.1 },
      { type: 'boolean', value: true },
      { type: 'text', value: 'Grüße, 世界 🌍' },
      { type: 'bytea', value: new Uint8Array([0, 1, 254, 255]) },
      { type: 'timestamptz', value: new Date('2026-01-31T12:34:56.789Z') },
      { type: 'date', value: '2026-01-31' },
      { type: 'jsonb', value: { a: [1, 'x', null] } },
      { type: 'text[]', value: ['a', 'b,"c'] },
      { type: 'uuid', value: '018f3f64-6a5e-7c3f-9b1a-1c2d3e4f5a6b' },
      { type: 'text', value: null },
    ],
    bigint: (text) => `'${text}'::bigint`,
    async [Symbol.asyncDispose]() {
      await admin.end();
      await server.query(`drop database ${name} with (force)`);
      await server.end();
    },
  };
}

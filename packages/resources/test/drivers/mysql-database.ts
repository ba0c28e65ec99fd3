import { randomBytes } from 'node:crypto';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { mysql } from '@tenon/resources/drivers/mysql';
import type { SqlUnderTest } from '@tenon/resources/testing';

/** A database of its own on a MySQL or MariaDB, for the contract. */
export async function openMysqlDatabase(url: string): Promise<SqlUnderTest & AsyncDisposable> {
  const name = `tenon_resources_${randomBytes(4).toString('hex')}`;
  const { hostname: host, port, username: user, password } = new URL(url);
  const admin = await createConnection({
    host,
    port: Number(port),
    user: decodeURIComponent(user),
    password: decodeURIComponent(password),
  });
  await admin.query(`create database ${name} character set utf8mb4`);
  const rows = async (text: string, values: readonly unknown[] = []): Promise<readonly RowDataPacket[]> => {
    const [found] = await admin.query<RowDataPacket[]>(text, [...values]);
    return found;
  };
  const connectionsOf: SqlUnderTest['connectionsOf'] = async (username) => {
    const found = await rows('select id, command from information_schema.processlist where user = ?', [username]);
    return found.map((row) => ({ id: Number(row['id']), isBusy: /Query|Execute/.test(String(row['command'])) }));
  };
  const kill = async (id: number): Promise<void> => {
    await admin.query(`kill ${id}`).catch(() => undefined);
    for (let looks = 0; looks < 500; looks += 1) {
      if ((await rows('select 1 from information_schema.processlist where id = ?', [id])).length === 0) return;
    }
  };
  return {
    define: (resource, options) => mysql(resource, { host, port: Number(port), database: name, ...options }),
    async createLogin() {
      const username = `t_${randomBytes(6).toString('hex')}`;
      const secret = `canary-${randomBytes(8).toString('hex')}`;
      await admin.query(`create user '${username}'@'%' identified by '${secret}'`);
      await admin.query(`grant all on ${name}.* to '${username}'@'%'`);
      return { username, password: secret };
    },
    async dropLogin({ username }) {
      for (const { id } of await connectionsOf(username)) await kill(id);
      await admin.query(`drop user '${username}'@'%'`);
    },
    wrongLogin: { username: 'root', password: 'canary-wrong-password' },
    connectionsOf,
    kill,
    parameter: () => '?',
    sleep: (seconds) => `select sleep(${seconds})`,
    connectionId: 'select connection_id() as id',
    traces: [
      { change: `set session sql_mode = 'ANSI'`, look: 'select @@session.sql_mode as v' },
      { change: `set @left = 'behind'`, look: 'select @left as v' },
      { change: `select @other := 'behind'`, look: 'select @other as v' },
      { change: `select get_lock('left', 1)`, look: `select is_used_lock('left') is null as v` },
      { change: 'set autocommit = 0', look: 'select @@autocommit as v' },
      { change: `set time_zone = '+05:00'`, look: 'select @@session.time_zone as v' },
      { change: 'use information_schema', look: 'select database() as v' },
      { change: `set names latin1`, look: 'select @@character_set_client as v, @@character_set_results as w' },
    ],
    types: [
      { type: 'int', value: -2_147_483_648 },
      { type: 'bigint', value: 12n, read: 12 },
      { type: 'bigint unsigned', value: 12n, read: 12 },
      { type: 'decimal(30,10)', value: '12345678901234567890.0123456789' },
      { type: 'double', value: 0.1 },
      { type: 'float', value: 0.5 },
      { type: 'boolean', value: true, read: 1 },
      { type: 'text', value: 'Grüße, 世界 🌍' },
      { type: 'blob', value: new Uint8Array([0, 1, 254, 255]) },
      { type: 'datetime(3)', value: new Date('2026-01-31T12:34:56.789Z') },
      { type: 'timestamp(3)', value: new Date('2026-01-31T12:34:56.789Z') },
      { type: 'date', value: '2026-01-31' },
      { type: 'text', value: null },
    ],
    bigint: (text) => `cast('${text}' as signed)`,
    async [Symbol.asyncDispose]() {
      await admin.query(`drop database ${name}`);
      await admin.end();
    },
  };
}

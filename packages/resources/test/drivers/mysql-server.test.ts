import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { Secret } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { createResources, type Resources, type ResourceToken, type SlotCredential } from '@tenon/resources';
import { mysql, type MysqlFace, type SqlOptions } from '@tenon/resources/drivers/mysql';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { startMariadb } from '../../../../scripts/services/mariadb.ts';
import type { PrivateServer } from '../../../../scripts/services/service.ts';
import { inTenant } from '../support/open-resources.ts';

const PASSWORD = 'canary-right-password';
const TOO_SLOW_MS = 60_000;
const quick = { pool: { max: 4, createBackoff: { initialMs: 20, maxMs: 100 } } } as const;

let server: PrivateServer | undefined;
let reason = '';
let ca = '';
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-certificate-'));
  chmodSync(folder, 0o755);
  const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', [...made, '-keyout', key, '-out', certificate, ...subject], { stdio: 'pipe' });
  // The server runs as somebody else.
  chmodSync(key, 0o644);
  ca = readFileSync(certificate, 'utf8');
  const started = await startMariadb({ settings: { 'ssl-cert': certificate, 'ssl-key': key } });
  if (!started.available) {
    ({ reason } = started);
    return;
  }
  ({ server } = started);
  const admin = await createConnection({ uri: server.url });
  await admin.query(`create user orders@'%' identified by '${PASSWORD}'`);
  await admin.query('create database shop');
  await admin.query(`grant all on shop.* to orders@'%'`);
  await admin.end();
}, TOO_SLOW_MS);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const own = (context: TestContext): PrivateServer => server ?? context.skip(reason);

/** Resources with one MariaDB, whose login is in a vault. */
function open(
  { url }: PrivateServer,
  options: SqlOptions = {},
): { resources: Resources; token: ResourceToken<MysqlFace> } {
  const { port } = new URL(url);
  const where = { host: 'localhost', port: Number(port), database: 'shop', credentials: { login: 'orders-login' } };
  const token = mysql('orders-db', { ...where, ...quick, ...options });
  const secret = new Secret(PASSWORD);
  const credential: SlotCredential = {
    kind: 'basic',
    version: 1,
    secret,
    value: { username: 'orders' },
    expiresAt: undefined,
  };
  return { resources: createResources({ define: [token], vault: { retrieve: async () => credential } }), token };
}

async function one(resources: Resources, token: ResourceToken<MysqlFace>): Promise<unknown> {
  return inTenant('acme', async () => {
    await using db = await resources.acquire(token);
    return await db.fetchOne('select 1 as one');
  });
}

describe('a MariaDB of its own', () => {
  it('is spoken to in TLS with a certificate that is trusted, and statements end in it too', async (context) => {
    const { resources, token } = open(own(context), { tls: { mode: 'verify-full', ca } });
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      const cipher = await db.fetchOne<{ Value: string }>(`show session status like 'Ssl_cipher'`);
      expect(cipher?.Value).not.toBe('');
      const error = await failureOf(db.query('select sleep(30)', [], { timeoutMs: 50 }));
      expect(error.code).toBe('RESOURCE_TIMEOUT');
      expect(await db.fetchOne('select 1 as one')).toEqual({ one: 1 });
    });
    await resources.close();
  });

  it('is refused for a certificate that nobody trusts', async (context) => {
    const { resources, token } = open(own(context), { tls: { mode: 'verify-full' } });
    const error = await failureOf(one(resources, token));
    expect(error.cause).toMatchObject({ code: 'RESOURCE_TLS_FAILED', retryable: false });
    await resources.close();
  });

  it('is given none of the files of this machine', async (context) => {
    const { resources, token } = open(own(context));
    const file = join(folder, 'server.crt');
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      await db.query('create temporary table file_rows (content text)');
      const error = await failureOf(db.query(`load data local infile '${file}' into table file_rows`));
      expect(error).toMatchObject({ code: 'RESOURCE_QUERY_FAILED' });
      expect(await db.fetchAll('select * from file_rows')).toEqual([]);
    });
    await resources.close();
  });

  it('may be named by the credential alone, and has a certificate of that name', async (context) => {
    const { url } = own(context);
    const value = { host: 'localhost', port: Number(new URL(url).port), database: 'shop', username: 'orders' };
    const credential = { kind: 'database', version: 1, secret: new Secret(PASSWORD), value, expiresAt: undefined };
    const vault = { retrieve: async () => credential };
    const resolver = () => Promise.resolve(['127.0.0.1']);
    const where = { credentials: { login: 'x' }, resolver, allowPrivate: ['127.0.0.0/8'] };
    const token = mysql('orders-db', { ...where, tls: { mode: 'verify-full', ca }, ...quick });
    await using resources = createResources({ define: [token], vault });
    expect(await one(resources, token)).toEqual({ one: 1 });
  });

  it('must be named by a name when its certificate is to be looked at', async (context) => {
    const { resources, token } = open(own(context), { host: '127.0.0.1', tls: { mode: 'verify-full', ca } });
    const error = await failureOf(one(resources, token));
    expect(error.cause).toMatchObject({ code: 'RESOURCE_CONFIGURATION_INVALID' });
    await resources.close();
  });

  it('gives the number of the first row that was inserted, and counts rows that were found', async (context) => {
    const { resources, token } = open(own(context));
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      await db.query('create temporary table numbered (id bigint auto_increment primary key, n int)');
      await db.query('alter table numbered auto_increment = 41');
      expect((await db.query('insert into numbered (n) values (?), (?)', [1, 2])).insertId).toBe(41);
      expect(await db.execute('update numbered set n = 1')).toBe(2);
      expect(await db.execute('update numbered set n = 1')).toBe(2);
    });
    await resources.close();
  });

  it('keeps moments in UTC, wherever this program runs', async (context) => {
    const { resources, token } = open(own(context));
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Asia/Tokyo';
    try {
      await inTenant('acme', async () => {
        await using db = await resources.acquire(token);
        const moment = new Date('2026-01-31T12:34:56.000Z');
        const row = await db.fetchOne('select cast(? as char) as text, cast(? as datetime) as moment', [
          moment,
          moment,
        ]);
        expect(row).toMatchObject({ moment });
        expect(row?.['text']).toContain('2026-01-31 12:34:56');
      });
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
    await resources.close();
  });

  it('runs what cannot be prepared, and procedures', async (context) => {
    const { resources, token } = open(own(context));
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      await db.query('create procedure both_numbers() begin select 1 as a; select 2 as b; end');
      expect(await db.fetchAll('call both_numbers()')).toEqual([{ a: 1 }]);
      await db.query('lock tables mysql.proc read').catch(() => undefined);
      await db.query('unlock tables');
      expect(await db.fetchOne('select 1 as one')).toEqual({ one: 1 });
    });
    await resources.close();
  });

  it('is asked in the database that is in use', async (context) => {
    const { resources, token } = open(own(context));
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      expect(await db.fetchOne('select database() as name')).toEqual({ name: 'shop' });
      await db.query('use information_schema');
      expect(await db.fetchOne('select database() as name')).toEqual({ name: 'information_schema' });
    });
    await resources.close();
  });

  it('keeps its limit for statements after a session was put back', async (context) => {
    const { resources, token } = open(own(context), { statementTimeoutMs: 4_500, reset: 'always' });
    for (let index = 0; index < 2; index += 1) {
      await inTenant('acme', async () => {
        await using db = await resources.acquire(token);
        const row = await db.fetchOne<{ v: unknown }>('select @@max_statement_time as v');
        expect(Number(row?.v)).toBe(4.5);
      });
    }
    await resources.close();
  });

  it(
    'may be killed and restarted under load: work fails in a way that says so, and then goes on',
    async (context) => {
      const mariadb = own(context);
      const { resources, token } = open(mariadb);
      const codes = new Set<string>();
      const load = { isDone: false, worked: 0 };
      const worker = async (): Promise<void> => {
        while (!load.isDone) {
          try {
            await one(resources, token);
            load.worked += 1;
          } catch (error) {
            codes.add((await failureOf(Promise.reject(error))).code);
            await new Promise((resolve) => void setTimeout(resolve, 5));
          }
        }
      };
      const workers = Promise.all(Array.from({ length: 8 }, worker));
      await expect.poll(() => load.worked).toBeGreaterThan(50);
      await mariadb.kill9();
      await expect.poll(() => codes.size).toBeGreaterThan(0);
      await mariadb.restart();
      const before = load.worked;
      await expect.poll(() => load.worked, { timeout: 10_000 }).toBeGreaterThan(before + 50);
      load.isDone = true;
      await workers;
      for (const code of codes) {
        expect(['RESOURCE_CONNECTION_LOST', 'RESOURCE_INITIALIZATION_FAILED', 'RESOURCE_UNAVAILABLE']).toContain(code);
      }
      await resources.close();
    },
    TOO_SLOW_MS,
  );
});

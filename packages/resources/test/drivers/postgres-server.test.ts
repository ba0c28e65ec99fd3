import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import pg from 'pg';
import { Secret } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { createResources, type Resources, type ResourceToken, type SlotCredential } from '@tenon/resources';
import { postgres, type PostgresFace, type SqlOptions } from '@tenon/resources/drivers/postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { startPostgres } from '../../../../scripts/services/postgres.ts';
import type { PrivateServer } from '../../../../scripts/services/service.ts';
import { inTenant } from '../support/open-resources.ts';

const PASSWORD = 'canary-right-password';
const TOO_SLOW_MS = 60_000;
const quick = { pool: { max: 4, createBackoff: { initialMs: 20, maxMs: 100 } } } as const;

let server: PrivateServer | undefined;
let reason = '';
let ca = '';

/** Makes the server ask for passwords, and offer TLS with a certificate for "localhost". */
async function secure({ url, dataDir }: PrivateServer): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-certificate-'));
  const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', [...made, '-keyout', key, '-out', certificate, ...subject], { stdio: 'pipe' });
  ca = readFileSync(certificate, 'utf8');
  const { uid, gid } = statSync(join(dataDir, 'PG_VERSION'));
  for (const [name, content] of [
    ['server.key', readFileSync(key, 'utf8')],
    ['server.crt', ca],
    [
      'pg_hba.conf',
      'host all postgres 127.0.0.1/32 trust\nhostssl all clear all reject\nhost all all all scram-sha-256\n',
    ],
  ] as const) {
    writeFileSync(join(dataDir, name), content, { mode: 0o600 });
    chownSync(join(dataDir, name), uid, gid);
  }
  rmSync(folder, { recursive: true });
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`create role orders login password '${PASSWORD}'`);
  await admin.query(`alter system set ssl = on`);
  await admin.query('select pg_reload_conf()');
  await admin.end();
}

beforeAll(async () => {
  const started = await startPostgres();
  if (!started.available) {
    ({ reason } = started);
    return;
  }
  ({ server } = started);
  await secure(server);
}, TOO_SLOW_MS);
afterAll(() => server?.stop());

function own(context: TestContext): PrivateServer {
  return server ?? context.skip(reason);
}

/** Resources with one PostgreSQL, whose login is in a vault. */
function open(
  { url }: PrivateServer,
  options: SqlOptions = {},
  password: string = PASSWORD,
): { resources: Resources; token: ResourceToken<PostgresFace> } {
  const { port } = new URL(url);
  const token = postgres('orders-db', {
    host: 'localhost',
    port: Number(port),
    database: 'postgres',
    credentials: { login: 'orders-login' },
    ...quick,
    ...options,
  });
  const value = { username: 'orders' };
  const credential: SlotCredential = {
    kind: 'basic',
    version: 1,
    secret: new Secret(password),
    value,
    expiresAt: undefined,
  };
  return { resources: createResources({ define: [token], vault: { retrieve: async () => credential } }), token };
}

const one = (resources: Resources, token: ResourceToken<PostgresFace>): Promise<unknown> =>
  inTenant('acme', async () => {
    await using db = await resources.acquire(token);
    return await db.fetchOne('select 1 as one');
  });

describe('a PostgreSQL of its own', () => {
  beforeEach(async (context) => {
    // Whatever a test before has done to it.
    const { url } = own(context);
    const admin = new pg.Client({ connectionString: url });
    await admin.connect().catch(() => server?.restart());
    await admin.end();
  });

  it('leaves no password in the client that borrowers have', async (context) => {
    const { resources, token } = open(own(context));
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      expect(inspect(db.client, { depth: 9, showHidden: true })).not.toContain(PASSWORD);
    });
    await resources.close();
  });

  it('prepares statements of the client anew after its session was put back', async (context) => {
    const { resources, token } = open(own(context), { pool: { max: 1 } });
    for (let index = 0; index < 2; index += 1) {
      await inTenant('acme', async () => {
        await using db = await resources.acquire(token);
        const { rows } = await db.client.query({ name: 'one', text: 'select 1 as one' });
        expect(rows).toEqual([{ one: 1 }]);
      });
    }
    expect(resources.list()[0]?.pool.created).toBe(1);
    await resources.close();
  });

  it('lets in who has the right password, and tells of a wrong one without showing it', async (context) => {
    const right = open(own(context));
    expect(await one(right.resources, right.token)).toEqual({ one: 1 });
    await right.resources.close();
    const wrong = open(own(context), {}, 'canary-wrong-password');
    const error = await failureOf(one(wrong.resources, wrong.token));
    expect(error).toMatchObject({ code: 'RESOURCE_INITIALIZATION_FAILED', retryable: false });
    expect(error.cause).toMatchObject({ code: 'RESOURCE_ACCESS_DENIED', details: { serverCode: '28P01' } });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('canary');
    await wrong.resources.close();
  });

  it('is spoken to in TLS with a certificate that is trusted, and statements end in it too', async (context) => {
    const { resources, token } = open(own(context), { tls: { mode: 'verify-full', ca } });
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      const row = await db.fetchOne('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
      expect(row).toEqual({ ssl: true });
      const error = await failureOf(db.query('select pg_sleep(30)', [], { timeoutMs: 50 }));
      expect(error.code).toBe('RESOURCE_TIMEOUT');
      expect(await db.fetchOne('select 1 as one')).toEqual({ one: 1 });
    });
    await resources.close();
  });

  it('may be named by the credential alone, and has a certificate of that name', async (context) => {
    const { url } = own(context);
    const host = 'localhost';
    const value = { host, port: Number(new URL(url).port), database: 'postgres', username: 'orders' };
    const credential = { kind: 'database', version: 1, secret: new Secret(PASSWORD), value, expiresAt: undefined };
    const vault = { retrieve: async () => credential };
    const resolver = () => Promise.resolve(['127.0.0.1']);
    const where = { credentials: { login: 'x' }, resolver, allowPrivate: ['127.0.0.0/8'] };
    const token = postgres('orders-db', { ...where, tls: { mode: 'verify-full', ca }, ...quick });
    await using resources = createResources({ define: [token], vault });
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      const error = await failureOf(db.query('select pg_sleep(30)', [], { timeoutMs: 50 }));
      expect(error.code).toBe('RESOURCE_TIMEOUT');
      expect(await db.fetchOne('select ssl from pg_stat_ssl where pid = pg_backend_pid()')).toEqual({ ssl: true });
    });
  });

  it.each([
    ['a certificate that nobody trusts', { mode: 'verify-full' }, 'localhost'],
    ['a certificate of another name', { mode: 'verify-full', ca: true }, '127.0.0.1'],
  ] as const)('is refused for %s', async (_, { mode, ...more }, host) => {
    if (server === undefined) return;
    const { resources, token } = open(server, { host, tls: { mode, ...('ca' in more ? { ca } : {}) } });
    const error = await failureOf(one(resources, token));
    expect(error.cause).toMatchObject({ code: 'RESOURCE_TLS_FAILED', retryable: false });
    await resources.close();
  });

  it('is spoken to in TLS without a look at its certificate when that is asked for', async (context) => {
    const { resources, token } = open(own(context), { tls: { mode: 'require' } });
    expect(await one(resources, token)).toEqual({ one: 1 });
    await resources.close();
  });

  it('says what it shows of this program, and how long it lets statements run', async (context) => {
    const { resources, token } = open(own(context), { applicationName: 'orders', statementTimeoutMs: 4_321 });
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      await db.query(`set application_name = 'other'`);
    });
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      expect(await db.fetchOne('show application_name')).toEqual({ application_name: 'orders' });
      expect(await db.fetchOne('show statement_timeout')).toEqual({ statement_timeout: '4321ms' });
    });
    await resources.close();
  });

  it(
    'may be killed and restarted under load: work fails in a way that says so, and then goes on',
    async (context) => {
      const postgresServer = own(context);
      const { resources, token } = open(postgresServer);
      const codes = new Set<string>();
      const load = { isDone: false };
      let worked = 0;
      const worker = async (): Promise<void> => {
        while (!load.isDone) {
          try {
            await one(resources, token);
            worked += 1;
          } catch (error) {
            codes.add((await failureOf(Promise.reject(error))).code);
            await new Promise((resolve) => void setTimeout(resolve, 5));
          }
        }
      };
      const workers = Promise.all(Array.from({ length: 8 }, worker));
      await expect.poll(() => worked).toBeGreaterThan(50);
      await postgresServer.kill9();
      await expect.poll(() => codes.size).toBeGreaterThan(0);
      await postgresServer.restart();
      const before = worked;
      await expect.poll(() => worked, { timeout: 10_000 }).toBeGreaterThan(before + 50);
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

import { randomBytes, randomUUID } from 'node:crypto';
import { Secret } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { createResources, type CredentialReader, type ResourceToken, type SlotCredential } from '@tenon/resources';
import { http, type HttpFace } from '@tenon/resources/drivers/http';
import { redis, type RedisFace } from '@tenon/resources/drivers/redis';
import type { SqlFace } from '@tenon/resources/drivers/sql';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { openServer, reply } from '../drivers/open-http.ts';
import { openMysqlDatabase } from '../drivers/mysql-database.ts';
import { openPostgresDatabase } from '../drivers/postgres-database.ts';
import { inTenant } from '../support/open-resources.ts';
import { formsOf, recordShown, type Shown } from './shown.ts';

interface Login {
  readonly username: string;
  readonly password: string;
}

/** A driver with two logins: one that its server takes, and one that it refuses. */
interface Subject {
  readonly kind: string;
  readonly right: Login;
  readonly wrong: Login;
  define(options: object): ResourceToken;
  /** Work that succeeds, work that fails, and what a borrower has at hand. */
  work(face: object, shown: Shown): Promise<void>;
  /** Whether a wrong login shows when an instance is made. */
  readonly logsInAtOnce: boolean;
  /** Where there is no server. */
  readonly nowhere: object;
}

const newPassword = (): string => `p@ss/word:${randomBytes(8).toString('hex')}`;
const credentials = { login: 'the-login' };
const pool = { createBackoff: { initialMs: 1, maxMs: 10 }, maxCreateFailures: 1 };

async function sqlSubject(open: typeof openPostgresDatabase, variable: string, context: TestContext): Promise<Subject> {
  const url = process.env[variable] ?? context.skip(`there is no ${variable}`);
  const database = await open(url);
  const right = await database.createLogin();
  onTestFinished(async () => {
    await database.dropLogin(right);
    await database[Symbol.asyncDispose]();
  });
  const mark = database.parameter(1);
  return {
    kind: 'basic',
    right,
    wrong: database.wrongLogin,
    logsInAtOnce: true,
    nowhere: { port: 1 },
    define: (options) => database.define('subject', { credentials, pool, slowStatementMs: 1, ...options }),
    async work(face, shown) {
      const db = face as SqlFace<object>;
      shown.add('a result', await db.fetchOne('select 1 as one'));
      const table = `leaks_${randomBytes(4).toString('hex')}`;
      await db.execute(`create temporary table ${table} (id varchar(50) primary key)`);
      await db.execute(`insert into ${table} values (${mark})`, ['canary-in-row']);
      shown.add('an error', await failureOf(db.execute(`insert into ${table} values (${mark})`, ['canary-in-row'])));
      shown.add('an error', await failureOf(db.query('select nothing from nowhere')));
      shown.add('an error', await failureOf(db.query(database.sleep(5), [], { timeoutMs: 20 })));
      shown.add('the server', await db.serverInfo());
      shown.add('a face', db);
      shown.add('a client', db.client);
    },
  };
}

async function redisSubject(context: TestContext): Promise<Subject> {
  const url = process.env['TENON_TEST_REDIS_URL'] ?? context.skip('there is no TENON_TEST_REDIS_URL');
  const admin = new Redis(url);
  const right = { username: `user-${randomUUID()}`, password: newPassword() };
  const next = newPassword();
  await admin.call('ACL', ['SETUSER', right.username, 'on', `>${right.password}`, '~*', '&*', '+@all']);
  onTestFinished(async () => {
    await admin.call('ACL', ['DELUSER', right.username]);
    admin.disconnect();
  });
  return {
    kind: 'basic',
    right,
    wrong: { username: right.username, password: next },
    logsInAtOnce: true,
    nowhere: { url: 'redis://127.0.0.1:1' },
    define: (options) =>
      redis('subject', { url, keyPrefix: `leaks-${randomUUID()}:`, credentials, maxReconnects: 0, pool, ...options }),
    async work(face, shown) {
      const store = face as RedisFace;
      await store.set('key', 'canary-in-row');
      shown.add('an error', await failureOf(store.increment('key')));
      shown.add('an error', await failureOf(store.eval('return redis.error_reply("canary-in-row")')));
      await using subscription = await store.subscribe('news');
      shown.add('a subscription', subscription);
      shown.add('a face', store);
      shown.add('a client', store.client);
    },
  };
}

async function httpSubject(_context: TestContext, kind: string): Promise<Subject> {
  // It gives back what it was sent, in all places where an answer has room.
  const server = await openServer((response, { url, headers }) => {
    const sent = String(headers.authorization ?? headers['x-api-key']);
    if (url === '/elsewhere')
      reply(response, 307, sent, { location: `http://forbidden.example/?sent=${encodeURIComponent(sent)}` });
    else
      reply(response, url === '/fine' ? 200 : 401, sent, { 'www-authenticate': `Bearer error="${sent.slice(0, 6)}"` });
  });
  const policy = { allowPrivate: ['127.0.0.0/8'], schemes: ['http'], ports: 'any' } as const;
  return {
    kind,
    right: { username: 'app', password: newPassword() },
    wrong: { username: 'app', password: newPassword() },
    logsInAtOnce: false,
    nowhere: { baseUrl: 'http://127.0.0.1:1' },
    define: (options) => {
      const where = { baseUrl: server.origin, policy, retry: { attempts: 1 }, check: '/denied' };
      return http('subject', { ...where, credentials: { authorization: 'the-login' }, ...options });
    },
    async work(face, shown) {
      const api = face as HttpFace;
      shown.add('an answer', (await api.get('/fine')).status);
      shown.add('an error', await failureOf(api.get('/denied').then((answer) => answer.expectOk())));
      shown.add('an error', await failureOf(api.get('/elsewhere')));
      shown.add('an error', await failureOf(api.get('/fine', { headers: { authorization: 'x', 'x-api-key': 'x' } })));
      shown.add('an error', await failureOf(api.get('/fine').then((answer) => answer.json())));
      shown.add('a face', api);
      shown.add('a client', api.egress);
    },
  };
}

const subjects: readonly (readonly [string, (context: TestContext) => Promise<Subject>])[] = [
  ['PostgreSQL', (context) => sqlSubject(openPostgresDatabase, 'TENON_TEST_POSTGRES_URL', context)],
  ['MySQL', (context) => sqlSubject(openMysqlDatabase, 'TENON_TEST_MYSQL_URL', context)],
  ['Redis', redisSubject],
  ...['basic', 'bearer', 'api-key', 'oauth2'].map(
    (kind) =>
      [`HTTP with a credential of the kind ${kind}`, (context: TestContext) => httpSubject(context, kind)] as const,
  ),
];

/** A vault with one credential, which a test changes. */
function vaultOf(kind: string, first: Login): CredentialReader & { put(login: Login): void } {
  let held: SlotCredential | undefined;
  const put = ({ username, password }: Login): void => {
    const version = (held?.version ?? 0) + 1;
    held = { kind, version, secret: new Secret(password), value: { username }, expiresAt: undefined };
  };
  put(first);
  return { put, retrieve: async () => held };
}

let shown: Shown;
beforeEach(() => {
  shown = recordShown();
});
afterEach(() => shown.stop());

describe.each(subjects)('a secret in a slot of %s', (_name, open) => {
  it('is seen nowhere while it works, is rotated, fails and is revoked', async (context) => {
    const subject = await open(context);
    const { right, wrong } = subject;
    const vault = vaultOf(subject.kind, right);
    const token = subject.define({});
    const resources = createResources({ define: [token], vault, logger: shown.logger });
    onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
    resources.onEvent((event) => shown.add('an event', event));

    await inTenant('acme', () => resources.use(token, (face) => subject.work(face, shown)));
    await inTenant('acme', () => resources.check(token));
    await shown.look(resources, token);
    vault.put(wrong);
    await inTenant('acme', () => resources.credentialChanged({ id: 'the-login', change: 'rotated' }));
    await shown.look(resources, token);
    const held = await inTenant('acme', () => resources.acquire(token));
    await inTenant('acme', () => resources.credentialChanged({ id: 'the-login', change: 'revoked' }));
    shown.add('a lease', held);
    held.lease.release();
    await shown.look(resources, token);
    shown.add('a report', await resources.close({ timeoutMs: 1_000 }));

    const forms = [right, wrong].flatMap(({ username, password }) => formsOf(username, password));
    expect(shown.placesOf([...forms, 'canary-in-row'])).toEqual([]);
    for (const what of ['an error', 'an event', 'a span', 'a measurement', 'a view', 'a client', 'a log line']) {
      expect(shown.counts[what] ?? 0, what).toBeGreaterThan(0);
    }
  });

  it('is seen nowhere when its server refuses it, or is not there', async (context) => {
    const subject = await open(context);
    const vault = vaultOf(subject.kind, subject.wrong);
    for (const where of [{}, subject.nowhere]) {
      const token = subject.define(where);
      const resources = createResources({ define: [token], vault, logger: shown.logger });
      resources.onEvent((event) => shown.add('an event', event));
      const work = (): Promise<unknown> =>
        inTenant('acme', () => resources.use(token, (face) => subject.work(face, shown)));
      if (where === subject.nowhere || subject.logsInAtOnce) shown.add('an error', await failureOf(work));
      else await work();
      await inTenant('acme', () => resources.check(token)).catch((error: unknown) => shown.add('an error', error));
      await shown.look(resources, token);
      await resources.close({ timeoutMs: 0 });
    }
    const { username, password } = subject.wrong;
    expect(shown.placesOf(formsOf(username, password))).toEqual([]);
  });
});

describe('the recorder of this test', () => {
  it('sees a secret in each of the ways in which it may be shown', () => {
    const secret = 'seen-secret';
    const cause = Object.assign(new Error('inner'), { password: secret });
    shown.add('an error', new Error('outer', { cause }));
    shown.logger.warn({ nested: { deep: [{ secret }] } }, 'a line');
    console.log(secret);
    const places = shown.placesOf([secret]).join('\n');
    for (const place of ['an error, inspected', 'an error, its fields', 'a log line, as JSON', 'the console']) {
      expect(places).toContain(place);
    }
  });
});

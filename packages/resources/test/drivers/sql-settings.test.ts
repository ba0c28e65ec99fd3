import { inspect } from 'node:util';
import { Secret } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { createResources } from '@tenon/resources';
import { mysql } from '@tenon/resources/drivers/mysql';
import { postgres } from '@tenon/resources/drivers/postgres';
import type { SqlConnectOptions, SqlOptions } from '@tenon/resources/drivers/sql';
import { defineSqlResource } from '@tenon/resources/drivers/sql';
import { describe, expect, it } from 'vitest';
import { inTenant } from '../support/open-resources.ts';

const CANARY = 'canary-in-url';
const credentials = { login: 'db-login' };

/** Where a driver is told to connect. */
async function connectedTo(options: SqlOptions, value?: object): Promise<SqlConnectOptions> {
  let seen: SqlConnectOptions | undefined;
  const token = defineSqlResource('db', options, {
    dialect: {
      technology: 'fake',
      traces: /never/,
      serverInfo: '',
      begin: () => [],
      failureOf: () => ({ kind: 'failed', code: undefined, isMessageSafe: false }),
    },
    protocols: ['fake:'],
    standardPort: 4_711,
    connect: (given) => {
      seen = given;
      return Promise.reject(new Error('enough'));
    },
  });
  const credential = {
    kind: 'database',
    version: 1,
    secret: new Secret('pw'),
    value: value ?? {},
    expiresAt: undefined,
  };
  await using resources = createResources({ define: [token], vault: { retrieve: async () => credential } });
  const error = await failureOf(inTenant('acme', () => resources.acquire(token)));
  if (seen === undefined) throw error.cause ?? error;
  return seen;
}

describe('where to connect', () => {
  it('comes from the url', async () => {
    const { target } = await connectedTo({ url: 'fake://ann@db.acme.example:99/orders' });
    expect(target).toMatchObject({ host: 'db.acme.example', port: 99, database: 'orders', user: 'ann' });
  });

  it('has a standard port, this machine as host, and the name of the user as database', async () => {
    const { target } = await connectedTo({ user: 'ann' });
    expect(target).toMatchObject({ host: 'localhost', port: 4_711, database: 'ann', user: 'ann' });
  });

  it('comes from settings before the url; user and database from the credential before both', async () => {
    const url = 'fake://ann@db.acme.example:99/orders';
    const settings = { url, host: 'other.example', port: 98, database: 'stock', user: 'bob' };
    expect((await connectedTo(settings)).target).toMatchObject({
      host: 'other.example',
      port: 98,
      database: 'stock',
      user: 'bob',
    });
    const value = { host: 'OTHER.example', port: 98, database: 'gold', username: 'eve' };
    const { target } = await connectedTo({ ...settings, credentials }, value);
    expect(target).toMatchObject({ host: 'other.example', port: 98, database: 'gold', user: 'eve' });
    expect(target.password?.reveal()).toBe('pw');
  });

  it('comes from the credential where the settings say nothing', async () => {
    const value = { host: 'db.acme.example', port: 97, database: 'gold', username: 'eve' };
    const resolver = () => Promise.resolve(['203.0.113.7', '8.8.8.8'].slice(1));
    const { target } = await connectedTo({ credentials, resolver }, value);
    expect(target).toMatchObject({
      host: 'db.acme.example',
      address: '8.8.8.8',
      port: 97,
      tls: { mode: 'verify-full' },
    });
    expect((await connectedTo({ port: 97, credentials, resolver }, value)).target.port).toBe(97);
  });

  it.each([
    [{ host: 'db.acme.example' }, { host: 'evil.example' }],
    [{ url: 'fake://ann@db.acme.example/x' }, { host: '127.0.0.1' }],
    [{ url: 'fake:///x?host=/run/postgresql' }, { host: '127.0.0.1' }],
    [
      { host: 'db.acme.example', port: 5 },
      { host: 'db.acme.example', port: 6 },
    ],
    [{ url: 'fake://ann@db.acme.example:5/x' }, { port: 6 }],
  ] as const)('does not change when a credential says otherwise: %j with %j', async (settings, value) => {
    const refused = connectedTo({ ...settings, credentials }, { username: 'eve', ...value });
    await expect(refused).rejects.toMatchObject({ code: 'RESOURCE_CREDENTIAL_MISMATCH' });
  });

  it.each([
    ['127.0.0.1', []],
    ['localhost', ['127.0.0.1']],
    ['/run/postgresql', []],
    ['10.0.0.7', []],
    ['[::1]', []],
    ['::ffff:10.0.0.7', []],
    ['169.254.169.254', []],
    ['inside.acme.example', ['10.0.0.7']],
    ['both.acme.example', ['8.8.8.8', '10.0.0.7']],
    ['nowhere.acme.example', []],
  ] as const)('that a credential alone has chosen is not inside: %s', async (host, addresses) => {
    const asked = { credentials, resolver: () => Promise.resolve(addresses) };
    const refused = connectedTo(asked, { host, username: 'eve' });
    await expect(refused).rejects.toMatchObject({ code: 'RESOURCE_TARGET_FORBIDDEN' });
  });

  it('that a credential alone has chosen is inside where the settings allow it', async () => {
    const resolver = () => Promise.resolve(['10.20.0.7']);
    const options = { credentials, resolver, allowPrivate: ['10.20.0.0/16'] };
    const value = { host: 'db.acme.example', username: 'eve' };
    expect((await connectedTo(options, value)).target).toMatchObject({ host: 'db.acme.example', address: '10.20.0.7' });
    const other = { ...options, allowPrivate: ['10.30.0.0/16'] };
    await expect(connectedTo(other, value)).rejects.toMatchObject({ code: 'RESOURCE_TARGET_FORBIDDEN' });
    const wrong = { ...options, allowPrivate: ['everything'] };
    await expect(connectedTo(wrong, value)).rejects.toMatchObject({ code: 'RESOURCE_CONFIGURATION_INVALID' });
  });

  it('needs a user', async () => {
    await expect(connectedTo({ host: 'db.acme.example' })).rejects.toThrow('has no user');
  });

  it.each([
    ['fake://ann@localhost/orders', 'disable'],
    ['fake://ann@127.0.0.1/orders', 'disable'],
    ['fake://ann@[::1]/orders', 'disable'],
    ['fake://ann@db.acme.example/orders', 'verify-full'],
    ['fake://ann@127.0.0.1.acme.example/orders', 'verify-full'],
    ['fake://ann@db.acme.example/orders?sslmode=require', 'require'],
    ['fake://ann@localhost/orders?sslmode=verify-full', 'verify-full'],
  ])('is encrypted as the host asks for: %s with %s', async (url, mode) => {
    expect((await connectedTo({ url })).target.tls.mode).toBe(mode);
  });

  it('is encrypted as the settings say, before the url', async () => {
    const tls = { mode: 'disable' } as const;
    const { target } = await connectedTo({ url: 'fake://ann@db.acme.example/x?sslmode=require', tls });
    expect(target.tls.mode).toBe('disable');
  });

  it('has no sslmode that is not known', async () => {
    await expect(connectedTo({ url: 'fake://ann@db.acme.example/x?sslmode=prefer' })).rejects.toThrow('sslmode');
  });
});

describe('a password in the url', () => {
  const register = (options: SqlOptions): unknown => createResources({ define: [postgres('db', options)] });

  it('is refused for any other machine, with what to do instead, and is not shown', async () => {
    const error = await failureOf(() => register({ url: `postgresql://ann:${CANARY}@db.acme.example/orders` }));
    expect(error.code).toBe('RESOURCE_CONFIGURATION_INVALID');
    expect(error.message).toContain('the slot "login"');
    expect(inspect(error, { depth: 9 })).not.toContain(CANARY);
    const parameter = await failureOf(() => register({ url: `postgresql://ann@db.acme.example/x?password=${CANARY}` }));
    expect(parameter.code).toBe('RESOURCE_CONFIGURATION_INVALID');
  });

  it('is taken for this machine, and shown to nobody', async () => {
    const { target } = await connectedTo({ url: `fake://ann:${CANARY}@localhost/orders` });
    expect(target.password?.reveal()).toBe(CANARY);
    await using resources = createResources({
      define: [postgres('db', { url: `postgresql://ann:${CANARY}@127.0.0.1:1/x` })],
    });
    const [token] = resources.tokens();
    if (token === undefined) throw new Error('nothing is registered');
    const error = await failureOf(inTenant('acme', () => resources.acquire(token)));
    expect(inspect([resources.list(), error], { depth: 9 })).not.toContain(CANARY);
    expect(resources.list()[0]?.config['url']).toBe('[hidden]');
  });

  it('is refused beside a credential', async () => {
    const options = { url: `fake://ann:${CANARY}@localhost/x`, credentials: { login: 'db-login' } };
    await expect(connectedTo(options)).rejects.toThrow('take the one out of the url');
  });
});

describe('settings', () => {
  it.each([
    { url: 'https://db.acme.example' },
    { url: 'not a url' },
    { port: 0 },
    { statementTimeoutMs: -1 },
    { connectTimeoutMs: 0 },
    { cancelTimeoutMs: 0 },
    { slowStatementMs: -1 },
    { applicationName: 'ü' },
    { tls: { mode: 'verify-full', ca: 'no certificate' } },
  ] as const)('are refused when they make no sense: %o', async (options) => {
    for (const define of [postgres, mysql]) {
      const error = await failureOf(() => createResources({ define: [define('db', options)] }));
      expect(error.code).toBe('RESOURCE_CONFIGURATION_INVALID');
    }
  });

  it('have a url of the technology', () => {
    for (const url of ['postgres://a@localhost/x', 'postgresql://a@localhost/x']) {
      expect(() => createResources({ define: [postgres('db', { url })] })).not.toThrow();
      expect(() => createResources({ define: [mysql('db', { url })] })).toThrow('mysql://');
    }
    for (const url of ['mysql://a@localhost/x', 'mariadb://a@localhost/x']) {
      expect(() => createResources({ define: [mysql('db', { url })] })).not.toThrow();
      expect(() => createResources({ define: [postgres('db', { url })] })).toThrow('postgres://');
    }
  });

  it('may be brought by a registration', async () => {
    const db = postgres('db', { url: 'postgresql://ann@localhost/x' });
    await using resources = createResources({ define: [db] });
    resources.register(db, { scope: { tenant: 'acme' }, config: { host: 'localhost', port: 1, user: 'bob' } });
    expect(await failureOf(inTenant('acme', () => resources.acquire(db)))).toMatchObject({
      cause: { code: 'RESOURCE_UNAVAILABLE' },
    });
  });
});

import { codeOf, createTestClock, failureOf, type TestClock } from '@tenon/core/testing';
import { apiKey, type CredentialKey } from '@tenon/credentials';
import { hashicorpVaultSource, type HashicorpVaultSourceOptions } from '@tenon/credentials/drivers/hashicorp-vault';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryLogger, type LogLine } from '../vault/support/open-vault.ts';
import { openFakeVault, type FakeVault } from './support/fake-vault.ts';
import { printOut } from './support/print-out.ts';

const key: CredentialKey = { tenant: 'acme', scope: 'org:acme/team:eng', id: 'github' };
const path = 'tenon/credentials/acme/org:acme/team:eng/github';
const idle = new AbortController().signal;

let clock: TestClock;
let server: FakeVault;
let log: LogLine[];
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  clock = createTestClock();
  server = await openFakeVault(clock);
  log = [];
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await server.stop();
});

const open = (options: Partial<HashicorpVaultSourceOptions> = {}) => {
  const source = hashicorpVaultSource({
    address: server.url,
    allowHttp: true,
    auth: { roleId: server.roleId, secretId: server.secretId },
    kind: apiKey,
    clock,
    logger: createMemoryLogger(log),
    ...options,
  });
  opened.push(source);
  return (wanted = key) => source.get(wanted, { signal: idle });
};
const withToken = (token = server.rootToken, options: Partial<HashicorpVaultSourceOptions> = {}) =>
  open({ auth: { token }, ...options });

describe('what Vault is asked', () => {
  it('is one version of one secret, with the token and without anything else', async () => {
    server.put(path, { key: 'first' });
    await withToken()();
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: 'GET',
      target: '/v1/secret/data/tenon/credentials/acme/org%3Aacme/team%3Aeng/github',
      body: '',
    });
    expect(request?.headers).toMatchObject({ 'x-vault-token': server.rootToken, 'x-vault-request': 'true' });
    expect(request?.headers).not.toHaveProperty('x-vault-namespace');
  });

  it('follows the mount, the prefix and the path in the address', async () => {
    await codeOf(
      withToken(server.rootToken, { mount: 'kv/deep', pathPrefix: 'a/b', address: `${server.url}/proxy/` })(),
    );
    expect(server.requests[0]?.target).toBe('/proxy/v1/kv/deep/data/a/b/acme/org%3Aacme/team%3Aeng/github');
  });

  it('can be without a prefix', async () => {
    await withToken(server.rootToken, { pathPrefix: '' })();
    expect(server.requests[0]?.target).toBe('/v1/secret/data/acme/org%3Aacme/team%3Aeng/github');
  });

  it('names the namespace with each request', async () => {
    server.namespace = 'team/eng';
    server.put(path, { key: 'first' });
    expect(await open({ namespace: 'team/eng' })()).toBeDefined();
    expect(await codeOf(open({ namespace: 'other' })())).toBe('CREDENTIAL_STORAGE_DENIED');
    expect(await codeOf(withToken(server.rootToken, { namespace: 'other' })())).toBe('CREDENTIAL_STORAGE_FAILED');
  });

  it('can lie where a function says', async () => {
    server.put('shared/github of acme', { key: 'first' });
    const get = withToken(server.rootToken, { path: ({ tenant, id }) => `shared/${id} of ${tenant}` });
    expect(await get()).toBeDefined();
    expect(server.requests[0]?.target).toBe('/v1/secret/data/shared/github%20of%20acme');
  });

  it.each(['', '/a', 'a/', 'a//b', '../a', 'a/../b', './a', 'a/.', 'a\nb', 'a\u0000b', '\ud800'])(
    'does not go where a function leads it astray: %j',
    async (wrong) => {
      const failure = await failureOf(withToken(server.rootToken, { path: () => wrong })());
      expect(failure).toMatchObject({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option: 'path' } });
      expect(server.requests).toEqual([]);
    },
  );
});

describe('what Vault answers', () => {
  it('is given with its version, its time and, where it will be deleted, its end', async () => {
    const createdAt = new Date(clock.now());
    const expiresAt = new Date(clock.now() + 60_000);
    server.put(path, { key: 'first' }, expiresAt.toISOString());
    expect(await withToken()()).toMatchObject({ version: '1', createdAt, expiresAt, ttlMs: 0 });
    await clock.advance(60_000);
    expect(await withToken()()).toBeUndefined();
  });

  it('is kept as long as the options say', async () => {
    server.put(path, { key: 'first' });
    expect(await withToken(server.rootToken, { ttlMs: 5_000 })()).toMatchObject({ ttlMs: 5_000 });
  });

  it('can be that the newest version was deleted, or destroyed: then there is none', async () => {
    server.put(path, { key: 'first' });
    const get = withToken();
    server.remove(path);
    expect(await get()).toBeUndefined();
    server.put(path, { key: 'second' });
    expect(await get()).toMatchObject({ version: '2' });
    server.destroy(path);
    expect(await get()).toBeUndefined();
  });

  it('can be that nothing is mounted there, which is not that there is no secret', async () => {
    const failure = await failureOf(withToken(server.rootToken, { mount: 'nothing' })());
    expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_FAILED', details: { status: 404 } });
    expect(failure.message).toContain('mount');
  });

  it('can be that the engine is of version 1', async () => {
    server.fault({ status: 200, body: JSON.stringify({ data: { key: 'canary' } }) });
    const failure = await failureOf(withToken()());
    expect(failure.code).toBe('CREDENTIAL_STORAGE_CORRUPT');
    expect(failure.message).toContain('version 2');
  });

  it('can be that it is sealed', async () => {
    server.sealed = true;
    const failure = await failureOf(withToken()());
    expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_UNAVAILABLE', details: { status: 503 } });
    expect(failure.message).toContain('sealed');
  });

  it.each([412, 429, 472, 473])('can be the status %i', async (status) => {
    server.fault({ status, body: '{"errors":[]}' });
    const code = status < 470 ? 'CREDENTIAL_STORAGE_UNAVAILABLE' : 'CREDENTIAL_STORAGE_FAILED';
    expect(await codeOf(withToken()())).toBe(code);
  });
});

describe('a role', () => {
  const logins = () => server.requests.filter(({ target }) => target.endsWith('/login'));

  it('logs in once, when the first secret is wanted', async () => {
    server.put(path, { key: 'first' });
    const get = open();
    expect(server.requests).toEqual([]);
    await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(server.logins).toBe(1);
    expect(logins()[0]).toMatchObject({
      method: 'POST',
      target: '/v1/auth/approle/login',
      body: JSON.stringify({ role_id: server.roleId, secret_id: server.secretId }),
    });
  });

  it('logs in where AppRole is mounted', async () => {
    const auth = { roleId: server.roleId, secretId: server.secretId, mount: 'team/approle' };
    await codeOf(open({ auth })());
    expect(logins()[0]?.target).toBe('/v1/auth/team/approle/login');
  });

  it('is refused with another secret id', async () => {
    const failure = await failureOf(open({ auth: { roleId: server.roleId, secretId: 'canary-secret-id' } })());
    expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_DENIED', details: { status: 400 } });
    expect(printOut(failure, log)).not.toContain('canary');
  });

  it('logs in once more when its token is refused, however many secrets are wanted, and then gives them', async () => {
    server.put(path, { key: 'first' });
    const get = open();
    await get();
    await clock.advance(5_000);
    for (const token of server.issued) server.revoke(token);
    const found = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(found.every((one) => one?.version === '1')).toBe(true);
    expect(server.logins).toBe(2);
  });

  it('logs in once more for a refusal, not more: then its policy is what refuses', async () => {
    server.put(path, { key: 'first' });
    server.deny(path);
    const get = open();
    await codeOf(get({ ...key, id: 'other' }));
    await clock.advance(5_000);
    expect(await codeOf(get())).toBe('CREDENTIAL_STORAGE_DENIED');
    expect(server.logins).toBe(2);
  });

  it('does not log in again for each refusal of its policy', async () => {
    server.put(path, { key: 'first' });
    server.deny(path);
    const get = open();
    for (let at = 0; at < 10; at += 1) expect(await codeOf(get())).toBe('CREDENTIAL_STORAGE_DENIED');
    expect(server.logins).toBe(1);
  });

  it('tells that it cannot log in again as what it is', async () => {
    server.put(path, { key: 'first' });
    const get = open();
    await get();
    await clock.advance(5_000);
    server.revoke(server.issued[0] ?? '');
    server.secretId = 'another-now';
    expect(await codeOf(get())).toBe('CREDENTIAL_STORAGE_DENIED');
    server.sealed = true;
    expect(await codeOf(get())).toBe('CREDENTIAL_STORAGE_UNAVAILABLE');
  });

  it('renews its token when two thirds of its time are over, again and again', async () => {
    server.put(path, { key: 'first' });
    const get = open();
    await get();
    await settled(() => clock.advance(39_999));
    expect(server.renewals).toBe(0);
    for (let round = 1; round <= 5; round += 1) {
      await settled(
        () => clock.advance(round === 1 ? 1 : 40_000),
        () => server.renewals === round,
      );
    }
    expect(await get()).toBeDefined();
    expect(server.logins).toBe(1);
  });

  it('logs in anew before the last renewals would give it next to nothing', async () => {
    server.lease = { seconds: 60, maxSeconds: 100, renewable: true };
    server.put(path, { key: 'first' });
    const get = open();
    await get();
    // At 40 s it gets 60 more; at 80 s only 20.
    await settled(
      () => clock.advance(40_000),
      () => server.renewals === 1,
    );
    await settled(
      () => clock.advance(40_000),
      () => server.logins === 2,
    );
    expect(await get()).toBeDefined();
    expect(server.requests.at(-1)?.headers['x-vault-token']).toBe(server.issued[1]);
  });

  it('logs in anew with a token that cannot be renewed, before it ends', async () => {
    server.lease = { seconds: 60, maxSeconds: 60, renewable: false };
    server.put(path, { key: 'first' });
    const get = open();
    await get();
    await settled(
      () => clock.advance(40_000),
      () => server.logins === 2,
    );
    expect(server.renewals).toBe(0);
    expect(await get()).toBeDefined();
  });

  it('logs in when the token ended while Vault could not be asked', async () => {
    server.put(path, { key: 'first' });
    const get = open();
    await get();
    server.sealed = true;
    for (let at = 0; at < 12; at += 1) await settled(() => clock.advance(6_000));
    expect(await codeOf(get())).toBe('CREDENTIAL_STORAGE_UNAVAILABLE');
    server.sealed = false;
    const before = server.requests.length;
    expect(await get()).toBeDefined();
    expect(server.logins).toBe(2);
    // It is known to have ended: it is not tried first.
    expect(server.requests).toHaveLength(before + 2);
  });

  it('tries again to renew while there is time', async () => {
    server.put(path, { key: 'first' });
    const get = open();
    await get();
    server.fault({ status: 500 }, ({ target }) => target.endsWith('renew-self'));
    await settled(
      () => clock.advance(40_000),
      () => server.requests.at(-1)?.target.endsWith('renew-self') === true,
    );
    await settled(
      () => clock.advance(7_000),
      () => server.renewals === 1,
    );
    expect(server.logins).toBe(1);
  });

  it('is left alone by its timers once it is closed', async () => {
    await open()();
    expect(clock.pending()).toBe(1);
    for (const one of opened.splice(0)) await one.close();
    expect(clock.pending()).toBe(0);
  });

  it('is answered without a token by what is no Vault', async () => {
    server.fault({ status: 200, body: '{"auth":{}}' });
    expect(await codeOf(open()())).toBe('CREDENTIAL_STORAGE_CORRUPT');
  });
});

describe('a token', () => {
  it('is renewed when two thirds of what is left of its time are over', async () => {
    const token = server.issue();
    server.put(path, { key: 'first' });
    const get = withToken(token);
    await get();
    await settled(
      () => clock.advance(1_000),
      () => server.requests.at(-1)?.target.endsWith('lookup-self') === true,
    );
    for (let round = 1; round <= 5; round += 1) {
      await settled(
        () => clock.advance(40_000),
        () => server.renewals === round,
      );
    }
    expect(await get()).toBeDefined();
  });

  it('is used as it is when it has no end', async () => {
    const get = withToken();
    await get();
    await settled(
      () => clock.advance(1_000),
      () => server.requests.length === 2,
    );
    await settled(() => clock.advance(1_000_000));
    expect(server.requests).toHaveLength(2);
    expect(clock.pending()).toBe(0);
  });

  it('is reported in time when it cannot be renewed', async () => {
    const get = withToken(server.issue({ seconds: 60, maxSeconds: 60, renewable: false }));
    await get();
    await settled(
      () => clock.advance(1_000),
      () => server.requests.length === 2,
    );
    await settled(() => clock.advance(39_999));
    expect(log.at(-1)).toMatchObject({ level: 'warn', fields: { source: 'hashicorp-vault' } });
    expect(log.at(-1)?.message).toContain('cannot be renewed');
  });

  it('is looked up again later when Vault could not tell', async () => {
    const get = withToken(server.issue());
    await get();
    server.sealed = true;
    await settled(
      () => clock.advance(1_000),
      () => server.requests.length === 2,
    );
    server.sealed = false;
    await settled(
      () => clock.advance(30_000),
      () => server.requests.length === 3,
    );
    expect(server.requests.at(-1)?.target).toBe('/v1/auth/token/lookup-self');
  });

  it('is good for reading although it must not look itself up', async () => {
    server.put(path, { key: 'first' });
    const get = withToken();
    await get();
    server.fault({ status: 403, body: '{"errors":["permission denied"]}' }, ({ target }) =>
      target.endsWith('lookup-self'),
    );
    await settled(
      () => clock.advance(1_000),
      () => log.length > 0,
    );
    expect(await get()).toBeDefined();
    expect(clock.pending()).toBe(0);
  });

  it('that is refused is refused: there is nothing to log in with', async () => {
    const failure = await failureOf(withToken('hvs.canary-token')());
    expect(failure.code).toBe('CREDENTIAL_STORAGE_DENIED');
    expect(server.requests).toHaveLength(1);
    expect(printOut(failure, log)).not.toContain('canary');
  });
});

describe('the options', () => {
  const auth = { token: 'hvs.canary' };
  const address = 'https://vault.example:8200';
  it.each<[string, Partial<HashicorpVaultSourceOptions>]>([
    ['address', { address: 'http://vault.example:8200' }],
    ['address', { address: 'canary' }],
    ['address', { address: 'https://user:canary@vault.example' }],
    ['address', { address: 'https://vault.example/?token=canary' }],
    ['address', { address: 'ftp://vault.example', allowHttp: true }],
    ['mount', { mount: '/secret' }],
    ['mount', { mount: '' }],
    ['pathPrefix', { pathPrefix: 'a//b' }],
    ['auth.token', { auth: { token: 'canary\n' } }],
    ['auth.token', { auth: { token: '' } }],
    ['auth.roleId', { auth: { roleId: '', secretId: 'canary' } }],
    ['auth.secretId', { auth: { roleId: 'role', secretId: 'canary canary' } }],
    ['auth.mount', { auth: { roleId: 'role', secretId: 'canary', mount: 'a/' } }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: 60_001 }],
    ['ttlMs', { ttlMs: -1 }],
    ['ttlMs', { ttlMs: 86_400_001 }],
    ['name', { name: 'Vault of Acme' }],
  ])('are refused with the name of what is wrong: %s, %j', async (option, wrong) => {
    const failure = await failureOf(() => hashicorpVaultSource({ address, auth, ...wrong }));
    expect(failure).toMatchObject({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option } });
    expect(printOut(failure)).not.toContain('canary');
  });

  it('give each source the name under which it is found', () => {
    expect(hashicorpVaultSource({ address, auth }).name).toBe('hashicorp-vault');
    expect(hashicorpVaultSource({ address, auth, name: 'openbao' }).name).toBe('openbao');
  });

  it('show nothing of a token in the source', () => {
    expect(printOut(hashicorpVaultSource({ address, auth }))).not.toContain('canary');
  });

  it('set how long a request may take', async () => {
    const get = withToken(server.rootToken, { timeoutMs: 50 });
    server.fault('hang');
    const failure = failureOf(get());
    await server.arrived(1);
    await clock.advance(50);
    expect(await failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_TIMEOUT', details: { timeoutMs: 50 } });
  });
});

/** Moves time, and lets what falls due speak with the server until it has come to something. */
async function settled(move: () => Promise<void>, done: () => boolean = () => true): Promise<void> {
  await move();
  for (let turn = 0; turn < 200 || !done(); turn += 1) {
    if (turn > 20_000) throw new Error('it did not come to that');
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

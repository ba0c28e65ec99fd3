import { codeOf, createTestClock, failureOf, type TestClock } from '@tenon/core/testing';
import { apiKey, type CredentialKey } from '@tenon/credentials';
import { hashicorpVaultSource } from '@tenon/credentials/drivers/hashicorp-vault';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openFakeServer, type FakeServer } from './support/fake-server.ts';
import { startRealVault, type RealVault } from './support/real-vault.ts';
import { sourceContract, type SourceRig } from './support/source-contract.ts';

// The path of `bao` or `vault`: then the source is held to the real one too, and the fake one to what that answers.
const program = process.env['TENON_TEST_OPENBAO'];

const pathOf = ({ tenant, scope, id }: CredentialKey): string => `tenon/credentials/${tenant}/${scope}/${id}`;
const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

interface RealRig extends SourceRig {
  readonly front: FakeServer;
  readonly roleId: string;
}

/** The source reads through a server that passes everything on, and can be told to spoil it. */
async function openRig(vault: RealVault, clock: TestClock): Promise<RealRig> {
  const denied: string[] = [];
  const pending: Promise<unknown>[] = [];
  const later = (work: Promise<unknown>): void => void pending.push(work);
  const writePolicy = () => {
    const rules = [
      'path "secret/data/*" { capabilities = ["read"] }',
      ...denied.map((path) => `path "secret/data/${path}" { capabilities = ["deny"] }`),
    ];
    return vault.call('POST', 'sys/policies/acl/tenon', { policy: rules.join('\n') });
  };
  await vault.call('POST', 'sys/auth/approle', { type: 'approle' }).catch(() => undefined);
  await writePolicy();
  const role = { token_policies: ['tenon'], token_ttl: '60s', token_max_ttl: '600s' };
  await vault.call('POST', 'auth/approle/role/tenon', role);
  const { data } = await vault.call('GET', 'auth/approle/role/tenon/role-id');
  const { data: made } = await vault.call('POST', 'auth/approle/role/tenon/secret-id');
  const roleId = (data as { role_id: string }).role_id;
  const secretId = (made as { secret_id: string }).secret_id;

  const front = await openFakeServer(async ({ method, target, headers, body }) => {
    await Promise.all(pending.splice(0));
    const passed = Object.entries(headers).filter(([name]) => name.startsWith('x-vault-')) as [string, string][];
    const answer = await fetch(`${vault.address}${target}`, {
      method,
      headers: Object.fromEntries(passed),
      ...(method === 'POST' ? { body } : {}),
    });
    return { status: answer.status, body: await answer.text() };
  });
  const source = hashicorpVaultSource({
    address: front.url,
    allowHttp: true,
    auth: { roleId, secretId },
    kind: apiKey,
    clock,
  });
  return {
    source,
    front,
    roleId,
    put: async (key, secret) =>
      void (await vault.call('POST', `secret/data/${encoded(pathOf(key))}`, { data: { key: secret } })),
    remove: async (key) => void (await vault.call('DELETE', `secret/data/${encoded(pathOf(key))}`)),
    deny(key) {
      denied.push(pathOf(key));
      later(writePolicy());
    },
    break: () => later(vault.seal()),
    mend: () => later(vault.unseal()),
    hang: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      front.fault('hang', ({ target }) => {
        const isRead = target.includes('/data/');
        if (isRead) resolve();
        return isRead;
      });
      return promise;
    },
    own: [secretId],
    async stop() {
      await source.close();
      await front.stop();
      await Promise.all(pending);
      await vault.unseal();
      for (const path of await everything(vault, 'tenon')) await vault.call('DELETE', `secret/metadata/${path}`);
    },
  };
}

async function everything(vault: RealVault, folder: string): Promise<readonly string[]> {
  const listed = await vault.call('GET', `secret/metadata/${encoded(folder)}?list=true`).catch(() => undefined);
  const { keys = [] } = (listed?.['data'] ?? {}) as { readonly keys?: readonly string[] };
  const found = await Promise.all(
    keys.map(async (name) =>
      name.endsWith('/') ? everything(vault, `${folder}/${name.slice(0, -1)}`) : [encoded(`${folder}/${name}`)],
    ),
  );
  return found.flat();
}

describe('a real OpenBao or Vault', () => {
  let vault: RealVault;
  beforeAll(async () => {
    if (program !== undefined) vault = await startRealVault(program);
  });
  beforeEach((context) => {
    context.skip(program === undefined, 'TENON_TEST_OPENBAO does not name the program of an OpenBao or a Vault');
  });
  afterAll(() => vault?.stop());

  sourceContract('OpenBao', (clock) => openRig(vault, clock));

  describe('its tokens and engines', () => {
    const key: CredentialKey = { tenant: 'acme', scope: 'org:acme/team:eng', id: 'github' };
    const idle = new AbortController().signal;
    let clock: TestClock;
    let rig: RealRig;
    beforeEach(async () => {
      clock = createTestClock();
      rig = await openRig(vault, clock);
      await rig.put(key, 'first');
    });
    afterEach(() => rig.stop());
    const get = () => rig.source.get(key, { signal: idle });
    const targets = () => rig.front.requests.map(({ target }) => target.replace('/v1/', ''));
    const tokenAt = (index: number) => rig.front.requests.at(index)?.headers['x-vault-token'] ?? '';

    it('are logged in for again after a token was revoked', async () => {
      expect(await get()).toMatchObject({ version: '1' });
      await vault.call('POST', 'auth/token/revoke', { token: tokenAt(-1) });
      await clock.advance(5_000);
      expect(await get()).toMatchObject({ version: '1' });
      expect(targets().filter((target) => target.endsWith('/login'))).toHaveLength(2);
    });

    it('are renewed', async () => {
      await get();
      const token = tokenAt(-1);
      await clock.advance(40_000);
      await rig.front.arrived(3);
      expect(targets().at(-1)).toBe('auth/token/renew-self');
      await get();
      expect(tokenAt(-1)).toBe(token);
      expect(targets().filter((target) => target.endsWith('/login'))).toHaveLength(1);
    });

    it('say of a deleted and of a destroyed version that there is none', async () => {
      await rig.remove(key);
      expect(await get()).toBeUndefined();
      await rig.put(key, 'second');
      expect(await get()).toMatchObject({ version: '2' });
      await vault.call('POST', `secret/destroy/${encoded(pathOf(key))}`, { versions: [2] });
      expect(await get()).toBeUndefined();
    });

    it('give a version that will be deleted its end', async () => {
      await vault.call('POST', `secret/metadata/${encoded(pathOf(key))}`, { delete_version_after: '1h' });
      await rig.put(key, 'second');
      const { expiresAt, createdAt } = (await get()) ?? {};
      expect(Number(expiresAt) - Number(createdAt)).toBe(3_600_000);
    });

    it('tell an engine that is missing, or of version 1, from a secret that is missing', async () => {
      await vault.call('POST', 'sys/mounts/kv1', { type: 'kv', options: { version: '1' } });
      await vault.call('POST', `kv1/data/${encoded(pathOf(key))}`, { key: 'first' });
      const auth = { token: vault.rootToken };
      const open = (mount: string) => hashicorpVaultSource({ address: vault.address, allowHttp: true, auth, mount });
      for (const [mount, code] of [
        ['nothing', 'CREDENTIAL_STORAGE_FAILED'],
        ['kv1', 'CREDENTIAL_STORAGE_CORRUPT'],
      ] as const) {
        const source = open(mount);
        expect((await failureOf(source.get(key, { signal: idle }))).code).toBe(code);
        await source.close();
      }
      await vault.call('DELETE', 'sys/mounts/kv1');
    });

    it('refuse a role and a token that they do not know', async () => {
      for (const auth of [{ token: 'hvs.unknown' }, { roleId: rig.roleId, secretId: 'unknown' }]) {
        const source = hashicorpVaultSource({ address: vault.address, allowHttp: true, auth });
        expect(await codeOf(source.get(key, { signal: idle }))).toBe('CREDENTIAL_STORAGE_DENIED');
        await source.close();
      }
    });
  });
});

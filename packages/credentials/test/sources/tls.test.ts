import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestClock, failureOf } from '@tenon/core/testing';
import { apiKey, type CredentialKey } from '@tenon/credentials';
import { hashicorpVaultSource } from '@tenon/credentials/drivers/hashicorp-vault';
import { kubernetesSecretName, kubernetesSource } from '@tenon/credentials/drivers/kubernetes';
import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { openFakeKubernetes, type FakeKubernetes } from './support/fake-kubernetes.ts';
import { openFakeVault } from './support/fake-vault.ts';
import { materialIn } from './support/material-in.ts';

const key: CredentialKey = { tenant: 'acme', scope: 'org:acme', id: 'github' };
const name = kubernetesSecretName(key);
const idle = new AbortController().signal;

interface Identity {
  readonly key: string;
  readonly cert: string;
}

let folder: string;
let identities: Readonly<Record<'ours' | 'others' | 'elsewhere', Identity>> | undefined;
const opened: { close(): Promise<void> }[] = [];
const servers: { stop(): Promise<void> }[] = [];

/** A certificate for a name, signed by itself; `undefined` where openssl is missing. */
function identity(file: string, subjectAltName: string): Identity | undefined {
  const keyFile = join(folder, `${file}.key`);
  const certFile = join(folder, `${file}.crt`);
  const subject = ['-subj', '/CN=tenon', '-addext', `subjectAltName=${subjectAltName}`, '-days', '2'];
  const files = ['-keyout', keyFile, '-out', certFile];
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject]);
  if (made.status !== 0) return undefined;
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenon-sources-'));
  const ours = identity('ours', 'IP:127.0.0.1');
  const others = identity('others', 'IP:127.0.0.1');
  const elsewhere = identity('elsewhere', 'DNS:elsewhere.example');
  if (ours !== undefined && others !== undefined && elsewhere !== undefined) identities = { ours, others, elsewhere };
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  for (const one of servers.splice(0)) await one.stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const need = (context: TestContext): NonNullable<typeof identities> =>
  identities ?? context.skip('openssl cannot make a certificate here');

const cluster = async (tls: Identity): Promise<FakeKubernetes> => {
  const server = await openFakeKubernetes({ tls });
  servers.push(server);
  server.tokens.add('token');
  server.put('apps', name, { key: 'first' });
  return server;
};
const open = (server: FakeKubernetes, caFile?: string) => {
  const source = kubernetesSource({
    server: server.url,
    namespace: 'apps',
    token: 'token',
    kind: apiKey,
    ...(caFile === undefined ? {} : { caFile }),
  });
  opened.push(source);
  return () => source.get(key, { signal: idle });
};
const fileWith = (text: string): string => {
  const file = join(folder, 'ca.crt');
  writeFileSync(file, text);
  return file;
};

describe('a server with a certificate', () => {
  it('is trusted when the file holds its issuer', async (context) => {
    const { ours } = need(context);
    const server = await cluster(ours);
    expect(await open(server, fileWith(ours.cert))()).toBeDefined();
  });

  it('is not trusted without, and hears no token', async (context) => {
    const { ours, others } = need(context);
    const server = await cluster(ours);
    for (const get of [open(server), open(server, fileWith(others.cert))]) {
      const failure = await failureOf(get());
      expect(failure).toMatchObject({
        code: 'CREDENTIAL_STORAGE_FAILED',
        retryable: false,
        details: { source: 'kubernetes' },
      });
      expect(failure.message).toContain('certificate');
    }
    expect(server.requests).toEqual([]);
  });

  it('is not trusted under the name of another', async (context) => {
    const { elsewhere } = need(context);
    const server = await cluster(elsewhere);
    const failure = await failureOf(open(server, fileWith(elsewhere.cert))());
    expect(failure).toMatchObject({
      code: 'CREDENTIAL_STORAGE_FAILED',
      details: { reason: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
    expect(server.requests).toEqual([]);
  });

  it('is trusted anew when the file was replaced, and by the new one alone', async (context) => {
    const { ours, others } = need(context);
    const server = await cluster(ours);
    const file = fileWith(others.cert);
    const get = open(server, file);
    expect((await failureOf(get())).code).toBe('CREDENTIAL_STORAGE_FAILED');
    writeFileSync(`${file}.new`, ours.cert);
    renameSync(`${file}.new`, file);
    expect(await get()).toBeDefined();
    writeFileSync(file, others.cert);
    expect((await failureOf(get())).code).toBe('CREDENTIAL_STORAGE_FAILED');
  });

  it('may have to be trusted by a file that is missing, or is none', async (context) => {
    const { ours } = need(context);
    const server = await cluster(ours);
    const missing = await failureOf(open(server, join(folder, 'nowhere.crt'))());
    expect(missing).toMatchObject({ code: 'CREDENTIAL_STORAGE_FAILED', details: { option: 'caFile' } });
    expect((await failureOf(open(server, fileWith('not a certificate'))())).code).toBe('CREDENTIAL_STORAGE_FAILED');
  });

  it('is trusted by an option for Vault', async (context) => {
    const { ours, others } = need(context);
    const clock = createTestClock();
    const server = await openFakeVault(clock, { tls: ours });
    servers.push(server);
    server.put('tenon/credentials/acme/org:acme/github', { key: 'first' });
    const auth = { token: server.rootToken };
    for (const [certificates, expected] of [
      [ours.cert, 'first'],
      [others.cert, 'CREDENTIAL_STORAGE_FAILED'],
      [undefined, 'CREDENTIAL_STORAGE_FAILED'],
    ] as const) {
      const more = certificates === undefined ? {} : { certificates };
      const source = hashicorpVaultSource({ address: server.url, auth, kind: apiKey, clock, ...more });
      opened.push(source);
      const reading = source.get(key, { signal: idle });
      const outcome =
        expected === 'first' ? (await materialIn(await reading))?.secret : (await failureOf(reading)).code;
      expect(outcome).toBe(expected);
    }
  });

  it('can be what a secret of Kubernetes holds', async (context) => {
    const { ours } = need(context);
    const server = await cluster(ours);
    server.put('apps', name, { 'tls.crt': ours.cert, 'tls.key': ours.key }, 'kubernetes.io/tls');
    const found = await materialIn(await open(server, fileWith(ours.cert))());
    expect(found).toMatchObject({ kind: 'certificate', secret: ours.key, value: { subject: 'CN=tenon' } });
  });
});

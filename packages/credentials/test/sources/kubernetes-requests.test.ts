import { writeFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf, createTestClock, failureOf, type TestClock } from '@tenon/core/testing';
import { apiKey, keyText, type CredentialKey } from '@tenon/credentials';
import {
  kubernetesSecretName,
  kubernetesSource,
  type KubernetesSourceOptions,
} from '@tenon/credentials/drivers/kubernetes';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFakeKubernetes, type FakeKubernetes } from './support/fake-kubernetes.ts';
import { json } from './support/fake-server.ts';
import { materialIn } from './support/material-in.ts';
import { printOut } from './support/print-out.ts';
import { anyKey } from './support/source-contract.ts';

const key: CredentialKey = { tenant: 'acme', scope: 'org:acme/team:eng', id: 'github' };
const name = kubernetesSecretName(key);
const idle = new AbortController().signal;

let clock: TestClock;
let server: FakeKubernetes;
let folder: string;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  clock = createTestClock();
  server = await openFakeKubernetes();
  server.tokens.add('canary-token');
  folder = await mkdtemp(join(tmpdir(), 'tenon-kubernetes-'));
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const open = (options: Partial<KubernetesSourceOptions> = {}) => {
  const source = kubernetesSource({
    server: server.url,
    allowHttp: true,
    namespace: 'apps',
    ...(options.tokenFile === undefined ? { token: 'canary-token' } : {}),
    kind: apiKey,
    clock,
    ...options,
  });
  opened.push(source);
  return (wanted = key) => source.get(wanted, { signal: idle });
};

describe('the name of a secret', () => {
  it('is a hash of the whole key in base32, the same for ever', () => {
    // Worked out with: printf 'acme|org:acme/team:eng|github' | sha256sum | xxd -r -p | base32 | tr A-Z a-z
    expect(name).toBe('tenon-lhqw4hdbzlvrnidyfeorlwwkcgt6kc2rjuyq4ok7ygy3d3y5p3fq');
    expect(kubernetesSecretName(key, 'prod.')).toBe('prod.lhqw4hdbzlvrnidyfeorlwwkcgt6kc2rjuyq4ok7ygy3d3y5p3fq');
  });

  it('is one that Kubernetes permits, and another for each key', () => {
    fc.assert(
      fc.property(anyKey, anyKey, (one, other) => {
        expect(kubernetesSecretName(one)).toMatch(/^tenon-[a-z2-7]{52}$/);
        expect(kubernetesSecretName(one) === kubernetesSecretName(other)).toBe(keyText(one) === keyText(other));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what Kubernetes is asked', () => {
  it('is one secret, with the token', async () => {
    server.put('apps', name, { key: 'first' });
    expect(await open()()).toBeDefined();
    expect(server.requests).toMatchObject([{ method: 'GET', target: `/api/v1/namespaces/apps/secrets/${name}` }]);
    expect(server.requests[0]?.headers['authorization']).toBe('Bearer canary-token');
  });

  it('follows the prefix, and the functions for namespace and name', async () => {
    await open({ prefix: 'prod-' })();
    await open({ namespace: ({ tenant }) => `tenant-${tenant}`, secretName: ({ id }) => `${id}.of.mine` })();
    expect(server.requests.map(({ target }) => target)).toEqual([
      `/api/v1/namespaces/apps/secrets/${kubernetesSecretName(key, 'prod-')}`,
      '/api/v1/namespaces/tenant-acme/secrets/github.of.mine',
    ]);
  });

  it.each<[string, Partial<KubernetesSourceOptions>]>([
    ['namespace', { namespace: () => '../kube-system' }],
    ['namespace', { namespace: () => 'Apps' }],
    ['namespace', { namespace: () => '' }],
    ['secretName', { secretName: () => '../../secrets' }],
    ['secretName', { secretName: () => 'a/b' }],
    ['secretName', { secretName: () => 'A' }],
    ['secretName', { secretName: () => '-a' }],
    ['secretName', { secretName: () => 'a..b' }],
    ['secretName', { secretName: () => 'a'.repeat(254) }],
    ['secretName', { secretName: () => '' }],
  ])('does not go where a function leads it astray: %s, %o', async (option, wrong) => {
    const failure = await failureOf(open(wrong)());
    expect(failure).toMatchObject({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option } });
    expect(server.requests).toEqual([]);
  });
});

describe('a secret of Kubernetes', () => {
  const read = async (options: Partial<KubernetesSourceOptions> = {}) => materialIn(await open(options)());

  it('is material by its fields', async () => {
    server.put('apps', name, { key: 'first' });
    expect(await read()).toEqual({ kind: 'api-key', secret: 'first', value: {} });
    expect(await open({ ttlMs: 500 })()).toMatchObject({ version: '1001', ttlMs: 500 });
  });

  it('can say its kind itself', async () => {
    server.put('apps', name, { kind: 'bearer', token: 'first' });
    expect(await read()).toMatchObject({ kind: 'bearer', secret: 'first' });
  });

  it('of the type for basic authentication is of that kind', async () => {
    server.put('apps', name, { username: 'mail', password: 'pass' }, 'kubernetes.io/basic-auth');
    expect(await read()).toEqual({ kind: 'basic', secret: 'pass', value: { username: 'mail' } });
    server.put('apps', name, { username: 'mail' }, 'kubernetes.io/basic-auth');
    expect(await codeOf(read())).toBe('CREDENTIAL_INVALID');
  });

  it('of any type is what a function makes of it', async () => {
    server.put('apps', name, { username: 'mail', password: 'pass' }, 'kubernetes.io/basic-auth');
    const material = await read({
      material: ({ field }) => apiKey(`${field('username')}:${field('password')}`),
    });
    expect(material).toEqual({ kind: 'api-key', secret: 'mail:pass', value: {} });
  });

  it('can hold bytes, for a function that knows what they are', async () => {
    server.put('apps', name, { key: new Uint8Array([0xff, 0x00]), note: 'text' });
    expect(await codeOf(read())).toBe('CREDENTIAL_INVALID');
    const material = await read({
      material: ({ field, binary }) => apiKey(`${field('note')} ${Buffer.from(binary['key'] ?? []).toString('hex')}`),
    });
    expect(material?.secret).toBe('text ff00');
  });

  it('without fields is no credential', async () => {
    server.fault(json(200, { kind: 'Secret', metadata: { name, namespace: 'apps' } }));
    expect(await codeOf(read())).toBe('CREDENTIAL_INVALID');
  });

  it.each([
    ['another name', { metadata: { name: 'another', namespace: 'apps' } }],
    ['another namespace', { metadata: { name, namespace: 'other' } }],
    ['no metadata', {}],
    ['what is no base64', { metadata: { name, namespace: 'apps' }, data: { key: 'canary!' } }],
    ['base64 without its end', { metadata: { name, namespace: 'apps' }, data: { key: 'Y2FuYXJ5cw' } }],
    ['a number', { metadata: { name, namespace: 'apps' }, data: { key: 1 } }],
  ])('with %s is corrupt', async (_, object) => {
    server.fault(json(200, { kind: 'Secret', apiVersion: 'v1', ...object }));
    const failure = await failureOf(open()());
    expect(failure.code).toBe('CREDENTIAL_STORAGE_CORRUPT');
    expect(printOut(failure)).not.toContain('canary!');
  });

  it('is not a list of them', async () => {
    server.fault(json(200, { kind: 'SecretList', items: [] }));
    expect(await codeOf(open()())).toBe('CREDENTIAL_STORAGE_CORRUPT');
  });
});

describe('the errors of Kubernetes', () => {
  const status = (code: number, reason: string, more: object = {}) =>
    json(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'canary', reason, code, ...more });

  it.each([
    [400, 'BadRequest', 'CREDENTIAL_STORAGE_FAILED'],
    [401, 'Unauthorized', 'CREDENTIAL_STORAGE_DENIED'],
    [403, 'Forbidden', 'CREDENTIAL_STORAGE_DENIED'],
    [404, 'MethodNotAllowed', 'CREDENTIAL_STORAGE_FAILED'],
    [406, 'NotAcceptable', 'CREDENTIAL_STORAGE_FAILED'],
    [429, 'TooManyRequests', 'CREDENTIAL_STORAGE_UNAVAILABLE'],
    [500, 'InternalError', 'CREDENTIAL_STORAGE_UNAVAILABLE'],
    [503, 'ServiceUnavailable', 'CREDENTIAL_STORAGE_UNAVAILABLE'],
    [504, 'Timeout', 'CREDENTIAL_STORAGE_UNAVAILABLE'],
  ])('%i %s is %s', async (code, reason, expected) => {
    server.fault(status(code, reason));
    const failure = await failureOf(open()());
    expect(failure).toMatchObject({ code: expected, details: { status: code, source: 'kubernetes' } });
    expect(printOut(failure)).not.toContain('canary');
  });

  it('tell how long to wait in a header or in the answer', async () => {
    server.fault(status(504, 'ServerTimeout', { details: { retryAfterSeconds: 3 } }));
    expect(await failureOf(open()())).toMatchObject({ retryAfterMs: 3_000 });
    server.fault(status(504, 'ServerTimeout', { details: { retryAfterSeconds: -3 } }));
    expect(await failureOf(open()())).toMatchObject({ retryAfterMs: undefined });
  });
});

describe('the token', () => {
  it('is read from its file anew when Kubernetes has replaced it', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'first-token\n');
    server.tokens.add('first-token');
    server.put('apps', name, { key: 'first' });
    const get = open({ tokenFile });
    expect(await get()).toBeDefined();
    server.tokens.delete('first-token');
    server.tokens.add('second-token');
    await writeFile(`${tokenFile}.new`, 'second-token\n');
    await rename(`${tokenFile}.new`, tokenFile);
    expect(await get()).toBeDefined();
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer first-token',
      'Bearer second-token',
    ]);
  });

  it('may be replaced while a request is on its way', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'first-token');
    server.tokens.add('second-token');
    server.put('apps', name, { key: 'first' });
    const get = open({ tokenFile });
    server.fault('hang');
    const hanging = failureOf(get());
    await server.arrived(1);
    await clock.advance(5_000);
    expect((await hanging).code).toBe('CREDENTIAL_STORAGE_TIMEOUT');
    // Read while it was still the first, refused when it is not any more.
    server.fault(json(401, { kind: 'Status', reason: 'Unauthorized' }), () => {
      writeFileSync(tokenFile, 'second-token');
      return true;
    });
    expect(await get()).toBeDefined();
    expect(server.requests.at(-1)?.headers['authorization']).toBe('Bearer second-token');
  });

  it('that is refused and still the same is refused', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'canary-unknown');
    const failure = await failureOf(open({ tokenFile })());
    expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_DENIED', details: { status: 401 } });
    expect(server.requests).toHaveLength(1);
    expect(printOut(failure)).not.toContain('canary');
  });

  it.each([
    ['', 'CREDENTIALS_OPTIONS_INVALID'],
    ['canary canary', 'CREDENTIALS_OPTIONS_INVALID'],
    [undefined, 'CREDENTIAL_STORAGE_FAILED'],
  ])('that is none is not sent: %j', async (content, code) => {
    const tokenFile = join(folder, 'token');
    if (content !== undefined) await writeFile(tokenFile, content);
    const failure = await failureOf(open({ tokenFile })());
    expect(failure).toMatchObject({ code, details: { option: 'tokenFile' } });
    expect(printOut(failure)).not.toContain('canary');
    expect(server.requests).toEqual([]);
  });

  it('is looked for where Kubernetes puts it, with the certificates beside it', async () => {
    const source = kubernetesSource({ namespace: 'apps' });
    const failure = await failureOf(source.get(key, { signal: idle }));
    expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_FAILED', details: { option: 'tokenFile' } });
    expect((failure.cause as Error).message).toContain('/var/run/secrets/kubernetes.io/serviceaccount/token');
    await source.close();
  });
});

describe('the options', () => {
  const good: KubernetesSourceOptions = { namespace: 'apps', token: 'canary' };
  it.each<[string, Partial<KubernetesSourceOptions>]>([
    ['server', { server: 'http://kubernetes.default.svc' }],
    ['server', { server: 'https://canary:canary@kubernetes' }],
    ['namespace', { namespace: '' }],
    ['namespace', { namespace: 'Apps' }],
    ['namespace', { namespace: 'a'.repeat(64) }],
    ['prefix', { prefix: 'Tenon-' }],
    ['prefix', { prefix: '.a' }],
    ['prefix', { prefix: 'a'.repeat(202) }],
    ['token', { token: 'canary canary' }],
    ['tokenFile', { tokenFile: '/token' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['ttlMs', { ttlMs: 0.5 }],
    ['name', { name: 'k8s!' }],
  ])('are refused with the name of what is wrong: %s, %j', async (option, wrong) => {
    const failure = await failureOf(() => kubernetesSource({ ...good, ...wrong }));
    expect(failure).toMatchObject({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option } });
    expect(printOut(failure)).not.toContain('canary');
  });

  it('show nothing of a token in the source', () => {
    expect(printOut(kubernetesSource(good))).not.toContain('canary');
    expect(kubernetesSource({ ...good, name: 'k8s', prefix: '' }).name).toBe('k8s');
  });
});

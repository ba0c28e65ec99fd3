import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { inspect } from 'node:util';
import { isSecret, Secret } from '@tenon/core';
import { codeOf, failureOf } from '@tenon/core/testing';
import {
  apiKey,
  basic,
  bearer,
  builtInKinds,
  certificate,
  CredentialMaterial,
  database,
  keyPair,
  oauth2,
  signingKey,
  type Credential,
} from '@tenon/credentials';
import { describe, expect, it, type TestContext } from 'vitest';
import { openVault } from '../vault/support/open-vault.ts';
import { makeCertificate, type MadeCertificate } from './make-certificate.ts';

const reference = { scope: 'org:acme', id: 'key' };

/** Stores material, and gives what a consumer receives. */
async function stored(material: CredentialMaterial): Promise<Credential> {
  const { vault } = openVault();
  await vault.store(reference, material);
  const credential = await vault.retrieve(reference, { allowExpired: true });
  if (credential === undefined) throw new Error('it was not stored');
  return credential;
}

const pem = (
  key: { export(options: { format: 'pem'; type: 'pkcs8' | 'spki' }): string | Buffer },
  type: 'pkcs8' | 'spki',
) => key.export({ format: 'pem', type }).toString();
const pair = generateKeyPairSync('ed25519');
const privatePem = pem(pair.privateKey, 'pkcs8');
const publicPem = pem(pair.publicKey, 'spki');

let made: MadeCertificate | undefined;
function needCertificate(context: TestContext): MadeCertificate {
  made ??= makeCertificate('tenon.test', 2);
  return made ?? context.skip('openssl cannot make a certificate here');
}

describe('the kinds that every vault knows', () => {
  it('are eight, each under its own name, frozen', () => {
    expect(builtInKinds.map(({ definition }) => definition.name)).toEqual([
      'api-key',
      'basic',
      'bearer',
      'oauth2',
      'database',
      'key-pair',
      'certificate',
      'signing-key',
    ]);
    expect(Object.isFrozen(builtInKinds)).toBe(true);
    for (const kind of builtInKinds)
      expect([Object.isFrozen(kind), Object.isFrozen(kind.definition)]).toEqual([true, true]);
  });

  it.each<[string, CredentialMaterial, string, object]>([
    ['api-key', apiKey('ghp_1'), 'ghp_1', {}],
    ['api-key', apiKey(new Secret('ghp_2')), 'ghp_2', {}],
    ['basic', basic('ada', 'pass'), 'pass', { username: 'ada' }],
    ['bearer', bearer('token'), 'token', {}],
    ['oauth2', oauth2({ accessToken: 'at' }), 'at', { tokenType: 'Bearer', scopes: [] }],
    [
      'oauth2',
      oauth2({ accessToken: 'at', refreshToken: 'rt', tokenType: 'DPoP', scopes: ['a', 'b'] }),
      'at',
      { tokenType: 'DPoP', scopes: ['a', 'b'] },
    ],
    [
      'database',
      database({ host: 'db', port: 5432, database: 'app', username: 'ada', password: new Secret('pass') }),
      'pass',
      { host: 'db', port: 5432, database: 'app', username: 'ada' },
    ],
    ['key-pair', keyPair(privatePem, publicPem), privatePem, { publicKey: publicPem }],
    ['signing-key', signingKey('HS256', 'sign-with-this'), 'sign-with-this', { algorithm: 'HS256' }],
    ['api-key', apiKey('ünïcode \ud83d\ude00 \0 " \\ \n'), 'ünïcode \ud83d\ude00 \0 " \\ \n', {}],
  ])('%s: the secret comes back, and beside it what is no secret', async (kind, material, secret, value) => {
    const credential = await stored(material);
    expect(credential.kind).toBe(kind);
    expect(credential.secret.reveal()).toBe(secret);
    expect(credential.value).toEqual(value);
    expect(Object.isFrozen(credential.value)).toBe(true);
  });

  it('oauth2 never shows the refresh token, wherever one looks', async () => {
    const credential = await stored(oauth2({ accessToken: 'the-access', refreshToken: 'the-refresh', scopes: ['x'] }));
    const shown = [JSON.stringify(credential), inspect(credential, { depth: 9, showHidden: true })].join();
    expect(shown).not.toContain('the-refresh');
    expect(shown).not.toContain('the-access');
    const texts = Object.values({ ...credential, ...credential.value }).map((one) =>
      isSecret(one) ? one.reveal() : JSON.stringify(one),
    );
    expect(texts).toContain('the-access');
    expect(texts.join()).not.toContain('the-refresh');
  });

  it('oauth2 ends when its access token does', async () => {
    const { vault, clock } = openVault();
    const expiresAt = new Date(clock.now() + 5_000);
    const info = await vault.store(reference, oauth2({ accessToken: 'at', expiresAt }));
    expect(info.expiresAt).toEqual(expiresAt);
    expect(await codeOf(vault.store(reference, oauth2({ accessToken: 'at' })))).toBe('none');
    expect((await vault.inspect(reference))?.expiresAt).toBeUndefined();
  });

  it('oauth2 with an end that is no date is refused', async () => {
    const expiresAt = new Date(Number.NaN);
    expect(await codeOf(() => oauth2({ accessToken: 'at', expiresAt }))).toBe('CREDENTIAL_INVALID');
    const { definition } = oauth2;
    const material = new CredentialMaterial(definition.name, {
      accessToken: 'at',
      expiresAt: 'next week',
      tokenType: 'Bearer',
      scopes: [],
    });
    expect(await codeOf(openVault().vault.store(reference, material))).toBe('CREDENTIAL_INVALID');
  });

  it.each([1, 2, 65_534, 65_535])('database takes port %d', async (port) => {
    const credential = await stored(database({ host: 'db', port, database: 'app', username: 'ada', password: 'x' }));
    expect(credential.value).toMatchObject({ port });
  });

  it.each([0, 65_536, 1.5, Number.NaN])('database does not take port %d', async (port) => {
    const login = { host: 'db', port, database: 'app', username: 'ada', password: 'x' };
    expect(await codeOf(openVault().vault.store(reference, database(login)))).toBe('CREDENTIAL_INVALID');
  });
});

describe('a key pair', () => {
  it('finds its public key by itself, and both work together', async () => {
    const credential = await stored(keyPair(privatePem));
    const { publicKey } = credential.value as { readonly publicKey: string };
    expect(publicKey).toBe(publicPem);
    const message = Buffer.from('message');
    expect(verify(null, message, createPublicKey(publicKey), sign(null, message, credential.secret.reveal()))).toBe(
      true,
    );
  });

  it('takes keys of other forms when both are given', async () => {
    const openSsh = '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n';
    expect((await stored(keyPair(openSsh, 'ssh-ed25519 AAAA ada'))).value).toEqual({
      publicKey: 'ssh-ed25519 AAAA ada',
    });
  });

  it.each<[string, () => CredentialMaterial]>([
    ['a private key that is none', () => keyPair('-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----')],
    ['text that is no key', () => keyPair('c2VjcmV0')],
    ['a public key as the private one', () => keyPair(publicPem)],
    ['a private key as the public one too', () => keyPair(privatePem, privatePem)],
    ['the two the wrong way round', () => keyPair(publicPem, privatePem)],
  ])('refuses %s, and shows nothing of it', async (_, make) => {
    const { vault, storage } = openVault();
    const failure = await failureOf(async () => vault.store(reference, make()));
    expect(failure.code).toBe('CREDENTIAL_INVALID');
    const shown = inspect(failure, { depth: 9, showHidden: true });
    for (const secret of ['c2VjcmV0', ...privatePem.split('\n').slice(1, -2)]) expect(shown).not.toContain(secret);
    expect(storage.calls).toEqual([]);
  });
});

describe('a certificate', () => {
  it('ends when it says so itself, and gives its subject and its key', async (context) => {
    const { certificate: text, privateKey } = needCertificate(context);
    const { vault } = openVault();
    const info = await vault.store(reference, certificate(text, privateKey));
    const left = (info.expiresAt?.getTime() ?? 0) - Date.now();
    expect(left).toBeGreaterThan(2 * 86_400_000 - 60_000);
    expect(left).toBeLessThanOrEqual(2 * 86_400_000);
    const credential = await vault.retrieve(reference, { kind: certificate });
    expect(credential?.value.subject).toBe('CN=tenon.test');
    expect(credential?.value.certificate.trim()).toBe(text.trim());
    expect(credential?.value.privateKey.reveal()).toBe(privateKey);
    expect(credential?.secret.reveal()).toBe(privateKey);
    expect(JSON.stringify(credential)).not.toContain('PRIVATE KEY');
  });

  it('ends earlier when that is said', async (context) => {
    const { certificate: text, privateKey } = needCertificate(context);
    const { vault, clock } = openVault();
    const expiresAt = new Date(clock.now() + 1_000);
    const info = await vault.store(reference, certificate(text, privateKey), { expiresAt });
    expect(info.expiresAt).toEqual(expiresAt);
  });

  it('may be a chain, of which the first one counts', async (context) => {
    const { certificate: text, privateKey } = needCertificate(context);
    const issuer = makeCertificate('issuer.test', 9);
    if (issuer === undefined) return;
    const credential = await stored(certificate(text + issuer.certificate, privateKey));
    const value = credential.value as { readonly certificate: string; readonly subject: string };
    expect(value.subject).toBe('CN=tenon.test');
    expect(value.certificate.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  it('in a file with its private key is taken out of it: the key is never shown as a certificate', async (context) => {
    const { certificate: text, privateKey } = needCertificate(context);
    const bundle = `Bag Attributes: of an export\n${privateKey}${text}`;
    const credential = await stored(certificate(bundle, privateKey));
    const value = credential.value as { readonly certificate: string };
    expect(value.certificate.trim()).toBe(text.trim());
    expect(credential.secret.reveal()).toBe(privateKey);
    const planted = new CredentialMaterial('certificate', { certificate: bundle, privateKey });
    expect(await codeOf(openVault().vault.store(reference, planted))).toBe('CREDENTIAL_INVALID');
  });

  it.each<[string, (good: MadeCertificate) => CredentialMaterial]>([
    ['no certificate', ({ privateKey }) => certificate('c2VjcmV0', privateKey)],
    [
      'a certificate of which something is missing',
      ({ certificate: text, privateKey }) => certificate(text.replace(/\n[^\n]+\n/, '\n'), privateKey),
    ],
    ['a certificate as the private key', ({ certificate: text }) => certificate(text, text)],
    ['no text', ({ privateKey }) => certificate(undefined as never, privateKey)],
  ])('refuses %s, and shows nothing of it', async (_, make) => {
    const good = makeCertificate('tenon.test', 2);
    if (good === undefined) return;
    const { vault, storage } = openVault();
    for (const options of [{}, { expiresAt: new Date(8e12) }]) {
      const failure = await failureOf(async () => vault.store(reference, make(good), options));
      expect(failure.code).toBe('CREDENTIAL_INVALID');
      const shown = inspect(failure, { depth: 9, showHidden: true });
      const lines = `${good.certificate}${good.privateKey}`
        .split('\n')
        .filter((line) => line.length > 10 && !line.startsWith('-'));
      for (const secret of ['c2VjcmV0', ...lines]) expect(shown).not.toContain(secret);
    }
    expect(storage.calls).toEqual([]);
  });
});

describe('material that does not fit its kind', () => {
  it('is refused with all problems at once, their places, and no value', async () => {
    const { vault, storage } = openVault();
    const material = new CredentialMaterial('database', {
      host: '',
      port: 'secret-port',
      database: 7,
      username: 'u'.repeat(256),
      password: '',
      'secret-extra': 'secret-value',
    });
    const failure = await failureOf(vault.store(reference, material));
    expect(failure.code).toBe('CREDENTIAL_INVALID');
    const problems = failure.details['problems'] as readonly { readonly path: string; readonly message: string }[];
    expect(new Set(problems.map(({ path }) => path))).toEqual(
      new Set(['', '/host', '/port', '/database', '/username', '/password']),
    );
    expect(problems.every(({ message }) => message.length > 3)).toBe(true);
    const shown = inspect(failure, { depth: 9, showHidden: true });
    for (const secret of ['secret-port', 'secret-extra', 'secret-value', 'uuuu']) expect(shown).not.toContain(secret);
    expect(storage.calls).toEqual([]);
  });

  it.each<[string, object]>([
    ['missing', {}],
    ['null', { key: null }],
    ['a number', { key: 5 }],
    ['an object', { key: { toString: () => 'x' } }],
    ['empty', { key: '' }],
    ['given with something else', { key: 'x', note: 'y' }],
    ['in a list', ['x']],
  ])('is refused when the key of an api-key is %s', async (_, plain) => {
    const material = new CredentialMaterial('api-key', plain);
    expect(await codeOf(openVault().vault.store(reference, material))).toBe('CREDENTIAL_INVALID');
  });

  it('is refused when JSON cannot hold it', async () => {
    const circular: Record<string, unknown> = { key: 'secret-value' };
    circular['self'] = circular;
    for (const plain of [circular, { key: 5n }]) {
      const failure = await failureOf(openVault().vault.store(reference, new CredentialMaterial('api-key', plain)));
      expect(failure.code).toBe('CREDENTIAL_INVALID');
      expect(inspect(failure, { depth: 9 })).not.toContain('secret-value');
    }
  });

  it('is refused when it holds what a secret prints as', async () => {
    for (const material of [
      apiKey('[secret]'),
      apiKey(`Bearer ${String(new Secret('x'))}`),
      oauth2({ accessToken: 'x', refreshToken: '[secret]' }),
    ]) {
      const failure = await failureOf(openVault().vault.store(reference, material));
      expect(failure.code).toBe('CREDENTIAL_INVALID');
      expect(failure.message).toContain('[secret]');
    }
  });

  it('is judged as it was when it was handed over', async () => {
    const plain = { key: 'good' };
    const { vault } = openVault();
    const storing = vault.store(reference, new CredentialMaterial('api-key', plain));
    Object.assign(plain, { key: 5 });
    await storing;
    expect((await vault.retrieve(reference))?.secret.reveal()).toBe('good');
  });

  it('is refused when plain JavaScript hands over something else than text', async () => {
    for (const given of [undefined, null, 5, {}]) {
      expect(await codeOf(async () => openVault().vault.store(reference, apiKey(given as never)))).toBe(
        'CREDENTIAL_INVALID',
      );
    }
  });
});

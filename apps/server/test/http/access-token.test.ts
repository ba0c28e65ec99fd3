import { generateKeyPairSync } from 'node:crypto';
import { createAuth } from '@tenon/auth';
import { createTestClock } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, problemOf, type Answer } from '../support/client.ts';
import { PASSWORD, PUBLIC_URL, startTestServer, type TestServer } from '../support/test-server.ts';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe.each(describeDrivers())('access tokens on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver);
  });
  afterAll(() => server.stop());

  const present = (token: string): Promise<Answer> =>
    createClient(server.url, { authorization: `Bearer ${token}` }).get('/auth/me');

  const expectRefused = (answer: Answer, why: string): void => {
    expect(answer.status, why).toBe(401);
    expect(problemOf(answer), why).toMatchObject({ code: 'AUTH_TOKEN_INVALID', retryable: false });
    expect(answer.headers.get('www-authenticate'), why).toBe('Bearer realm="tenon", error="invalid_token"');
  };

  /** A token that the server itself would have issued at another time. */
  const tokenOf = async (secondsAgo: number): Promise<string> => {
    const { database, keys, kv, tenancy } = server.services;
    const auth = createAuth({
      database,
      keys,
      kv,
      issuer: PUBLIC_URL,
      audience: PUBLIC_URL,
      bcryptCost: 4,
      memberships: async (accountId) =>
        (await tenancy.membershipsOf(accountId)).map(({ tenantId, role }) => ({ tenantId, role, scopes: [] })),
      clock: createTestClock(Date.now() - secondsAgo * 1_000),
    });
    const { email } = await server.newAccount();
    const { accessToken } = await auth.signIn({ email, password: PASSWORD });
    await auth.close();
    return accessToken.reveal();
  };

  it('are asked for with a challenge that names no error when there are none', async () => {
    const answer = await server.anybody.get('/auth/me');
    expect(answer.status).toBe(401);
    expect(problemOf(answer).code).toBe('SIGN_IN_REQUIRED');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="tenon"');
  });

  it.each([
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['no token', 'Bearer '],
    ['characters that no token has', 'Bearer a"b'],
    ['more than any token', `Bearer ${'a'.repeat(9_000)}`],
  ])('are asked for when the header holds %s', async (_, authorization) => {
    const answer = await createClient(server.url, { authorization }).get('/auth/me');
    expect(answer.status).toBe(401);
    expect(problemOf(answer).code).toBe('SIGN_IN_REQUIRED');
  });

  it('are good for fifteen minutes and half a minute of clock skew, and then no more', async () => {
    expect((await present(await tokenOf(14 * 60))).status).toBe(200);
    expect((await present(await tokenOf(15 * 60 + 5))).status).toBe(200);
    expectRefused(await present(await tokenOf(15 * 60 + 31)), 'expired');
    expectRefused(await present(await tokenOf(86_400)), 'expired long ago');
    expectRefused(await present(await tokenOf(-600)), 'from the future');
  });

  it('are refused when any part of them was changed', async () => {
    const { owner } = await server.newTenant();
    const [header = '', payload = '', signature = ''] = owner.accessToken.split('.');
    const claims = decodeJwt(owner.accessToken);
    const altered = (text: string): string => `${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}`;
    const { kid } = decodeProtectedHeader(owner.accessToken);
    const forgeries = {
      'another payload': `${header}.${part({ ...claims, scope: 'everything' })}.${signature}`,
      'another subject': `${header}.${part({ ...claims, sub: 'somebody' })}.${signature}`,
      'another signature': `${header}.${payload}.${altered(signature)}`,
      'no signature': `${header}.${payload}.`,
      'alg none': `${part({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.`,
      'alg None with the signature': `${part({ alg: 'None', typ: 'at+jwt', kid })}.${payload}.${signature}`,
      'an unknown kid': `${part({ alg: 'EdDSA', typ: 'at+jwt', kid: 'other' })}.${payload}.${signature}`,
      'no kid': `${part({ alg: 'EdDSA', typ: 'at+jwt' })}.${payload}.${signature}`,
      'two parts': `${header}.${payload}`,
      'four parts': `${owner.accessToken}.${signature}`,
      'no JSON': 'a.b.c',
    };
    for (const [why, token] of Object.entries(forgeries)) expectRefused(await present(token), why);
    expect((await present(owner.accessToken)).status).toBe(200);
  });

  it('are refused when another key signed them, whatever they bring along', async () => {
    const { owner } = await server.newTenant();
    const { kid = '', ...rest } = decodeProtectedHeader(owner.accessToken);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const sign = (header: object, key: Parameters<SignJWT['sign']>[0] = privateKey): Promise<string> =>
      new SignJWT(decodeJwt(owner.accessToken)).setProtectedHeader({ ...rest, kid, ...header } as never).sign(key);
    const { keys } = (await server.anybody.get('/.well-known/jwks.json')).as<{ keys: { x: string }[] }>();
    const forgeries = {
      'the same kid': await sign({}),
      'a key in the header': await sign({ jwk: publicKey.export({ format: 'jwk' }) }),
      'the address of keys in the header': await sign({ jku: `${server.url}/keys` }),
      'the public key as a shared secret': await sign({ alg: 'HS256' }, Buffer.from(keys[0]?.x ?? '', 'base64url')),
    };
    for (const [why, token] of Object.entries(forgeries)) expectRefused(await present(token), why);
    expect((await present(owner.accessToken)).status).toBe(200);
  });

  it('can be verified by anybody, with the public keys alone', async () => {
    const { owner } = await server.newTenant();
    const keys = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(owner.accessToken, keys, {
      issuer: PUBLIC_URL,
      audience: PUBLIC_URL,
      typ: 'at+jwt',
      algorithms: ['EdDSA'],
      requiredClaims: ['sub', 'jti', 'iat', 'nbf', 'exp', 'sid'],
    });
    expect(protectedHeader.kid).toEqual(expect.any(String));
    expect(payload).toMatchObject({
      sub: owner.accountId,
      sid: owner.sessionId,
      tenant: owner.tenantId,
      tenants: [owner.tenantId],
    });
    expect(String(payload['scope']).split(' ')).toContain('orders:manage');
  });

  it('are published without anything private, and may be cached', async () => {
    const answer = await server.anybody.get('/.well-known/jwks.json');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    for (const key of answer.as<{ keys: object[] }>().keys) {
      expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    }
  });

  it('stay good when the signing key is changed', async () => {
    const { owner } = await server.newTenant();
    const { kid } = await server.services.auth.rotateSigningKey();
    const login = await server.anybody.post('/auth/login', { email: owner.email, password: PASSWORD });
    const { accessToken } = login.as<{ accessToken: string }>();
    expect(decodeProtectedHeader(accessToken).kid).toBe(kid);
    expect(decodeProtectedHeader(owner.accessToken).kid).not.toBe(kid);
    expect((await present(accessToken)).status).toBe(200);
    expect((await present(owner.accessToken)).status).toBe(200);
    const { keys } = (await server.anybody.get('/.well-known/jwks.json')).as<{ keys: { kid: string }[] }>();
    expect(keys.length).toBeGreaterThanOrEqual(2);
    expect(keys[0]?.kid).toBe(kid);
  });
});

describe('the life of an access token', () => {
  it('is what the settings say', async () => {
    const server = await startTestServer('pglite', { environment: { TENON_ACCESS_TOKEN_MINUTES: '3' } });
    try {
      const { email } = await server.newAccount();
      const login = await server.anybody.post('/auth/login', { email, password: PASSWORD });
      const { iat = 0, exp = 0 } = decodeJwt(login.as<{ accessToken: string }>().accessToken);
      expect(exp - iat).toBe(180);
    } finally {
      await server.stop();
    }
  });
});

import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CodedError, type Secret } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { open as openEnvelope } from '@tenon/crypto';
import { createLocalJWKSet, exportJWK, jwtVerify, SignJWT } from 'jose';
import { sql } from 'kysely';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PublicSigningKey, SignedIn } from '@tenon/auth';
import { AUDIENCE, decodeToken, interceptSystem, ISSUER, openAuth, thrownBy, type OpenAuth } from '../open-auth.ts';

const UUID = /^[0-9a-f-]{36}$/;

describe.each(describeDrivers())('access tokens on %s', (driver) => {
  let open: OpenAuth;
  let signedIn: SignedIn;
  let privateKey: KeyObject;
  let publicJwk: PublicSigningKey;
  beforeAll(async () => {
    open = await openAuth(driver);
    const person = await open.newPerson();
    signedIn = await person.signIn();
    publicJwk = (await open.auth.jwks()).keys[0] as PublicSigningKey;
    // The very key of the server, so that what is refused is not refused for its signature.
    const { rows } = await open.test.database.withSystem('test', (tx) =>
      sql<{ private_sealed: Uint8Array }>`select private_sealed from signing_keys`.execute(tx),
    );
    const sealed = rows[0]?.private_sealed ?? new Uint8Array();
    const bytes = openEnvelope(open.keys.subring('auth/signing-keys'), sealed, {
      associatedData: ['signing-key', publicJwk.kid],
    });
    privateKey = createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' });
  });
  afterAll(() => open.close());

  const verifies = (token: Secret | string): Promise<string> => codeOf(open.auth.verifyAccessToken(token));
  const nowSeconds = (): number => Math.floor(open.clock.now() / 1_000);

  interface Forgery {
    readonly header?: Record<string, unknown>;
    /** `undefined` takes a claim away. */
    readonly claims?: Record<string, unknown>;
    readonly key?: KeyObject;
  }
  /** A token like the server's own, but for what is changed. */
  const forge = ({ header = {}, claims = {}, key = privateKey }: Forgery = {}): Promise<string> => {
    const { header: realHeader, payload } = decodeToken(signedIn.accessToken);
    return new SignJWT({ ...payload, ...claims })
      .setProtectedHeader({ ...realHeader, ...header } as never)
      .sign(key, { crit: { strange: true } });
  };
  const join = (header: unknown, payload: unknown, signature = ''): string =>
    [...[header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')), signature].join('.');

  it('have the header and the claims of RFC 9068, and nothing else', () => {
    const { header, payload } = decodeToken(signedIn.accessToken);
    expect(header).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: publicJwk.kid });
    expect(payload).toEqual({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: signedIn.account.id,
      jti: expect.stringMatching(UUID),
      sid: signedIn.sessionId,
      iat: nowSeconds(),
      nbf: nowSeconds(),
      exp: nowSeconds() + 900,
      tenant: 'acme',
      tenants: ['acme'],
      scope: 'orders:read orders:write',
    });
  });

  it('have an id of their own each', async () => {
    const person = await open.newPerson();
    const ids = (await Promise.all([person.signIn(), person.signIn()])).map(
      ({ accessToken }) => decodeToken(accessToken).payload['jti'],
    );
    expect(new Set(ids)).toHaveLength(2);
  });

  it('are told apart by nobody who reads them wrong: claims come back as they went in', async () => {
    const claims = await open.auth.verifyAccessToken(signedIn.accessToken);
    expect(claims).toEqual({
      accountId: signedIn.account.id,
      sessionId: signedIn.sessionId,
      tokenId: decodeToken(signedIn.accessToken).payload['jti'],
      tenant: 'acme',
      tenants: ['acme'],
      scopes: ['orders:read', 'orders:write'],
      issuedAtMs: nowSeconds() * 1_000,
      expiresAtMs: signedIn.accessExpiresAt.getTime(),
    });
    expect(Object.isFrozen(claims) && Object.isFrozen(claims.tenants) && Object.isFrozen(claims.scopes)).toBe(true);
    expect(await open.auth.verifyAccessToken(signedIn.accessToken.reveal())).toEqual(claims);
  });

  it('can be checked by others with the published keys', async () => {
    const keys = createLocalJWKSet((await open.auth.jwks()) as never);
    const { payload } = await jwtVerify(signedIn.accessToken.reveal(), keys, {
      issuer: ISSUER,
      audience: AUDIENCE,
      typ: 'at+jwt',
      algorithms: ['EdDSA'],
      currentDate: new Date(open.clock.now()),
    });
    expect(payload.sub).toBe(signedIn.account.id);
  });

  it('pass when forged with the right key and nothing changed, so that the refusals below mean something', async () => {
    expect(await verifies(await forge())).toBe('none');
    expect(await verifies(await forge({ claims: { tenant: undefined } }))).toBe('none');
  });

  const forgeries: Record<string, () => unknown> = {
    'alg none': () =>
      join({ ...decodeToken(signedIn.accessToken).header, alg: 'none' }, decodeToken(signedIn.accessToken).payload),
    'alg none with the old signature': () =>
      join(
        { alg: 'None', typ: 'at+jwt', kid: publicJwk.kid },
        decodeToken(signedIn.accessToken).payload,
        signedIn.accessToken.reveal().split('.')[2],
      ),
    'HS256 with the raw public key as secret': () => withHmac(Buffer.from(publicJwk.x, 'base64url')),
    'HS256 with the public key in PEM as secret': () =>
      withHmac(createPublicKey({ key: publicJwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' })),
    'a key of somebody else under our kid': () => forge({ key: generateKeyPairSync('ed25519').privateKey }),
    'a key of somebody else that it brings along as jwk': async () => {
      const { privateKey: key, publicKey } = generateKeyPairSync('ed25519');
      return forge({ key, header: { jwk: await exportJWK(publicKey), kid: undefined } });
    },
    'a key of somebody else that it brings along as jwk under our kid': async () => {
      const { privateKey: key, publicKey } = generateKeyPairSync('ed25519');
      return forge({ key, header: { jwk: await exportJWK(publicKey) } });
    },
    'a key that jku and x5u point to': () =>
      forge({
        key: generateKeyPairSync('ed25519').privateKey,
        header: { jku: 'https://evil.test/jwks', x5u: 'https://evil.test/x5u', kid: 'evil' },
      }),
    'no kid': () => forge({ header: { kid: undefined } }),
    'an unknown kid': () => forge({ header: { kid: '01a1fbac-b578-7110-9616-09902c521a84' } }),
    'a kid that is no text': () => forge({ header: { kid: 7 } }),
    'typ JWT': () => forge({ header: { typ: 'JWT' } }),
    'no typ': () => forge({ header: { typ: undefined } }),
    'a critical header that nobody knows': () => forge({ header: { crit: ['strange'], strange: true } }),
    'another audience': () => forge({ claims: { aud: 'another-api' } }),
    'another issuer': () => forge({ claims: { iss: `${ISSUER}/` } }),
    'a session that there is not': () => forge({ claims: { sid: '01a1fbac-b578-7110-9616-09902c521a84' } }),
    'a session that is no id': () => forge({ claims: { sid: 'x\0' } }),
    'the session of somebody else': async () =>
      forge({ claims: { sid: (await (await open.newPerson()).signIn()).sessionId } }),
    'a tenant outside of its tenants': () => forge({ claims: { tenant: 'globex' } }),
    'tenants that are no list': () => forge({ claims: { tenants: 'acme' } }),
    'tenants that are no texts': () => forge({ claims: { tenants: ['acme', 7] } }),
    'a scope that is a list': () => forge({ claims: { scope: ['orders:read'] } }),
    'a subject that is no text': () => forge({ claims: { sub: { id: 1 } } }),
    'a time that is no number': () => forge({ claims: { exp: 'never' } }),
    'not valid before a minute from now': () => forge({ claims: { nbf: nowSeconds() + 60 } }),
    ...Object.fromEntries(
      ['iss', 'aud', 'sub', 'jti', 'sid', 'iat', 'nbf', 'exp', 'tenants', 'scope'].map((claim) => [
        `no ${claim}`,
        () => forge({ claims: { [claim]: undefined } }),
      ]),
    ),
    'a changed payload': () => {
      const [header, payload = '', signature] = signedIn.accessToken.reveal().split('.');
      const changed = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
      return [
        header,
        Buffer.from(JSON.stringify({ ...changed, scope: 'everything' })).toString('base64url'),
        signature,
      ].join('.');
    },
    'a changed signature': () => {
      const text = signedIn.accessToken.reveal();
      return text.slice(0, -10) + (text.at(-10) === 'A' ? 'B' : 'A') + text.slice(-9);
    },
    'no signature': () => signedIn.accessToken.reveal().replace(/[^.]+$/, ''),
    'a part too many': () => `${signedIn.accessToken.reveal()}.e30`,
    'a refresh token': () => signedIn.refreshToken,
    nothing: () => '',
    dots: () => '..',
    'no JSON': () => 'bm8.anNvbg.AAAA',
    'a word before it': () => `Bearer ${signedIn.accessToken.reveal()}`,
    'no text': () => undefined,
    'a book': () => `${'A'.repeat(20_000)}.${'A'.repeat(20_000)}.AAAA`,
  };
  const withHmac = (secret: string | Buffer): string => {
    const { header, payload } = decodeToken(signedIn.accessToken);
    const signed = join({ ...header, alg: 'HS256' }, payload).replace(/\.$/, '');
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  };

  it.each(Object.entries(forgeries))('are refused with one answer for every reason: %s', async (_, make) => {
    const error = await thrownBy(open.auth.verifyAccessToken((await make()) as string));
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'AUTH_TOKEN_INVALID',
      message: 'the access token is not valid, has expired, or its session has ended',
      retryable: false,
      details: {},
    });
    expect(error.cause).toBeUndefined();
  });

  it('are good for 15 minutes and the 30 seconds by which clocks may differ', async () => {
    const person = await open.newPerson();
    const [seen, unseen] = [await person.signIn(), await person.signIn()];
    await open.auth.verifyAccessToken(seen.accessToken);
    const expiresAtMs = seen.accessExpiresAt.getTime();
    await open.clock.advance(expiresAtMs + 29_000 - open.clock.now());
    for (const { accessToken } of [seen, unseen]) {
      expect(await codeOf(open.another().verifyAccessToken(accessToken))).toBe('none');
      expect(await verifies(accessToken)).toBe('none');
    }
    await open.clock.advance(1_000);
    expect(await verifies(seen.accessToken)).toBe('AUTH_TOKEN_INVALID'); // remembered
    expect(await codeOf(open.another().verifyAccessToken(unseen.accessToken))).toBe('AUTH_TOKEN_INVALID'); // anew
    expect(await verifies(seen.accessToken)).toBe('AUTH_TOKEN_INVALID');
  });

  it('may come from a machine whose clock is ahead by 30 seconds', async () => {
    signedIn = await (await open.newPerson()).signIn();
    expect(await verifies(await forge({ claims: { nbf: nowSeconds() + 30, iat: nowSeconds() + 30 } }))).toBe('none');
    expect(await verifies(await forge({ claims: { nbf: nowSeconds() + 31 } }))).toBe('AUTH_TOKEN_INVALID');
  });

  it('have the issuer and the audience that the options give', async () => {
    const other = open.another({ audience: 'another-api', issuer: 'https://another.test' });
    expect(await codeOf(other.verifyAccessToken(signedIn.accessToken))).toBe('AUTH_TOKEN_INVALID');
    const next = await other.refresh(signedIn.refreshToken);
    expect(decodeToken(next.accessToken).payload).toMatchObject({ iss: 'https://another.test', aud: 'another-api' });
    expect(await verifies(next.accessToken)).toBe('AUTH_TOKEN_INVALID');
    expect(await codeOf(other.verifyAccessToken(next.accessToken))).toBe('none');
  });

  it('are verified once and then remembered, while their session is still looked at', async () => {
    const reader = open.another();
    const person = await open.newPerson();
    const [seen, unseen] = [await person.signIn(), await person.signIn()];
    await reader.verifyAccessToken(seen.accessToken);
    const looks = open.transactions('signing-key');
    await open.clock.advance(61_000); // by now the keys would have to be read again
    await reader.verifyAccessToken(seen.accessToken);
    expect(open.transactions('signing-key')).toBe(looks);
    await reader.verifyAccessToken(unseen.accessToken);
    expect(open.transactions('signing-key')).toBe(looks + 1);
  });

  it('are not called invalid because the keys cannot be read', async () => {
    const database = interceptSystem(open.test.database, () =>
      Promise.reject(new CodedError('DATABASE_UNAVAILABLE', 'down', { retryable: true })),
    );
    const reader = open.another({ database });
    expect(await codeOf(reader.verifyAccessToken(signedIn.accessToken))).toBe('DATABASE_UNAVAILABLE');
  });
});

import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeToken, inTenant, openAuth, PASSWORD, type OpenAuth } from './open-auth.ts';

const DAY = 86_400_000;

/** OWASP Application Security Verification Standard 5.0: the requirements that concern this package, by number. */
describe.each(describeDrivers())('ASVS on %s', (driver) => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth(driver);
  });
  afterAll(() => open.close());

  it('7.2.3: tokens are unique, and hold 128 bits that only the server can make', async () => {
    const { signIn } = await open.newPerson();
    const refreshTokens: string[] = [];
    for (let count = 0; count < 50; count += 1) refreshTokens.push((await signIn()).refreshToken.reveal());
    // The last 20 bytes are 16 of HMAC and 4 of checksum: no two alike, and no byte of the HMAC is constant.
    const macs = refreshTokens.map((text) => Buffer.from(text.slice(4), 'base64url').subarray(21, 37));
    expect(new Set(macs.map((mac) => mac.toString('hex')))).toHaveLength(50);
    for (let at = 0; at < 16; at += 1) expect(new Set(macs.map((mac) => mac[at])).size).toBeGreaterThan(20);
    const keys = await Promise.all(
      Array.from({ length: 20 }, () => inTenant('acme', () => open.auth.apiKeys.create({ name: 'x', scopes: ['a'] }))),
    );
    expect(new Set(keys.map(({ key }) => key.reveal().slice(13)))).toHaveLength(20);
    expect(Buffer.from(keys[0]?.key.reveal().slice(13) ?? '', 'base64url')).toHaveLength(32);
  });

  it('7.2.4: every sign-in makes a new session, and ends none that it was not asked to', async () => {
    const { account, signIn } = await open.newPerson();
    const [one, two] = [await signIn(), await signIn()];
    expect(one.sessionId).not.toBe(two.sessionId);
    expect(one.refreshToken.reveal()).not.toBe(two.refreshToken.reveal());
    expect(await open.auth.sessions.list(account.id)).toHaveLength(2);
  });

  it('7.3.1: a session that is not used ends', async () => {
    const { signIn } = await open.newPerson();
    const { refreshToken } = await signIn();
    await open.clock.advance(7 * DAY);
    expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
  });

  it.each(['7.3.2: a session ends', '10.4.8: a refresh token ends'])(
    '%s after a time that use does not extend',
    async () => {
      const { signIn } = await open.newPerson();
      let { refreshToken } = await signIn();
      for (let day = 5; day < 30; day += 5) {
        await open.clock.advance(5 * DAY);
        ({ refreshToken } = await open.auth.refresh(refreshToken));
      }
      await open.clock.advance(5 * DAY);
      expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
    },
  );

  it('7.4.1: signing out makes the session unusable, access token and refresh token', async () => {
    const { signIn } = await open.newPerson();
    const { accessToken, refreshToken, sessionId } = await signIn();
    await open.auth.signOut(sessionId);
    expect(await codeOf(open.auth.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
    expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
  });

  it('7.4.2: disabling an account ends all its sessions', async () => {
    const { account, signIn } = await open.newPerson();
    const all = [await signIn(), await signIn()];
    await open.auth.disableAccount(account.id);
    for (const { accessToken, refreshToken } of all) {
      expect(await codeOf(open.auth.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
      expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
    }
  });

  it('7.4.3: changing the password can end all sessions, or all others', async () => {
    const { account, signIn } = await open.newPerson();
    const [mine] = [await signIn(), await signIn()];
    const change = { accountId: account.id, currentPassword: PASSWORD, newPassword: 'four grey cormorants' };
    await open.auth.changePassword({ ...change, keepSessionId: mine.sessionId });
    expect((await open.auth.sessions.list(account.id)).map(({ id }) => id)).toEqual([mine.sessionId]);
    await open.auth.changePassword({
      ...change,
      currentPassword: change.newPassword,
      newPassword: 'and then three more',
    });
    expect(await open.auth.sessions.list(account.id)).toEqual([]);
  });

  it('7.4.5: an administrator can end the sessions of one person', async () => {
    const [ann, bob] = [await open.newPerson(), await open.newPerson()];
    await ann.signIn();
    await bob.signIn();
    expect(await open.auth.signOutAll(ann.account.id)).toBe(1);
    expect(await open.auth.sessions.list(bob.account.id)).toHaveLength(1);
  });

  it('7.5.2: people see their sessions, and end any of them', async () => {
    const { account, signIn } = await open.newPerson();
    const [one, two] = [await signIn({ userAgent: 'phone' }), await signIn({ userAgent: 'laptop' })];
    const listed = await open.auth.sessions.list(account.id);
    expect(new Set(listed.map(({ userAgent }) => userAgent))).toEqual(new Set(['laptop', 'phone']));
    await open.auth.sessions.end(account.id, one.sessionId);
    expect((await open.auth.sessions.list(account.id)).map(({ id }) => id)).toEqual([two.sessionId]);
  });

  /** A token with the claims of a real one, under a key and header of somebody else. */
  const forge = async (header: Record<string, unknown>, key?: CryptoKey | Uint8Array): Promise<string> => {
    const { accessToken } = await (await open.newPerson()).signIn();
    const token = decodeToken(accessToken);
    const signer = key ?? (await generateKeyPair('EdDSA')).privateKey;
    return new SignJWT(token.payload).setProtectedHeader({ ...token.header, ...header } as never).sign(signer);
  };

  it('9.1.2: only the algorithm that tokens are signed with is accepted', async () => {
    const { keys } = await open.auth.jwks();
    const secret = Buffer.from(keys[0]?.x ?? '', 'base64url');
    expect(await codeOf(open.auth.verifyAccessToken(await forge({ alg: 'HS256' }, secret)))).toBe('AUTH_TOKEN_INVALID');
    const { privateKey } = await generateKeyPair('ES256');
    expect(await codeOf(open.auth.verifyAccessToken(await forge({ alg: 'ES256' }, privateKey)))).toBe(
      'AUTH_TOKEN_INVALID',
    );
    const { accessToken } = await (await open.newPerson()).signIn();
    const [, payload] = accessToken.reveal().split('.');
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    expect(await codeOf(open.auth.verifyAccessToken(`${none}.${payload}.`))).toBe('AUTH_TOKEN_INVALID');
  });

  it('9.1.3: keys that a token brings along or points to are ignored', async () => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const urls = { jku: 'https://evil.test/keys', x5u: 'https://evil.test/chain' };
    for (const header of [{ jwk }, urls, { jwk, kid: undefined }, { x5c: ['AAAA'] }]) {
      expect(await codeOf(open.auth.verifyAccessToken(await forge(header, privateKey)))).toBe('AUTH_TOKEN_INVALID');
    }
  });

  it('9.2.2: a token of another type is not an access token', async () => {
    const { refreshToken, accessToken } = await (await open.newPerson()).signIn();
    expect(await codeOf(open.auth.verifyAccessToken(refreshToken))).toBe('AUTH_TOKEN_INVALID');
    expect(await codeOf(open.auth.refresh(accessToken))).toBe('AUTH_REFRESH_INVALID');
    expect(await codeOf(open.auth.apiKeys.verify(accessToken))).toBe('AUTH_API_KEY_INVALID');
    expect(decodeToken(accessToken).header['typ']).toBe('at+jwt');
  });

  it('9.2.3: a token for another audience is refused', async () => {
    const { accessToken } = await (await open.newPerson()).signIn();
    const other = open.another({ audience: 'another-api' });
    expect(await codeOf(other.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
  });

  it('10.4.5: a refresh token that is replayed takes all tokens of its session with it', async () => {
    const { signIn } = await open.newPerson();
    const first = await signIn();
    const second = await open.auth.refresh(first.refreshToken);
    const third = await open.auth.refresh(second.refreshToken);
    await open.clock.advance(10_001);
    expect(await codeOf(open.auth.refresh(first.refreshToken))).toBe('AUTH_REFRESH_INVALID');
    for (const { refreshToken } of [second, third]) {
      expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
    }
    // Without any grace, in the strict mode.
    const strict = open.another({ refreshReuseGraceMs: 0 });
    const another = await signIn();
    const next = await strict.refresh(another.refreshToken);
    await codeOf(strict.refresh(another.refreshToken));
    expect(await codeOf(strict.refresh(next.refreshToken))).toBe('AUTH_REFRESH_INVALID');
  });

  it('10.4.9: people can revoke a refresh token', async () => {
    const { signIn } = await open.newPerson();
    const { refreshToken } = await signIn();
    await open.auth.signOutByRefreshToken(refreshToken);
    expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
  });
});

import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, problemsOf, type Answer } from '../support/client.ts';
import { PASSWORD, startTestServer, type TestAccount, type TestServer } from '../support/test-server.ts';

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly tenant: string | null;
}

const COOKIE = '__Host-tenon_refresh';
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };

/** The one cookie that an answer sets, taken apart. */
function cookieOf(answer: Answer): { readonly value: string; readonly attributes: Readonly<Record<string, string>> } {
  const cookies = answer.headers.getSetCookie();
  expect(cookies).toHaveLength(1);
  const [pair = '', ...attributes] = (cookies[0] ?? '').split('; ');
  expect(pair.startsWith(`${COOKIE}=`)).toBe(true);
  return {
    value: pair.slice(COOKIE.length + 1),
    attributes: Object.fromEntries(
      attributes.map((attribute) => {
        const [name = '', value = ''] = attribute.split('=');
        return [name.toLowerCase(), value];
      }),
    ),
  };
}

describe.each(describeDrivers())('refreshing on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver, { environment: { TENON_CORS_ORIGINS: 'https://shop.example.com' } });
  });
  afterAll(() => server.stop());

  const refresh = (refreshToken: string): Promise<Answer> => server.anybody.post('/auth/refresh', { refreshToken });

  const withCookie = (path: string, value: string, headers: Record<string, string> = SAME_ORIGIN): Promise<Answer> =>
    server.anybody.post(path, undefined, { cookie: `${COOKIE}=${value}`, ...headers });

  const signInWithCookie = async ({ email }: TestAccount): Promise<Answer> =>
    server.anybody.post('/auth/login', { email, password: PASSWORD, mode: 'cookie' }, SAME_ORIGIN);

  describe('with the token in the body', () => {
    it('gives a new pair, and the access token works', async () => {
      const { owner } = await server.newTenant();
      const answer = await refresh(owner.refreshToken);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.getSetCookie()).toEqual([]);
      const tokens = answer.as<Tokens>();
      expect(tokens.refreshToken).not.toBe(owner.refreshToken);
      expect(tokens.accessToken).not.toBe(owner.accessToken);
      expect(tokens.tenant).toBe(owner.tenantId);
      const me = await server.anybody.get('/auth/me', { authorization: `Bearer ${tokens.accessToken}` });
      expect(me.body).toMatchObject({ account: { id: owner.accountId }, tenant: owner.tenantId });
      expect((await refresh(tokens.refreshToken)).status).toBe(200);
    });

    it('gives windows that refresh at the same moment the same successor', async () => {
      const { owner } = await server.newTenant();
      const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(owner.refreshToken)));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 200));
      expect(new Set(answers.map((answer) => answer.as<Tokens>().refreshToken)).size).toBe(1);
    });

    it('repeats the successor when the reply was lost', async () => {
      const { owner } = await server.newTenant();
      const lost = (await refresh(owner.refreshToken)).as<Tokens>();
      const again = await refresh(owner.refreshToken);
      expect(again.status).toBe(200);
      expect(again.as<Tokens>().refreshToken).toBe(lost.refreshToken);
    });

    it.each(['nonsense', 'tnr_AAAA', ''])('refuses %j', async (token) => {
      const answer = await refresh(token);
      expect(answer.status).toBe(token === '' ? 422 : 401);
    });

    it('refuses a token that was changed, and leaves its session as it is', async () => {
      const { owner } = await server.newTenant();
      const changed = owner.refreshToken.replace(/.{6}$/, 'AAAAAA');
      const answer = await refresh(changed);
      expect(answer.status).toBe(401);
      expect(problemOf(answer).code).toBe('AUTH_REFRESH_INVALID');
      expect((await owner.get('/auth/me')).status).toBe(200);
    });

    it('asks for a token when there is none', async () => {
      for (const body of [undefined, {}]) {
        const answer = await server.anybody.post('/auth/refresh', body);
        expect(answer.status).toBe(401);
        expect(problemOf(answer).code).toBe('SIGN_IN_REQUIRED');
      }
    });

    it('refuses fields that it does not know', async () => {
      const answer = await server.anybody.post('/auth/refresh', { refreshToken: 'tnr_x', tenant: 'main' });
      expect(problemsOf(answer)).toEqual({ '/tenant': 'unknown_field' });
    });
  });

  describe('with the token in a cookie', () => {
    it('sets a cookie that only this host gets, only over TLS, and no script reads', async () => {
      const answer = await signInWithCookie(await server.newAccount());
      expect(answer.status).toBe(200);
      expect(answer.body).not.toHaveProperty('refreshToken');
      const { value, attributes } = cookieOf(answer);
      expect(value).toMatch(/^tnr_/);
      expect(answer.text).not.toContain(value);
      expect(Object.keys(attributes).toSorted()).toEqual(['expires', 'httponly', 'path', 'samesite', 'secure']);
      expect(attributes).toMatchObject({ path: '/', samesite: 'Strict' });
      const days = (Date.parse(attributes['expires'] ?? '') - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(6.9);
      expect(days).toBeLessThan(7.1);
    });

    it('exchanges the cookie for its successor', async () => {
      const first = cookieOf(await signInWithCookie(await server.newAccount()));
      const answer = await withCookie('/auth/refresh', first.value);
      expect(answer.status).toBe(200);
      expect(answer.body).not.toHaveProperty('refreshToken');
      const second = cookieOf(answer);
      expect(second.value).not.toBe(first.value);
      expect(second.attributes).toMatchObject({ path: '/', samesite: 'Strict', secure: '', httponly: '' });
      const { accessToken } = answer.as<Tokens>();
      expect((await server.anybody.get('/auth/me', { authorization: `Bearer ${accessToken}` })).status).toBe(200);
    });

    it.each([
      ['a page of this server, by Sec-Fetch-Site', SAME_ORIGIN, 200],
      ['a page of this server, by Origin', { origin: 'SELF' }, 200],
      ['a page of this server, by both', { origin: 'SELF', ...SAME_ORIGIN }, 200],
      ['a page of a configured origin', { origin: 'https://shop.example.com', 'sec-fetch-site': 'cross-site' }, 200],
      ['a page of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 403],
      ['a page of a sibling domain', { origin: 'https://evil.example.com', 'sec-fetch-site': 'same-site' }, 403],
      ['a page whose name begins alike', { origin: 'https://shop.example.com.evil.example' }, 403],
      [
        'a page that claims to be of this server from elsewhere',
        { origin: 'SELF', 'sec-fetch-site': 'cross-site' },
        403,
      ],
      ['a sandboxed page', { origin: 'null', 'sec-fetch-site': 'cross-site' }, 403],
      ['a link from another site', { 'sec-fetch-site': 'cross-site' }, 403],
      ['the address bar', { 'sec-fetch-site': 'none' }, 403],
      ['something that says nothing of itself', {}, 403],
    ])('from %s', async (_, given: Record<string, string>, status) => {
      const headers = given['origin'] === 'SELF' ? { ...given, origin: server.url } : given;
      const { value } = cookieOf(await signInWithCookie(await server.newAccount()));
      const answer = await withCookie('/auth/refresh', value, headers);
      expect(answer.status).toBe(status);
      if (status === 200) return;
      expect(problemOf(answer).code).toBe('CSRF_REFUSED');
      expect(answer.headers.getSetCookie()).toEqual([]);
      // The token was not used up.
      expect((await withCookie('/auth/refresh', value)).status).toBe(200);
    });

    it('is not begun by a page of another site either', async () => {
      const { email } = await server.newAccount();
      const body = { email, password: PASSWORD, mode: 'cookie' };
      const answer = await server.anybody.post('/auth/login', body, { origin: 'https://evil.example' });
      expect(problemOf(answer).code).toBe('CSRF_REFUSED');
      expect(answer.headers.getSetCookie()).toEqual([]);
    });

    it('ends with the cookie taken back', async () => {
      const { value } = cookieOf(await signInWithCookie(await server.newAccount()));
      const refused = await withCookie('/auth/logout', value, { origin: 'https://evil.example' });
      expect(refused.status).toBe(403);
      const answer = await withCookie('/auth/logout', value);
      expect(answer.status).toBe(204);
      const cleared = cookieOf(answer);
      expect(cleared.value).toBe('');
      expect(Date.parse(cleared.attributes['expires'] ?? '')).toBe(0);
      expect(cleared.attributes).toMatchObject({ path: '/', samesite: 'Strict', secure: '', httponly: '' });
      expect((await withCookie('/auth/refresh', value)).status).toBe(401);
    });

    it('does not mix with a token in the body: the body wins, and no cookie is set', async () => {
      const { owner } = await server.newTenant();
      const { value } = cookieOf(await signInWithCookie(await server.newAccount()));
      const answer = await server.anybody.post(
        '/auth/refresh',
        { refreshToken: owner.refreshToken },
        { cookie: `${COOKIE}=${value}` },
      );
      expect(answer.status).toBe(200);
      expect(answer.as<Tokens>().tenant).toBe(owner.tenantId);
      expect(answer.headers.getSetCookie()).toEqual([]);
    });
  });
});

describe.each(describeDrivers())('a refresh token that is used twice, on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver, { environment: { TENON_REFRESH_REUSE_GRACE_MS: '0' } });
  });
  afterAll(() => server.stop());

  it('ends the session: the thief, the owner and every access token are out', async () => {
    const { owner } = await server.newTenant();
    const refresh = (refreshToken: string): Promise<Answer> => server.anybody.post('/auth/refresh', { refreshToken });
    const stolen = owner.refreshToken;
    const rightful = (await refresh(stolen)).as<Tokens>();
    expect((await owner.get('/auth/me')).status).toBe(200);

    const reuse = await refresh(stolen);
    expect(reuse.status).toBe(401);
    expect(problemOf(reuse).code).toBe('AUTH_REFRESH_INVALID');

    expect((await refresh(rightful.refreshToken)).status).toBe(401);
    for (const token of [owner.accessToken, rightful.accessToken]) {
      const answer = await server.anybody.get('/auth/me', { authorization: `Bearer ${token}` });
      expect(answer.status).toBe(401);
    }
    await expect
      .poll(() =>
        server.securityEvents(({ type, actorId }) => type === 'refresh-token.reused' && actorId === owner.accountId),
      )
      .toEqual([expect.objectContaining({ resource: `sessions/${owner.sessionId}` })]);
  });
});

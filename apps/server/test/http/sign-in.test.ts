import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, problemOf, problemsOf, type Answer } from '../support/client.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/test-server.ts';

interface Tokens {
  readonly accessToken: string;
  readonly tokenType: string;
  readonly accessExpiresAt: string;
  readonly refreshToken: string;
  readonly refreshExpiresAt: string;
  readonly tenant: string | null;
  readonly tenants: readonly { readonly id: string; readonly role: string }[];
}

/** What can be seen of an answer, apart from what names the request. */
function visible({ status, headers, text }: Answer): unknown {
  const shown = [...headers].filter(([name]) => name !== 'x-request-id' && name !== 'date');
  return { status, headers: shown, text: text.replace(/"requestId":"[^"]+"/, '"requestId":""') };
}

describe.each(describeDrivers())('signing in on %s', (driver) => {
  let server: TestServer;
  let addresses = 0;

  beforeAll(async () => {
    server = await startTestServer(driver, { environment: { TENON_TRUSTED_PROXIES: '127.0.0.1' } });
  });
  afterAll(() => server.stop());

  /** A client behind the proxy, at an address from which nobody failed yet. */
  const newClient = () => {
    addresses += 1;
    return createClient(server.url, { 'x-forwarded-for': `10.0.${addresses >> 8}.${addresses & 255}` });
  };

  it('gives tokens, and says which tenants there are', async () => {
    const { owner } = await server.newTenant();
    const before = Date.now();
    const answer = await newClient().post('/auth/login', { email: owner.email, password: PASSWORD });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('set-cookie')).toBeNull();
    const tokens = answer.as<Tokens>();
    expect(tokens).toMatchObject({
      tokenType: 'Bearer',
      tenant: owner.tenantId,
      tenants: [{ id: owner.tenantId, role: 'owner' }],
    });
    expect(tokens.refreshToken).toMatch(/^tnr_/);
    const minutes = (Date.parse(tokens.accessExpiresAt) - before) / 60_000;
    expect(minutes).toBeGreaterThan(14);
    expect(minutes).toBeLessThan(16);

    const me = await createClient(server.url, { authorization: `Bearer ${tokens.accessToken}` }).get('/auth/me');
    expect(me.status).toBe(200);
    expect(me.body).toMatchObject({
      account: { id: owner.accountId, email: owner.email, name: 'Ada Lovelace' },
      tenant: owner.tenantId,
      userId: owner.userId,
      role: 'owner',
      tenants: [{ id: owner.tenantId, name: 'A tenant', role: 'owner' }],
    });
    expect(me.text).not.toMatch(/password|hash/i);
  });

  it('takes an address in any case and Unicode form', async () => {
    const email = `Zoë.${newId()}@Example.com`;
    await server.services.auth.register({ email, password: PASSWORD, name: 'Zoë' });
    const typed = email.normalize('NFD').toUpperCase();
    const answer = await newClient().post('/auth/login', { email: typed, password: PASSWORD });
    expect(answer.status).toBe(200);
  });

  it('answers an unknown address, a wrong password and a disabled account alike, after the same work', async () => {
    const { auth } = server.services;
    const register = () => auth.register({ email: `${newId()}@example.com`, password: PASSWORD, name: 'Ada' });
    const [known, disabled] = [await register(), await register()];
    await auth.disableAccount(disabled.id);
    const attempts = {
      wrongPassword: { email: known.email, password: 'not the password at all' },
      unknownAddress: { email: `${newId()}@example.com`, password: PASSWORD },
      noAddress: { email: 'nobody at all', password: PASSWORD },
      disabledAccount: { email: disabled.email, password: PASSWORD },
      passwordTooLongToHash: { email: known.email, password: 'ü'.repeat(40) },
    };
    const seen: Record<string, unknown> = {};
    for (const [name, body] of Object.entries(attempts)) {
      const before = auth.statistics();
      const answer = await newClient().post('/auth/login', body);
      const after = auth.statistics();
      seen[name] = {
        answer: visible(answer),
        compares: after.compares - before.compares,
        hashes: after.hashes - before.hashes,
      };
    }
    expect(seen['wrongPassword']).toMatchObject({ answer: { status: 401 }, compares: 1, hashes: 0 });
    for (const name of Object.keys(attempts)) expect(seen[name], name).toEqual(seen['wrongPassword']);
  });

  it('says 401 with a challenge, and never what was typed', async () => {
    const { email } = await server.newAccount();
    const answer = await newClient().post('/auth/login', { email, password: 'a wrong password, typed' });
    expect(problemOf(answer).code).toBe('AUTH_CREDENTIALS_INVALID');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="tenon"');
    expect(answer.text).not.toContain(email);
    expect(answer.text).not.toContain('typed');
  });

  it('works in the tenant that was asked for', async () => {
    const [first, second] = [await server.newTenant(), await server.newTenant()];
    const { email, accountId } = first.owner;
    await second.run(() => server.services.tenancy.users.create({ email, name: 'Ada', role: 'viewer' }, { accountId }));
    const answer = await newClient().post('/auth/login', { email, password: PASSWORD, tenant: second.id });
    expect(answer.as<Tokens>().tenant).toBe(second.id);
    expect(answer.as<Tokens>().tenants).toHaveLength(2);
    const client = createClient(server.url, { authorization: `Bearer ${answer.as<Tokens>().accessToken}` });
    expect((await client.get('/auth/me')).body).toMatchObject({ tenant: second.id, role: 'viewer' });
  });

  it('refuses a tenant that the account is not in, like one that does not exist', async () => {
    const { owner } = await server.newTenant();
    const other = await server.newTenant();
    const login = { email: owner.email, password: PASSWORD };
    const foreign = await newClient().post('/auth/login', { ...login, tenant: other.id });
    const missing = await newClient().post('/auth/login', { ...login, tenant: 'no-such-tenant' });
    expect(foreign.status).toBe(403);
    expect(problemOf(foreign).code).toBe('AUTH_TENANT_UNAVAILABLE');
    expect(visible(foreign)).toEqual(visible(missing));
  });

  it('lists everything that is wrong with a body', async () => {
    const answer = await newClient().post('/auth/login', { email: 7, mode: 'pigeon', remember: true });
    expect(answer.status).toBe(422);
    expect(Object.keys(problemsOf(answer)).toSorted()).toEqual(
      expect.arrayContaining(['/email', '/mode', '/password', '/remember']),
    );
  });

  it('makes an account wait after five wrong passwords, whether or not it exists', async () => {
    const { email } = await server.newAccount();
    const unknown = `${newId()}@example.com`;
    const refusals: Answer[] = [];
    for (const address of [email, unknown]) {
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const answer = await newClient().post('/auth/login', { email: address, password: 'a wrong one again' });
        expect(answer.status).toBe(401);
      }
      const before = server.services.auth.statistics().compares;
      // The right password does not help, and nothing is compared.
      refusals.push(await newClient().post('/auth/login', { email: address, password: PASSWORD }));
      expect(server.services.auth.statistics().compares).toBe(before);
    }
    for (const refusal of refusals) {
      expect(refusal.status).toBe(429);
      expect(problemOf(refusal)).toMatchObject({ code: 'AUTH_THROTTLED', retryable: true });
      expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    }
  });

  it('does not make other accounts of the same address wait', async () => {
    const [unlucky, other] = [await server.newAccount(), await server.newAccount()];
    const client = newClient();
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await client.post('/auth/login', { email: unlucky.email, password: 'a wrong one again' });
    }
    expect((await client.post('/auth/login', { email: other.email, password: PASSWORD })).status).toBe(200);
  });

  it('records who failed and who came in', async () => {
    const { email, accountId } = await server.newAccount();
    const client = newClient();
    await client.post('/auth/login', { email, password: 'a wrong one again' });
    await client.post('/auth/login', { email, password: PASSWORD });
    // Recorded after the answer.
    await expect
      .poll(() => server.securityEvents((event) => event.actorId === accountId).map(({ type }) => type))
      .toEqual(expect.arrayContaining(['sign-in.failed', 'sign-in.succeeded']));
    expect(JSON.stringify(server.log)).not.toContain(PASSWORD);
  });
});

describe('the address of whoever signs in', () => {
  const addressSeen = async (environment: Record<string, string>): Promise<unknown> => {
    const server = await startTestServer('pglite', { environment });
    try {
      const { email } = await server.newAccount();
      const answer = await server.anybody.post(
        '/auth/login',
        { email, password: PASSWORD },
        { 'x-forwarded-for': '203.0.113.9', 'user-agent': 'a browser' },
      );
      const client = server.anybody.with({ authorization: `Bearer ${answer.as<Tokens>().accessToken}` });
      return (await client.get('/auth/sessions')).as<{ items: unknown[] }>().items[0];
    } finally {
      await server.stop();
    }
  };

  it('is the one of the connection, whatever a header says', async () => {
    expect(await addressSeen({})).toMatchObject({ ip: '127.0.0.1', userAgent: 'a browser' });
  });

  it('is the forwarded one when a trusted proxy forwards it', async () => {
    expect(await addressSeen({ TENON_TRUSTED_PROXIES: '127.0.0.0/8' })).toMatchObject({ ip: '203.0.113.9' });
  });
});

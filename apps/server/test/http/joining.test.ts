import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, problemsOf, type Answer, type Client } from '../support/client.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/test-server.ts';

const registration = (change: object = {}) => ({
  email: `${newId()}@example.com`,
  password: PASSWORD,
  name: 'Ada Lovelace',
  ...change,
});

async function signedIn(server: TestServer, email: string): Promise<Client> {
  const answer = await server.anybody.post('/auth/login', { email, password: PASSWORD });
  expect(answer.status).toBe(200);
  return server.anybody.with({ authorization: `Bearer ${answer.as<{ accessToken: string }>().accessToken}` });
}

describe.each(describeDrivers())('registering on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver, { environment: { TENON_REGISTRATION: 'open' } });
  });
  afterAll(() => server.stop());

  const register = (body: object): Promise<Answer> => server.anybody.post('/auth/register', body);
  const isKnown = async (email: string): Promise<boolean> =>
    (await server.services.auth.accounts.findByEmail(email)) !== undefined;

  it('makes an account, and a tenant that it owns', async () => {
    const body = registration({ tenantName: 'Müller & Söhne' });
    const answer = await register(body);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe('/auth/me');
    expect(answer.body).toEqual({
      id: expect.any(String),
      email: body.email,
      name: 'Ada Lovelace',
      createdAt: expect.stringMatching(/Z$/),
    });
    const me = await (await signedIn(server, body.email)).get('/auth/me');
    expect(me.body).toMatchObject({ role: 'owner', tenants: [{ name: 'Müller & Söhne', role: 'owner' }] });
  });

  it('names the tenant after its owner unless told otherwise', async () => {
    const body = registration();
    await register(body);
    const me = await (await signedIn(server, body.email)).get('/auth/me');
    expect(me.body).toMatchObject({ tenants: [{ name: 'Ada Lovelace' }] });
  });

  it('refuses an address that is taken, in whatever case', async () => {
    const body = registration();
    expect((await register(body)).status).toBe(201);
    const answer = await register({ ...body, email: body.email.toUpperCase() });
    expect(answer.status).toBe(409);
    expect(problemOf(answer).code).toBe('AUTH_EMAIL_TAKEN');
  });

  it('lists everything that is wrong at once, and makes nothing', async () => {
    const answer = await register({ email: 'ada', password: 7, role: 'owner', tenantName: '' });
    expect(answer.status).toBe(422);
    expect(Object.keys(problemsOf(answer)).toSorted()).toEqual(
      expect.arrayContaining(['/name', '/password', '/role', '/tenantName']),
    );
    const weak = await register(registration({ password: 'short' }));
    expect(weak.status).toBe(422);
    expect(problemsOf(weak)).toHaveProperty('/password');
  });

  it.each([
    ['a tenant name of white space', { tenantName: '  \t ' }],
    ['a tenant name with a line break', { tenantName: 'one\ntwo' }],
    ['a tenant name that is too long', { tenantName: 'x'.repeat(256) }],
    ['an address that no person of a tenant can have', { email: `${'x'.repeat(65)}${newId()}@example.com` }],
    ['an address with a space', { email: `a b${newId()}@example.com` }],
    ['a name of white space', { name: ' \u00A0 ' }],
    ['a name with a control character', { name: 'Ada\u0007' }],
  ])('refuses %s before anything is made', async (_, change) => {
    const body = registration(change);
    const answer = await register(body);
    expect(answer.status).toBe(422);
    expect(Object.keys(problemsOf(answer))).toEqual([`/${Object.keys(change)[0]}`]);
    expect(await isKnown(body.email)).toBe(false);
  });
});

describe.each(describeDrivers())('invitations on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver);
  });
  afterAll(() => server.stop());

  const invited = async (
    by: Client,
    change: object = {},
  ): Promise<{ email: string; userId: string; token: string }> => {
    const email = `${newId()}@example.com`;
    const user = await by.post('/v1/users', { email, name: 'Grace Hopper', status: 'invited', ...change });
    expect(user.status).toBe(201);
    const userId = user.as<{ id: string }>().id;
    const invitation = await by.post(`/v1/users/${userId}/invitation`);
    expect(invitation.status).toBe(201);
    expect(invitation.headers.get('cache-control')).toBe('no-store');
    const { token, expiresAt } = invitation.as<{ token: string; expiresAt: string }>();
    const days = (Date.parse(expiresAt) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);
    return { email, userId, token };
  };

  it('are the only way in where registration is closed', async () => {
    const body = registration();
    const answer = await server.anybody.post('/auth/register', body);
    expect(answer.status).toBe(403);
    expect(problemOf(answer).code).toBe('REGISTRATION_CLOSED');
    expect(await server.services.auth.accounts.findByEmail(body.email)).toBeUndefined();
  });

  it('let somebody without an account in, once', async () => {
    const { owner, id } = await server.newTenant();
    const { email, userId, token } = await invited(owner, { role: 'viewer' });
    const join = { token, email, password: PASSWORD, name: 'Grace Hopper' };
    const answer = await server.anybody.post('/auth/invitations/join', join);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      account: { email },
      membership: { tenantId: id, tenantName: 'A tenant', userId, role: 'viewer' },
    });
    const client = await signedIn(server, email);
    expect((await client.get('/v1/products')).status).toBe(200);
    expect((await owner.get(`/v1/users/${userId}`)).body).toMatchObject({ status: 'active' });

    const again = { ...join, email: `${newId()}@example.com` };
    const second = await server.anybody.post('/auth/invitations/join', again);
    expect(second.status).toBe(422);
    expect(problemOf(second).code).toBe('INVITATION_INVALID');
    expect(await server.services.auth.accounts.findByEmail(again.email)).toBeUndefined();
  });

  it('let somebody who has an account into a further tenant', async () => {
    const { owner, id } = await server.newTenant();
    const guest = (await server.newTenant()).owner;
    const { token, userId } = await invited(owner, { role: 'admin' });
    const answer = await guest.post('/auth/invitations/accept', { token });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ tenantId: id, tenantName: 'A tenant', userId, role: 'admin' });
    const client = await server.signIn(guest, id);
    expect((await client.get('/auth/me')).body).toMatchObject({ tenant: id, role: 'admin' });
    expect((await guest.post('/auth/invitations/accept', { token })).status).toBe(422);
  });

  it('are replaced by later ones', async () => {
    const { owner } = await server.newTenant();
    const { token, userId, email } = await invited(owner);
    expect((await owner.post(`/v1/users/${userId}/invitation`)).status).toBe(201);
    const join = { token, email, password: PASSWORD, name: 'Grace Hopper' };
    expect((await server.anybody.post('/auth/invitations/join', join)).status).toBe(422);
  });

  it('are not given to people who have an account, nor to nobody', async () => {
    const { owner } = await server.newTenant();
    const taken = await owner.post(`/v1/users/${owner.userId}/invitation`);
    expect(taken.status).toBe(409);
    expect(problemOf(taken).code).toBe('INVITATION_NOT_POSSIBLE');
    const missing = await owner.post(`/v1/users/${newId()}/invitation`);
    expect(missing.status).toBe(404);
    expect(problemOf(missing).code).toBe('USER_NOT_FOUND');
  });

  it('to own the tenant come from owners alone', async () => {
    const tenant = await server.newTenant();
    const admin = await tenant.newPerson('admin');
    const { userId } = await invited(tenant.owner, { role: 'owner' });
    const answer = await admin.post(`/v1/users/${userId}/invitation`);
    expect(answer.status).toBe(403);
    expect(problemOf(answer).code).toBe('USER_ROLE_FORBIDDEN');
  });

  it('that nobody made are refused alike, whatever they look like', async () => {
    const { owner } = await server.newTenant();
    const answers = await Promise.all(
      ['x', `tni_${'A'.repeat(43)}`].map((token) => owner.post('/auth/invitations/accept', { token })),
    );
    expect(answers.map(({ status }) => status)).toEqual([422, 422]);
    expect(new Set(answers.map((answer) => problemOf(answer).detail)).size).toBe(1);
  });

  it('are asked for in full', async () => {
    const answer = await server.anybody.post('/auth/invitations/join', { token: 7, surname: 'Hopper' });
    expect(answer.status).toBe(422);
    expect(Object.keys(problemsOf(answer)).toSorted()).toEqual(['/email', '/name', '/password', '/surname', '/token']);
  });
});

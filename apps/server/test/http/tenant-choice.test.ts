import { describeDrivers } from '@tenon/database/testing';
import type { Product } from '@tenon/trading';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, type Answer, type Page } from '../support/client.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { createProduct, productBody } from '../support/samples.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

describe.each(describeDrivers())('the tenant of a request, on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver);
  });
  afterAll(() => server.stop());

  const mismatches = (answer: Answer) =>
    server.securityEvents(
      ({ type, requestId }) => type === 'tenant.mismatch' && requestId === answer.headers.get('x-request-id'),
    );

  /** Somebody who owns one tenant and views another, signed in to the first. */
  const newGuest = async () => {
    const [home, away] = [await server.newTenant(), await server.newTenant()];
    const { accountId, email } = home.owner;
    await away.run(() => server.services.tenancy.users.create({ email, name: 'Ada', role: 'viewer' }, { accountId }));
    await createProduct(home.owner, { name: 'at home' });
    await createProduct(away.owner, { name: 'away' });
    return { home, away, guest: await server.signIn(home.owner, home.id) };
  };

  const names = async (answer: Promise<Answer>): Promise<readonly string[]> =>
    (await answer).as<Page<Product>>().items.map(({ name }) => name);

  it('is the one of the token, whatever else the request says', async () => {
    const { home, away, guest } = await newGuest();
    expect(await names(guest.get('/v1/products'))).toEqual(['at home']);
    for (const headers of [{ cookie: `tenant=${away.id}` }, { host: `${away.id}.example.com` }, { tenant: away.id }]) {
      expect(await names(guest.get('/v1/products', headers as unknown as Record<string, string>))).toEqual(['at home']);
    }
    const filtered = await guest.get(`/v1/products?tenantId=${away.id}`);
    expect(filtered.status).toBe(422);
    expect((await guest.get('/auth/me')).body).toMatchObject({ tenant: home.id });
  });

  it('may be chosen by X-Tenant-ID among those of the token, with the role that one has there', async () => {
    const { home, away, guest } = await newGuest();
    const there = guest.with({ 'x-tenant-id': away.id });
    expect(await names(there.get('/v1/products'))).toEqual(['away']);
    expect(await names(guest.with({ 'x-tenant-id': home.id }).get('/v1/products'))).toEqual(['at home']);
    expect((await there.get('/auth/me')).body).toMatchObject({ tenant: away.id, role: 'viewer' });
    const written = await there.post('/v1/products', productBody());
    expect([written.status, problemOf(written).code]).toEqual([403, 'PERMISSION_DENIED']);
    expect((await guest.post('/v1/products', productBody())).status).toBe(201);
  });

  it('may not be one that the token does not list: 403, and one security event', async () => {
    const [mine, theirs] = [await server.newTenant(), await server.newTenant()];
    const foreign = await mine.owner.get('/v1/products', { 'x-tenant-id': theirs.id });
    const missing = await mine.owner.get('/v1/products', { 'x-tenant-id': 'no-such-tenant' });
    for (const [answer, wanted] of [
      [foreign, theirs.id],
      [missing, 'no-such-tenant'],
    ] as const) {
      expectProblem(answer, 403, 'TENANT_NOT_ALLOWED');
      expect(mismatches(answer)).toEqual([
        expect.objectContaining({
          type: 'tenant.mismatch',
          tenantId: mine.id,
          otherTenantId: wanted,
          actorType: 'user',
          actorId: mine.owner.accountId,
          resource: '/v1/products',
        }),
      ]);
    }
    expect(problemOf(foreign).detail).toBe(problemOf(missing).detail);
    const { items } = (await mine.owner.get('/v1/security-events?type=tenant.mismatch')).as<Page<object>>();
    expect(items).toHaveLength(2);
    expect((await theirs.owner.get('/v1/security-events?type=tenant.mismatch')).as<Page<object>>().items).toEqual([]);
  });

  it('is refused on routes that need no tenant too', async () => {
    const [mine, theirs] = [await server.newTenant(), await server.newTenant()];
    const answer = await mine.owner.get('/auth/me', { 'x-tenant-id': theirs.id });
    expectProblem(answer, 403, 'TENANT_NOT_ALLOWED');
    expect(mismatches(answer)).toHaveLength(1);
  });

  it('is the one of an API key', async () => {
    const [mine, theirs] = [await server.newTenant(), await server.newTenant()];
    await createProduct(mine.owner, { name: 'mine' });
    const key = await mine.newApiKey(['products:read']);
    expect(await names(key.get('/v1/products'))).toEqual(['mine']);
    expect(await names(key.get('/v1/products', { 'x-tenant-id': mine.id }))).toEqual(['mine']);
    const answer = await key.get('/v1/products', { 'x-tenant-id': theirs.id });
    expectProblem(answer, 403, 'TENANT_NOT_ALLOWED');
    expect(mismatches(answer)).toEqual([
      expect.objectContaining({
        tenantId: mine.id,
        otherTenantId: theirs.id,
        actorType: 'api-key',
        actorId: key.keyId,
      }),
    ]);
  });

  it.each(['', 'a b', '../main', 'x'.repeat(65), 'main;drop', 'main, main', 'm\u00FCller'])(
    'cannot be called %j',
    async (id) => {
      const { owner } = await server.newTenant();
      const answer = await owner.get('/v1/products', { 'x-tenant-id': id });
      expect(expectProblem(answer, 400, 'REQUEST_MALFORMED').detail).toContain('X-Tenant-ID');
    },
  );

  it('is nothing that a header alone can give', async () => {
    const { id } = await server.newTenant();
    const anonymous = await server.anybody.get('/v1/products', { 'x-tenant-id': id });
    expectProblem(anonymous, 401, 'SIGN_IN_REQUIRED');
    const homeless = await server.signIn(await server.newAccount());
    const answer = await homeless.get('/v1/products', { 'x-tenant-id': id });
    expect(expectProblem(answer, 403, 'TENANT_NOT_ALLOWED').detail).toContain('X-Tenant-ID');
  });

  it('is asked for where an account has none', async () => {
    const homeless = await server.signIn(await server.newAccount());
    const answer = await homeless.get('/v1/products');
    expectProblem(answer, 403, 'TENANT_REQUIRED');
    expect((await homeless.get('/auth/me')).body).toMatchObject({ tenant: null, userId: null, role: null, scopes: [] });
  });

  it('is lost at once with the membership, and a role with its change', async () => {
    const tenant = await server.newTenant();
    const admin = await tenant.newPerson('admin');
    expect((await admin.post('/v1/products', productBody())).status).toBe(201);
    await tenant.owner.patch(`/v1/users/${admin.userId}`, { role: 'member' });
    expect((await admin.post('/v1/products', productBody())).status).toBe(403);
    expect((await admin.get('/v1/products')).status).toBe(200);
    await tenant.owner.patch(`/v1/users/${admin.userId}`, { status: 'disabled' });
    const answer = await admin.get('/v1/products');
    expectProblem(answer, 403, 'TENANT_REQUIRED');
    await tenant.owner.patch(`/v1/users/${admin.userId}`, { status: 'active', role: 'admin' });
    expect((await admin.post('/v1/products', productBody())).status).toBe(201);
  });

  it('gives no more than the token does until it is refreshed', async () => {
    const tenant = await server.newTenant();
    const viewer = await tenant.newPerson('viewer');
    await tenant.owner.patch(`/v1/users/${viewer.userId}`, { role: 'admin' });
    expect((await viewer.post('/v1/products', productBody())).status).toBe(403);
    const refreshed = await server.anybody.post('/auth/refresh', { refreshToken: viewer.refreshToken });
    const { accessToken } = refreshed.as<{ accessToken: string }>();
    const admin = server.anybody.with({ authorization: `Bearer ${accessToken}` });
    expect((await admin.post('/v1/products', productBody())).status).toBe(201);
  });

  it('is closed to everybody when it is suspended, and open again afterwards', async () => {
    const tenant = await server.newTenant();
    const key = await tenant.newApiKey(['products:read']);
    const { tenants } = server.services.tenancy;
    expect([(await tenant.owner.get('/v1/products')).status, (await key.get('/v1/products')).status]).toEqual([
      200, 200,
    ]);

    await tenants.setStatus(tenant.id, 'suspended');
    expectProblem(await tenant.owner.get('/v1/products'), 403, 'TENANT_REQUIRED');
    expectProblem(await tenant.owner.get('/v1/products', { 'x-tenant-id': tenant.id }), 403, 'TENANT_REQUIRED');
    expectProblem(await key.get('/v1/products'), 403, 'TENANT_NOT_ALLOWED');
    const login = { email: tenant.owner.email, password: tenant.owner.password };
    const signedIn = await server.anybody.post('/auth/login', login);
    expect(signedIn.body).toMatchObject({ tenant: null, tenants: [] });
    const refreshed = await server.anybody.post('/auth/refresh', { refreshToken: tenant.owner.refreshToken });
    expect(refreshed.body).toMatchObject({ tenant: null, tenants: [] });

    await tenants.setStatus(tenant.id, 'active');
    expect([(await tenant.owner.get('/v1/products')).status, (await key.get('/v1/products')).status]).toEqual([
      200, 200,
    ]);
  });
});

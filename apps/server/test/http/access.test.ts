import { newId, requireTenant } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { principalOf, requires, type RegisterRoutes } from '@tenon/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, type Answer, type Client } from '../support/client.ts';
import { listRoutes, watchApp, type Route } from '../support/list-routes.ts';
import { startTestServer, type Role, type TestServer } from '../support/test-server.ts';

/** Who may call what. A route that is not here, and none of the public ones, fails a test. */
const EVERYBODY: readonly Role[] = ['owner', 'admin', 'member', 'viewer'];
const CUSTOMERS: readonly Role[] = ['owner', 'admin', 'member'];
const STAFF: readonly Role[] = ['owner', 'admin'];

interface Rule {
  readonly method: string;
  readonly url: string;
  readonly roles: readonly Role[];
  /** What those who may get: the id in the path is unknown, and the body is `{}`. */
  readonly status: number;
}

const rule = (method: string, url: string, roles: readonly Role[], status: number): Rule => ({
  method,
  url,
  roles,
  status,
});

/** For signed-in people, in a tenant or in none; for no machine. */
const accountRules: readonly Rule[] = [
  rule('GET', '/auth/me', EVERYBODY, 200),
  rule('GET', '/auth/sessions', EVERYBODY, 200),
  rule('DELETE', '/auth/sessions/:id', EVERYBODY, 404),
  rule('POST', '/auth/password', EVERYBODY, 422),
  rule('POST', '/auth/invitations/accept', EVERYBODY, 422),
  rule('POST', '/auth/logout-all', EVERYBODY, 204),
];

const tenantRules: readonly Rule[] = [
  rule('GET', '/v1/users', EVERYBODY, 200),
  rule('POST', '/v1/users', STAFF, 422),
  rule('GET', '/v1/users/:id', EVERYBODY, 404),
  rule('PUT', '/v1/users/:id', STAFF, 422),
  rule('PATCH', '/v1/users/:id', STAFF, 404),
  rule('DELETE', '/v1/users/:id', STAFF, 404),
  rule('POST', '/v1/users/:id/invitation', STAFF, 404),
  rule('GET', '/v1/products', EVERYBODY, 200),
  rule('POST', '/v1/products', STAFF, 422),
  rule('GET', '/v1/products/:id', EVERYBODY, 404),
  rule('PUT', '/v1/products/:id', STAFF, 422),
  rule('PATCH', '/v1/products/:id', STAFF, 422),
  rule('DELETE', '/v1/products/:id', STAFF, 404),
  rule('GET', '/v1/orders', EVERYBODY, 200),
  rule('POST', '/v1/orders', CUSTOMERS, 422),
  rule('GET', '/v1/orders/:id', EVERYBODY, 404),
  rule('PUT', '/v1/orders/:id', CUSTOMERS, 422),
  rule('PATCH', '/v1/orders/:id', CUSTOMERS, 422),
  rule('DELETE', '/v1/orders/:id', CUSTOMERS, 404),
  rule('GET', '/v1/tenant', EVERYBODY, 200),
  rule('PATCH', '/v1/tenant', STAFF, 422),
  rule('GET', '/v1/tenant/settings', EVERYBODY, 200),
  rule('PATCH', '/v1/tenant/settings', STAFF, 200),
  rule('GET', '/v1/tenant/quotas', EVERYBODY, 200),
  rule('GET', '/v1/security-events', STAFF, 200),
  rule('GET', '/v1/api-keys', STAFF, 200),
  rule('POST', '/v1/api-keys', STAFF, 422),
  rule('GET', '/v1/api-keys/:id', STAFF, 404),
  rule('DELETE', '/v1/api-keys/:id', STAFF, 404),
  // None of these is about anything without a scope in the query.
  rule('GET', '/v1/credentials', STAFF, 422),
  rule('POST', '/v1/credentials', STAFF, 422),
  rule('GET', '/v1/credentials/:id', STAFF, 422),
  rule('PUT', '/v1/credentials/:id', STAFF, 422),
  rule('DELETE', '/v1/credentials/:id', STAFF, 422),
  rule('GET', '/v1/credentials/:id/validation', STAFF, 422),
  rule('POST', '/v1/credentials/:id/reveal', ['owner'], 422),
  rule('POST', '/v1/credentials/:id/rotate', STAFF, 422),
  rule('POST', '/v1/credentials/:id/roll-back', STAFF, 422),
  rule('POST', '/v1/credentials/:id/revoke-previous', STAFF, 422),
  rule('POST', '/v1/credential-batches', STAFF, 422),
  rule('GET', '/v1/credential-overview', STAFF, 422),
  rule('GET', '/v1/credential-audit', ['owner'], 200),
  rule('GET', '/v1/resources', STAFF, 200),
  rule('GET', '/v1/resources/health', STAFF, 200),
  rule('GET', '/v1/resources/:id', STAFF, 404),
  rule('GET', '/v1/resources/:id/health', STAFF, 404),
  rule('POST', '/v1/resources/:id/check', STAFF, 404),
  rule('POST', '/v1/resources/:id/drain', STAFF, 404),
  rule('POST', '/v1/resources/reload', STAFF, 200),
];

const publicRoutes = [
  'GET /.well-known/jwks.json',
  'GET /docs',
  'GET /docs/',
  'GET /docs/js/scalar.js',
  'GET /healthz',
  'GET /metrics',
  'GET /openapi.json',
  'GET /readyz',
  'POST /auth/invitations/join',
  'POST /auth/login',
  'POST /auth/logout',
  'POST /auth/refresh',
  'POST /auth/register',
];

const EVERY_SCOPE = `
  users:read users:write products:read products:write orders:read orders:write orders:manage tenant:read tenant:write
  api-keys:manage security-events:read credentials:read credentials:write credentials:reveal
  resources:read resources:manage
`
  .trim()
  .split(/\s+/);

const call = (client: Client, { method, url }: Pick<Rule, 'method' | 'url'>): Promise<Answer> =>
  client.send(method, url.replace(':id', newId()), method === 'GET' || method === 'HEAD' ? {} : { body: {} });

describe.each(describeDrivers())('access on %s', (driver) => {
  const watch = watchApp();
  let server: TestServer;
  let routes: readonly Route[];

  beforeAll(async () => {
    server = await startTestServer(driver, { routes: watch.routes });
    routes = listRoutes(watch.app());
  });
  afterAll(() => server.stop());

  it('is denied by every route without credentials, but for the public ones', async () => {
    const open: string[] = [];
    for (const route of routes) {
      // A public route does not look at the token, and every other one looks at nothing before it.
      const answer = await call(server.anybody.with({ authorization: 'Bearer no.such.token' }), route);
      const denied =
        answer.status === 401 && answer.headers.get('www-authenticate')?.includes('invalid_token') === true;
      if (!denied) open.push(`${route.method} ${route.url}`);
    }
    expect(open.filter((name) => !name.startsWith('HEAD ')).toSorted()).toEqual(publicRoutes);
    const heads = publicRoutes.filter((name) => name.startsWith('GET ')).map((name) => name.replace('GET', 'HEAD'));
    expect(open.filter((name) => name.startsWith('HEAD ')).toSorted()).toEqual(heads);
  });

  it('is laid down for every other route in the table of this test', () => {
    const guarded = routes
      .filter(({ method, url }) => method !== 'HEAD' && !publicRoutes.includes(`${method} ${url}`))
      .map(({ method, url }) => `${method} ${url}`);
    const ruled = [...accountRules, ...tenantRules].map(({ method, url }) => `${method} ${url}`);
    expect(ruled.toSorted()).toEqual(guarded.toSorted());
  });

  it('is described for every route as it is', async () => {
    const { paths } = (await server.anybody.get('/openapi.json')).as<{
      paths: Record<string, Record<string, { security: readonly object[] }>>;
    }>();
    for (const { method, url } of [...accountRules, ...tenantRules]) {
      const operation = paths[url.replace(':id', '{id}')]?.[method.toLowerCase()];
      expect(operation?.security.length, `${method} ${url}`).toBeGreaterThan(0);
    }
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([, { security }]) => security.length === 0)
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    );
    expect(publicRoutes).toEqual(expect.arrayContaining(described));
  });

  it('is looked at before the body is read', async () => {
    for (const { method, url } of tenantRules.filter((one) => one.method !== 'GET')) {
      const answer = await server.anybody.send(method, url.replace(':id', 'x'), { body: '{"half' });
      expect(answer.status, `${method} ${url}`).toBe(401);
      expect(problemOf(answer).code, `${method} ${url}`).toBe('SIGN_IN_REQUIRED');
    }
  });

  describe.each(EVERYBODY)('of %s', (role) => {
    let person: Client;

    beforeAll(async () => {
      const tenant = await server.newTenant();
      person = role === 'owner' ? tenant.owner : await tenant.newPerson(role);
    });

    it.each([...tenantRules, ...accountRules])('$method $url', async (one) => {
      const answer = await call(person, one);
      const allowed = one.roles.includes(role);
      expect(answer.status, answer.text).toBe(allowed ? one.status : 403);
      expect(answer.text.includes('"PERMISSION_DENIED"')).toBe(!allowed);
    });
  });

  it('of an account in no tenant ends at the account', async () => {
    const client = await server.signIn(await server.newAccount());
    for (const one of tenantRules) {
      const answer = await call(client, one);
      expect([answer.status, problemOf(answer).code], `${one.method} ${one.url}`).toEqual([403, 'TENANT_REQUIRED']);
    }
    for (const one of accountRules) {
      expect((await call(client, one)).status, `${one.method} ${one.url}`).toBe(one.status);
    }
  });

  it('of a machine with every permission is that of staff, without what belongs to people', async () => {
    const key = await (await server.newTenant()).newApiKey(EVERY_SCOPE);
    for (const one of tenantRules) {
      // An order is placed by a person.
      const status = one.method === 'POST' && one.url === '/v1/orders' ? 403 : one.status;
      expect((await call(key, one)).status, `${one.method} ${one.url}`).toBe(status);
    }
    for (const one of accountRules) {
      const answer = await call(key, one);
      expect([answer.status, problemOf(answer).code], one.url).toEqual([403, 'PERMISSION_DENIED']);
    }
  });

  it('of a machine is what its key says, permission by permission', async () => {
    const tenant = await server.newTenant();
    const key = await tenant.newApiKey(['users:read']);
    for (const one of tenantRules.filter(({ url }) => !url.startsWith('/v1/users'))) {
      const answer = await call(key, one);
      expect([answer.status, problemOf(answer).code], `${one.method} ${one.url}`).toEqual([403, 'PERMISSION_DENIED']);
    }
    expect((await key.get('/v1/users')).status).toBe(200);
    expect((await key.post('/v1/users', {})).status).toBe(403);
  });
});

describe('a route of an application', () => {
  it('that declares no access keeps the server from starting', async () => {
    const routes: RegisterRoutes = (app) => {
      app.get('/mine', () => 'for all');
    };
    await expect(startTestServer('pglite', { routes })).rejects.toMatchObject({
      code: 'ACCESS_UNDECLARED',
      message: expect.stringContaining('GET /mine'),
    });
  });

  it('is guarded like the others, and runs in the tenant of its caller', async () => {
    const routes: RegisterRoutes = (app) => {
      app.get('/mine', { config: { access: requires('products:write') } }, (request) => ({
        tenant: requireTenant(),
        role: principalOf(request).role,
      }));
    };
    const server = await startTestServer('pglite', { routes });
    try {
      const tenant = await server.newTenant();
      const viewer = await tenant.newPerson('viewer');
      expect((await server.anybody.get('/mine')).status).toBe(401);
      expect((await viewer.get('/mine')).status).toBe(403);
      expect((await tenant.owner.get('/mine')).body).toEqual({ tenant: tenant.id, role: 'owner' });
    } finally {
      await server.stop();
    }
  });
});

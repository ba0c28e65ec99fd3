import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Client } from '../support/client.ts';
import { countRows } from '../support/count-rows.ts';
import { listRoutes, watchApp } from '../support/list-routes.ts';
import { createOrder, createProduct, productBody, userBody } from '../support/samples.ts';
import { startTestServer, type LoggedSecurityEvent, type TestServer, type TestTenant } from '../support/test-server.ts';

interface Attempt {
  readonly method: string;
  /** With `:id`. */
  readonly url: string;
  readonly resource: string;
  body?(victim: Victim): unknown;
}

/** A tenant with one of each kind of row. */
interface Victim {
  readonly tenant: TestTenant;
  readonly ids: Readonly<Record<string, string>>;
}

const lines = (victim: Victim) => [{ productId: victim.ids['products'] ?? '', quantity: 1 }];

const attempts: readonly Attempt[] = [
  { method: 'GET', url: '/v1/users/:id', resource: 'users' },
  { method: 'HEAD', url: '/v1/users/:id', resource: 'users' },
  {
    method: 'PUT',
    url: '/v1/users/:id',
    resource: 'users',
    body: () => userBody({ role: 'member', status: 'active' }),
  },
  { method: 'PATCH', url: '/v1/users/:id', resource: 'users', body: () => ({ name: 'Mine now' }) },
  { method: 'DELETE', url: '/v1/users/:id', resource: 'users' },
  { method: 'POST', url: '/v1/users/:id/invitation', resource: 'users' },
  { method: 'GET', url: '/v1/products/:id', resource: 'products' },
  { method: 'HEAD', url: '/v1/products/:id', resource: 'products' },
  { method: 'PUT', url: '/v1/products/:id', resource: 'products', body: () => productBody() },
  { method: 'PATCH', url: '/v1/products/:id', resource: 'products', body: () => ({ stock: 0 }) },
  { method: 'DELETE', url: '/v1/products/:id', resource: 'products' },
  { method: 'GET', url: '/v1/orders/:id', resource: 'orders' },
  { method: 'HEAD', url: '/v1/orders/:id', resource: 'orders' },
  { method: 'PUT', url: '/v1/orders/:id', resource: 'orders', body: (victim) => ({ lines: lines(victim) }) },
  { method: 'PATCH', url: '/v1/orders/:id', resource: 'orders', body: () => ({ status: 'cancelled' }) },
  { method: 'DELETE', url: '/v1/orders/:id', resource: 'orders' },
  { method: 'GET', url: '/v1/api-keys/:id', resource: 'api-keys' },
  { method: 'HEAD', url: '/v1/api-keys/:id', resource: 'api-keys' },
  { method: 'DELETE', url: '/v1/api-keys/:id', resource: 'api-keys' },
];

describe.each(describeDrivers())('rows of another tenant, on %s', (driver) => {
  const watch = watchApp();
  let server: TestServer;
  let victim: Victim;
  let attacker: TestTenant;

  beforeAll(async () => {
    server = await startTestServer(driver, { routes: watch.routes });
    const tenant = await server.newTenant();
    const product = await createProduct(tenant.owner);
    const order = await createOrder(tenant.owner, product, 1, { status: 'draft' });
    const user = await tenant.owner.post('/v1/users', userBody({ status: 'invited' }));
    const { keyId } = await tenant.newApiKey(['products:read']);
    const users = user.as<{ id: string }>().id;
    victim = { tenant, ids: { users, products: product.id, orders: order.id, 'api-keys': keyId } };
    attacker = await server.newTenant();
  });
  afterAll(() => server.stop());

  const attempt = (by: Client, one: Attempt, id: string): Promise<Answer> => {
    const body = one.body?.(victim);
    return by.send(one.method, one.url.replace(':id', id), body === undefined ? {} : { body });
  };

  /** Everything that an answer shows, apart from the id that was asked for and the id of the request. */
  const shown = (answer: Answer, id: string) => {
    const requestId = answer.headers.get('x-request-id') ?? '';
    const headers = [...answer.headers].filter(([name]) => name !== 'x-request-id' && name !== 'date');
    return { status: answer.status, headers, text: answer.text.replaceAll(requestId, 'REQUEST').replaceAll(id, 'ID') };
  };

  /** The crossings that one actor was recorded for, once all that is under way has been recorded. */
  const crossingsOf = async (by: TestTenant): Promise<readonly LoggedSecurityEvent[]> => {
    // Records are made one after the other behind the answers; the last one tells that the others are there.
    const last = await by.owner.get(`/v1/products/${victim.ids['products']}`);
    const requestId = last.headers.get('x-request-id');
    const crossings = () =>
      server.securityEvents(({ type, tenantId }) => type === 'tenant.cross-access' && tenantId === by.id);
    await expect.poll(() => crossings().some((event) => event.requestId === requestId)).toBe(true);
    await expect.poll(() => server.services.database.statistics().waiting).toBe(0);
    return crossings().filter((event) => event.requestId !== requestId);
  };

  it('are tried through every route that takes the id of one', () => {
    const known = listRoutes(watch.app())
      // The ids of credentials are names that each tenant chooses: another tenant's are tried in credentials.test.ts.
      .filter(({ url }) => url.startsWith('/v1/') && url.includes(':') && !url.startsWith('/v1/credentials/'))
      // Declared resources have the same names for everybody: see declared-resources.test.ts.
      .filter(({ url }) => !url.startsWith('/v1/resources/'))
      .map(({ method, url }) => `${method} ${url}`);
    expect(attempts.map(({ method, url }) => `${method} ${url}`).toSorted()).toEqual(known.toSorted());
  });

  it("property 12: access to another tenant's rows is blocked and recorded", async () => {
    const before = await countRows(server);
    const expected: object[] = [];
    for (const one of attempts) {
      const way = `${one.method} ${one.url}`;
      const id = victim.ids[one.resource] ?? '';
      const missing = newId();
      const foreign = await attempt(attacker.owner, one, id);
      const unknown = await attempt(attacker.owner, one, missing);
      expect(foreign.status, `${way} ${foreign.text}`).toBe(404);
      expect(shown(foreign, id), way).toEqual(shown(unknown, missing));
      expected.push({
        type: 'tenant.cross-access',
        actorType: 'user',
        actorId: attacker.owner.accountId,
        tenantId: attacker.id,
        otherTenantId: victim.tenant.id,
        resource: `${one.resource}/${id}`,
        requestId: foreign.headers.get('x-request-id'),
      });
    }
    expect(await countRows(server)).toEqual(before);
    // One for each attempt, and none for the ids that nobody has.
    const crossings = await crossingsOf(attacker);
    expect(crossings.length).toBe(expected.length);
    expect(crossings).toEqual(expect.arrayContaining(expected.map((event) => expect.objectContaining(event))));
  });

  it('are recorded for those who watch over the tenant that asked, and over no other', async () => {
    const nosy = await server.newTenant();
    const answer = await nosy.owner.get(`/v1/orders/${victim.ids['orders']}`);
    await crossingsOf(nosy);
    const events = async (tenant: TestTenant): Promise<readonly { requestId: string }[]> =>
      (await tenant.owner.get('/v1/security-events?type=tenant.cross-access')).as<{ items: { requestId: string }[] }>()
        .items;
    const own = await events(nosy);
    expect(own.find(({ requestId }) => requestId === answer.headers.get('x-request-id'))).toMatchObject({
      actor: { type: 'user', id: nosy.owner.accountId },
      tenantId: nosy.id,
      otherTenantId: victim.tenant.id,
      resource: `orders/${victim.ids['orders']}`,
      details: { method: 'GET' },
    });
    expect(await events(victim.tenant)).toEqual([]);
  });

  it('are blocked and recorded for machines and members as well', async () => {
    const nosy = await server.newTenant();
    const key = await nosy.newApiKey(['products:read', 'orders:read', 'orders:manage']);
    const member = await nosy.newPerson('member');
    const [products, orders] = [victim.ids['products'] ?? '', victim.ids['orders'] ?? ''];
    const answers = [
      await key.get(`/v1/products/${products}`),
      await key.get(`/v1/orders/${orders}`),
      await member.get(`/v1/orders/${orders}`),
      await member.delete(`/v1/orders/${orders}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    const actors = (await crossingsOf(nosy)).map(({ actorType, actorId }) => `${actorType} ${actorId}`);
    const machines = [key.keyId, key.keyId].map((id) => `api-key ${id}`);
    const people = [member.accountId, member.accountId].map((id) => `user ${id}`);
    expect(actors.toSorted()).toEqual([...machines, ...people].toSorted());
  });

  it('are recorded as tried by nobody who only may not see a row of the own tenant', async () => {
    const tenant = await server.newTenant();
    const [mine, theirs] = [await tenant.newPerson('member'), await tenant.newPerson('member')];
    const order = await createOrder(mine, await createProduct(tenant.owner));
    expect((await theirs.get(`/v1/orders/${order.id}`)).status).toBe(404);
    expect(await crossingsOf(tenant)).toEqual([]);
  });

  it('are not reached by way of other rows, filters and cursors', async () => {
    const { owner } = attacker;
    const [users = '', products = ''] = [victim.ids['users'], victim.ids['products']];
    const order = await owner.post('/v1/orders', { lines: lines(victim) });
    expect(order.status).toBe(422);
    const draft = await createOrder(owner, await createProduct(owner), 1, { status: 'draft' });
    const changed = await owner.patch(`/v1/orders/${draft.id}`, { lines: lines(victim) });
    expect(changed.status).toBe(422);
    const { items } = (await owner.get(`/v1/orders?userId=${users}`)).as<{ items: object[] }>();
    expect(items).toEqual([]);
    const page = await victim.tenant.owner.get('/v1/users?limit=1');
    const stolen = await owner.get(`/v1/users?limit=100&cursor=${page.as<{ nextCursor: string }>().nextCursor}`);
    expect(stolen.text).not.toContain(victim.tenant.id);
    expect(order.text.replaceAll(products, '')).not.toContain(victim.tenant.id);
  });
});

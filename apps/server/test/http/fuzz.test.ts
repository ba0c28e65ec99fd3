import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../support/client.ts';
import { countRows } from '../support/count-rows.ts';
import { expectProblem } from '../support/expect-problem.ts';
import { listRoutes, watchApp, type Route } from '../support/list-routes.ts';
import { createOrder, createProduct } from '../support/samples.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

// It takes no input, and would sign the tester out.
const LEFT_OUT = ['/auth/logout-all'];

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom('', ' ', '\0', '\ud800', "'; drop table users --", '%_\\', '2026-01-01', '١٢٣', '\u202E', newId()),
);

const words = (list: string): fc.Arbitrary<string> => fc.constantFrom(...list.trim().split(/\s+/));

const field = words(`
  id tenantId version email password name role status company phone sku currency description category priceMinor stock
  externalId userId lines token refreshToken mode tenant tenantName scopes expiresAt lowStockLevel language
  defaultCurrency __proto__ x
`);

const value = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(
    null,
    -0,
    2 ** 53,
    1e308,
    [],
    {},
    'EUR',
    'active',
    'placed',
    'orders:write',
    '+275760-09-13T00:00:00Z',
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

const line = fc.record({ productId: fc.oneof(fc.constant(newId()), value), quantity: value }, { requiredKeys: [] });

const body = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .dictionary(field, value, { maxKeys: 8, noNullPrototype: true })
      .map((fields) => JSON.stringify(fields)),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ lines: fc.array(line, { maxLength: 3 }), status: value })
      .map((fields) => JSON.stringify(fields)),
  },
  { weight: 2, arbitrary: fc.json({ maxDepth: 4 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
);

const parameter = fc.oneof(
  words(`
    limit cursor page sort total price[gte] name[prefix] sku[in] status email createdAt[gt] placedAt[lte] totalMinor
    userId type[in] actorId name country[in]
  `),
  text,
);

const query = fc.array(fc.tuple(parameter, fc.oneof(text, fc.integer().map(String))), { maxLength: 4 });

const header = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });

const request = fc.record({
  id: fc.oneof(text, fc.constantFrom('KNOWN', 'me', '..', 'x'.repeat(64))),
  body: fc.option(body, { nil: undefined }),
  query,
  headers: fc.dictionary(
    fc.constantFrom('if-match', 'if-none-match', 'idempotency-key', 'x-request-id', 'traceparent', 'cookie', 'accept'),
    header.map((one) => one.trim()),
    { maxKeys: 3, noNullPrototype: true },
  ),
});

describe.each(describeDrivers())('whatever is sent, on %s', (driver) => {
  const watch = watchApp();
  let server: TestServer;
  let tenant: TestTenant;
  let routes: readonly Route[];
  let known: Readonly<Record<string, string>>;

  beforeAll(async () => {
    server = await startTestServer(driver, { routes: watch.routes });
    tenant = await server.newTenant();
    const product = await createProduct(tenant.owner);
    const order = await createOrder(tenant.owner, product);
    const { keyId } = await tenant.newApiKey(['products:read']);
    known = {
      users: tenant.owner.userId,
      products: product.id,
      orders: order.id,
      'api-keys': keyId,
      sessions: newId(),
    };
    routes = listRoutes(watch.app()).filter(({ url }) => !LEFT_OUT.includes(url));
  });
  afterAll(() => server.stop());

  const encode = (part: string): string => encodeURIComponent(part.toWellFormed());

  const send = async (
    route: Route,
    given: typeof request extends fc.Arbitrary<infer T> ? T : never,
  ): Promise<Answer> => {
    const id = given.id === 'KNOWN' ? (known[route.url.split('/')[2] ?? ''] ?? newId()) : encode(given.id || 'x');
    const search = given.query.map(([name, one]) => `${encode(name)}=${encode(one)}`).join('&');
    const readOnly = route.method === 'GET' || route.method === 'HEAD';
    return tenant.owner.send(route.method, `${route.url.replace(':id', id)}?${search}`, {
      headers: given.headers,
      ...(readOnly || given.body === undefined ? {} : { body: given.body }),
    });
  };

  it('no route fails, and each refusal is a problem document', async () => {
    const seen = new Set<string>();
    for (const route of routes) {
      await fc.assert(
        fc.asyncProperty(request, async (given) => {
          const answer = await send(route, given);
          const told = `${route.method} ${route.url} ${answer.status} ${answer.text.slice(0, 500)}`;
          expect(answer.status, told).toBeLessThan(500);
          seen.add(`${answer.status}`);
          if (answer.status < 400 || route.method === 'HEAD') return;
          const { code } = JSON.parse(answer.text) as { code: string };
          expect(problemFields(expectProblem(answer, answer.status, code)), told).toEqual([]);
        }),
        { numRuns: 25, endOnFailure: true },
      );
    }
    expect([...seen]).toEqual(expect.arrayContaining(['200', '400', '404', '422']));
  });

  it('no route fails at a body that is right but for one field', async () => {
    const { users = '', products = '', orders = '' } = known;
    const draft = await createOrder(tenant.owner, { id: products }, 1, { status: 'draft' });
    const lines = [{ productId: products, quantity: 1, discountPercent: 5 }];
    const person = { name: 'Jo', company: 'x', title: 'x', city: 'x', country: 'x', phone: 'x' };
    const product = {
      name: 'Tea',
      description: 'x',
      category: 'x',
      priceMinor: 1,
      currency: 'EUR',
      stock: 1,
      status: 'active',
    };
    const nearly: readonly (readonly [string, string, () => Record<string, unknown>])[] = [
      ['POST', '/v1/users', () => ({ ...person, email: `${newId()}@example.com`, role: 'member', status: 'active' })],
      ['PATCH', `/v1/users/${users}`, () => person],
      ['POST', '/v1/products', () => ({ ...product, sku: newId() })],
      ['PUT', `/v1/products/${products}`, () => ({ ...product, sku: newId(), stock: 1_000 })],
      ['PATCH', `/v1/products/${products}`, () => ({ ...product, stock: 1_000 })],
      ['POST', '/v1/orders', () => ({ externalId: newId(), status: 'draft', lines })],
      ['PUT', `/v1/orders/${draft.id}`, () => ({ externalId: newId(), lines })],
      ['PATCH', `/v1/orders/${orders}`, () => ({ externalId: newId() })],
      ['PATCH', '/v1/tenant', () => ({ name: 'A tenant' })],
      ['PATCH', '/v1/tenant/settings', () => ({ language: 'de', lowStockLevel: 1, defaultCurrency: 'EUR' })],
      ['POST', '/v1/api-keys', () => ({ name: 'x', scopes: ['users:read'], expiresAt: '2100-01-01' })],
    ];
    for (const [method, path, make] of nearly) {
      const sound = await tenant.owner.send(method, path, { body: make() });
      expect(sound.status, `${method} ${path} ${sound.text}`).toBeLessThan(300);
      const wrong = fc.oneof(value, fc.date().map(String), fc.constantFrom([{ productId: products, quantity: 1e9 }]));
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...Object.keys(make())), wrong, async (name, one) => {
          const answer = await tenant.owner.send(method, path, { body: { ...make(), [name]: one } });
          expect(answer.status, `${method} ${path} ${answer.text}`).toBeLessThan(500);
        }),
        {
          numRuns: 40,
          endOnFailure: true,
          examples:
            path === '/v1/api-keys'
              ? [
                  ['expiresAt', '+275760-09-13T00:00:00Z'],
                  ['expiresAt', '1'],
                ]
              : [],
        },
      );
    }
  });

  it('nothing is written by a request that is refused', async () => {
    const writing = routes.filter(({ method }) => ['POST', 'PUT', 'PATCH'].includes(method));
    const poisoned = fc
      .tuple(
        fc.dictionary(field, value, { maxKeys: 8, noNullPrototype: true }),
        fc.constantFrom('tenantId', 'nonsense'),
      )
      .map(([fields, poison]) => JSON.stringify({ ...fields, [poison]: 'x' }));
    for (const route of writing.filter(({ url }) => !['/auth/logout', '/v1/users/:id/invitation'].includes(url))) {
      const before = await countRows(server);
      await fc.assert(
        fc.asyncProperty(poisoned, async (poison) => {
          const answer = await send(route, { id: 'KNOWN', body: poison, query: [], headers: {} });
          expect(answer.status, `${route.method} ${route.url} ${answer.text}`).toBeGreaterThanOrEqual(400);
          expect(answer.status, `${route.method} ${route.url} ${answer.text}`).toBeLessThan(500);
        }),
        { numRuns: 10, endOnFailure: true },
      );
      expect(await countRows(server), `${route.method} ${route.url}`).toEqual(before);
    }
  });
});

/** What a problem document has that it should not. */
function problemFields(problem: object): readonly string[] {
  return Object.keys(problem).filter((name) => ['stack', 'cause', 'query', 'sql', 'hint', 'file'].includes(name));
}

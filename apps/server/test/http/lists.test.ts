import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import type { Order, Product } from '@tenon/trading';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemsOf, type Client, type Page } from '../support/client.ts';
import { createOrder, createProduct, productBody, userBody } from '../support/samples.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

interface Row {
  readonly id: string;
  readonly [field: string]: unknown;
}

const query = (parameters: Readonly<Record<string, string | number>>): string =>
  `?${Object.entries(parameters)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')}`;

async function page<Item = Row>(client: Client, path: string): Promise<Page<Item>> {
  const answer = await client.get(path);
  expect(answer.status, `${path} ${answer.text}`).toBe(200);
  return answer.as<Page<Item>>();
}

/** All rows of a list, page by page. Between the pages, something may happen. */
async function walk(
  client: Client,
  path: string,
  parameters: Readonly<Record<string, string | number>>,
  between: () => Promise<unknown> = async () => undefined,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const one: Page<Row> = await page(client, path + query({ ...parameters, ...(cursor === null ? {} : { cursor }) }));
    rows.push(...one.items);
    expect(one.hasMore).toBe(one.nextCursor !== null);
    cursor = one.nextCursor;
    if (cursor !== null) await between();
  } while (cursor !== null);
  return rows;
}

const names = (rows: readonly Row[], field: string): readonly unknown[] => rows.map((row) => row[field]);

describe.each(describeDrivers())('lists on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver);
  });
  afterAll(() => server.stop());

  describe('of many products', () => {
    const COUNT = 120;
    let tenant: TestTenant;

    beforeAll(async () => {
      tenant = await server.newTenant();
      // Prices repeat, so that only the id tells some rows apart.
      const rows = Array.from({ length: COUNT }, (_, index) =>
        productBody({ sku: `SKU-${String(index).padStart(3, '0')}`, priceMinor: index % 7, stock: 0 }),
      );
      const report = await tenant.run(() => server.services.trading.products.importBatch(rows));
      expect(report.rejected).toEqual([]);
    });

    const list = (parameters: Readonly<Record<string, string | number>> = {}) =>
      page<Product>(tenant.owner, `/v1/products${query(parameters)}`);

    it('hold 20 rows unless told otherwise, and 100 at most', async () => {
      const first = await list();
      expect(first.items).toHaveLength(20);
      expect(first.hasMore).toBe(true);
      expect(first.nextCursor).toEqual(expect.any(String));
      expect(first).not.toHaveProperty('total');
      expect((await list({ limit: 1 })).items).toHaveLength(1);
      expect((await list({ limit: 100 })).items).toHaveLength(100);
    });

    it.each(['0', '-1', '101', 'abc', '', '1.5', '1e2', ' 5', '0x10', '99999999999'])(
      'refuse a limit of %j',
      async (limit) => {
        const answer = await tenant.owner.get(`/v1/products${query({ limit })}`);
        expect(answer.status).toBe(422);
        expect(problemsOf(answer)).toEqual({ '/limit': 'out_of_range' });
      },
    );

    it.each([
      ['an unknown parameter', { colour: 'red' }, { '/colour': 'unknown_parameter' }],
      ['a field that cannot be filtered', { stock: 1 }, { '/stock': 'unknown_parameter' }],
      ['a column of the database', { tenant_id: 'main' }, { '/tenant_id': 'unknown_parameter' }],
      ['a field of the prototype', { constructor: 'x' }, { '/constructor': 'unknown_parameter' }],
      ['an unknown operator', { 'price[like]': 1 }, { '/price[like]': 'unknown_operator' }],
      ['an operator that the field does not have', { 'status[gt]': 'active' }, { '/status[gt]': 'unknown_operator' }],
      ['a number that is none', { 'price[gte]': 'cheap' }, { '/price[gte]': 'not_an_integer' }],
      ['a number that cannot be held', { price: '9'.repeat(16) }, { '/price': 'not_an_integer' }],
      ['a time that is none', { 'createdAt[gt]': 'yesterday' }, { '/createdAt[gt]': 'not_a_timestamp' }],
      ['a value that does not exist', { status: 'sold' }, { '/status': 'unknown_value' }],
      ['too long a value', { sku: 'x'.repeat(257) }, { '/sku': 'too_long' }],
      ['NUL', { sku: 'a\0b' }, { '/sku': 'not_text' }],
      ['too many values', { 'sku[in]': Array.from({ length: 51 }, String).join(',') }, { '/sku[in]': 'too_many' }],
      ['an unknown sort', { sort: 'stock' }, { '/sort': 'unknown_sort' }],
      ['a sort by SQL', { sort: 'name;drop table products' }, { '/sort': 'unknown_sort' }],
      ['the same sort twice', { sort: 'name,-name' }, { '/sort': 'unknown_sort' }],
      ['four sorts', { sort: 'name,sku,price,createdAt' }, { '/sort': 'unknown_sort' }],
      ['page 0', { page: 0 }, { '/page': 'out_of_range' }],
      ['page and cursor', { page: 1, cursor: 'x' }, { '/page': 'conflict' }],
      ['too deep a page', { page: 101, limit: 100 }, { '/page': 'too_deep' }],
      ['a total that is neither', { total: 'yes' }, { '/total': 'unknown_value' }],
      ['a cursor that is none', { cursor: 'abc' }, { '/cursor': 'invalid_cursor' }],
    ])('refuse %s', async (_, parameters: Readonly<Record<string, string | number>>, problems) => {
      const answer = await tenant.owner.get(`/v1/products${query(parameters)}`);
      expect(answer.status).toBe(422);
      expect(problemsOf(answer)).toEqual(problems);
    });

    it('name all that is wrong at once', async () => {
      const answer = await tenant.owner.get('/v1/products?limit=0&colour=red&price[gte]=x&sort=bar&total=1');
      expect(Object.keys(problemsOf(answer)).toSorted()).toEqual([
        '/colour',
        '/limit',
        '/price[gte]',
        '/sort',
        '/total',
      ]);
    });

    it('refuse a parameter that comes twice', async () => {
      const answer = await tenant.owner.get('/v1/products?limit=5&limit=6');
      expect(answer.status).toBe(422);
      expect(problemsOf(answer)).toEqual({ '/limit': 'duplicate' });
    });

    it('refuse a cursor that was tampered with, or that another list gave', async () => {
      const { nextCursor } = await list({ limit: 5, sort: 'price' });
      const [text = '', signature = ''] = (nextCursor ?? '').split('.');
      const forged = Buffer.from(text, 'base64url').toString().replace(/\d/, '9');
      const refused: readonly (readonly [string, Readonly<Record<string, string | number>>])[] = [
        ['no signature', { sort: 'price', cursor: text }],
        ['another signature', { sort: 'price', cursor: `${text}.${signature.split('').toReversed().join('')}` }],
        ['other content', { sort: 'price', cursor: `${Buffer.from(forged).toString('base64url')}.${signature}` }],
        ['something behind it', { sort: 'price', cursor: `${nextCursor}A` }],
        ['without end', { sort: 'price', cursor: `${'A'.repeat(5_000)}.${signature}` }],
        ['another sort', { sort: '-price', cursor: nextCursor ?? '' }],
        ['the default sort', { cursor: nextCursor ?? '' }],
        ['another filter', { sort: 'price', status: 'active', cursor: nextCursor ?? '' }],
      ];
      for (const [why, parameters] of refused) {
        const answer = await tenant.owner.get(`/v1/products${query(parameters)}`);
        expect(answer.status, why).toBe(422);
        expect(problemsOf(answer), why).toEqual({ '/cursor': 'invalid_cursor' });
      }
      const users = await tenant.owner.get(`/v1/users${query({ cursor: (await list()).nextCursor ?? '' })}`);
      expect(problemsOf(users)).toEqual({ '/cursor': 'invalid_cursor' });
      // The page may be of another size.
      expect((await list({ limit: 50, sort: 'price', cursor: nextCursor ?? '' })).items).toHaveLength(50);
    });

    it('give a cursor of one tenant nothing in another', async () => {
      const { nextCursor } = await list({ limit: 5 });
      const other = await server.newTenant();
      await createProduct(other.owner);
      const rows = await page(other.owner, `/v1/products${query({ limit: 100, cursor: nextCursor ?? '' })}`);
      const own = new Set((await page(other.owner, '/v1/products')).items.map(({ id }) => id));
      expect(rows.items.every(({ id }) => own.has(id))).toBe(true);
    });

    it.each(['-createdAt', 'createdAt', 'price', '-price', 'name,-sku', 'price,-createdAt,sku', '-sku'])(
      'sorted by %s hold every row once, in order',
      async (sort) => {
        const rows = await walk(tenant.owner, '/v1/products', { sort, limit: 17 });
        expect(rows).toHaveLength(COUNT);
        expect(new Set(names(rows, 'id')).size).toBe(COUNT);
        const column: Readonly<Record<string, string>> = { price: 'priceMinor' };
        const keys = sort.split(',').map((key) => {
          const name = key.replace('-', '');
          return { field: column[name] ?? name, sign: key.startsWith('-') ? -1 : 1 };
        });
        const compare = (left: Row, right: Row): number => {
          for (const { field, sign } of keys) {
            const [one, two] = [left[field] as string, right[field] as string];
            if (one !== two) return (one < two ? -1 : 1) * sign;
          }
          return 0;
        };
        for (const [index, row] of rows.entries()) {
          const next = rows[index + 1];
          expect(next === undefined ? 0 : compare(row, next)).toBeLessThanOrEqual(0);
        }
      },
    );

    it('can be turned by page numbers', async () => {
      const all = await walk(tenant.owner, '/v1/products', { sort: 'sku', limit: 100 });
      const numbered = [1, 2, 3, 4].map((number) => list({ sort: 'sku', limit: 50, page: number }));
      const pages = await Promise.all(numbered);
      expect(pages.map(({ items }) => items.length)).toEqual([50, 50, 20, 0]);
      expect(pages.map(({ hasMore }) => hasMore)).toEqual([true, true, false, false]);
      expect(pages.flatMap(({ items }) => items.map(({ id }) => id))).toEqual(names(all, 'id'));
    });

    it('count when they are asked to', async () => {
      expect((await list({ total: 'true', limit: 1 })).total).toEqual({ value: COUNT, relation: 'exact' });
      expect((await list({ total: 'true', price: 0 })).total).toEqual({ value: 18, relation: 'exact' });
      expect(await list({ total: 'false' })).not.toHaveProperty('total');
    });

    it('filter by every field and operator that they name', async () => {
      const skus = async (parameters: Readonly<Record<string, string | number>>): Promise<readonly string[]> =>
        (await list({ ...parameters, sort: 'sku', limit: 100 })).items.map(({ sku }) => sku.slice(4));
      const count = async (parameters: Readonly<Record<string, string | number>>): Promise<number> =>
        (await list({ ...parameters, total: 'true', limit: 1 })).total?.value ?? -1;
      expect(await skus({ sku: 'SKU-007' })).toEqual(['007']);
      expect(await skus({ 'sku[in]': 'SKU-003,SKU-001,none' })).toEqual(['001', '003']);
      expect(await skus({ 'sku[prefix]': 'SKU-11' })).toHaveLength(10);
      expect(await skus({ 'sku[prefix]': '%' })).toEqual([]);
      expect(await count({ name: 'CHAI' })).toBe(COUNT);
      expect(await count({ 'name[prefix]': 'ch' })).toBe(COUNT);
      expect(await count({ category: 'Tea' })).toBe(0);
      expect(await count({ status: 'active' })).toBe(COUNT);
      expect(await count({ status: 'archived' })).toBe(0);
      expect(await count({ 'status[in]': 'active,archived' })).toBe(COUNT);
      expect(await count({ price: 6 })).toBe(17);
      expect(await count({ 'price[gt]': 5 })).toBe(17);
      expect(await count({ 'price[gte]': 5 })).toBe(34);
      expect(await count({ 'price[lt]': 1 })).toBe(18);
      expect(await count({ 'price[lte]': 1 })).toBe(35);
      expect(await count({ 'price[gte]': 2, 'price[lt]': 4 })).toBe(34);
      expect(await count({ 'createdAt[gt]': '2020-01-01' })).toBe(COUNT);
      expect(await count({ 'createdAt[lt]': '2020-01-01T00:00:00Z' })).toBe(0);
      const { createdAt } = (await list({ limit: 1 })).items[0] as Product;
      expect(await count({ 'createdAt[gte]': createdAt })).toBeGreaterThan(0);
      expect(await count({ 'createdAt[lte]': createdAt })).toBeGreaterThan(0);
    });
  });

  it('of people filter by every field that they name', async () => {
    const { owner } = await server.newTenant();
    const people = [
      { email: 'Ana.Trujillo@example.com', name: 'Ana Trujillo', company: 'Helados', country: 'Mexico' },
      { email: 'antonio@example.com', name: 'antonio Moreno', company: 'Taquería', country: 'Mexico', role: 'viewer' },
      { email: 'thomas@example.com', name: 'Thomas Hardy', company: 'Around', country: 'UK', status: 'invited' },
    ];
    for (const person of people) expect((await owner.post('/v1/users', person)).status).toBe(201);
    const found = async (parameters: Readonly<Record<string, string>>): Promise<readonly string[]> =>
      (await page(owner, `/v1/users${query({ ...parameters, sort: 'name' })}`)).items.map(
        ({ name }) => String(name).split(' ')[0] ?? '',
      );
    expect(await found({})).toEqual(['Ada', 'Ana', 'antonio', 'Thomas']);
    expect(await found({ email: 'ANA.trujillo@example.com' })).toEqual(['Ana']);
    expect(await found({ 'email[prefix]': 'an' })).toEqual(['Ana', 'antonio']);
    expect(await found({ name: 'thomas hardy' })).toEqual(['Thomas']);
    expect(await found({ 'name[prefix]': 'AN' })).toEqual(['Ana', 'antonio']);
    expect(await found({ role: 'viewer' })).toEqual(['antonio']);
    expect(await found({ 'role[in]': 'viewer,owner' })).toEqual(['Ada', 'antonio']);
    expect(await found({ status: 'invited' })).toEqual(['Thomas']);
    expect(await found({ 'status[in]': 'invited,disabled' })).toEqual(['Thomas']);
    expect(await found({ company: 'Taquería'.normalize('NFD') })).toEqual(['antonio']);
    expect(await found({ 'company[in]': 'Helados,Around' })).toEqual(['Ana', 'Thomas']);
    expect(await found({ country: 'Mexico' })).toEqual(['Ana', 'antonio']);
    expect(await found({ 'country[in]': 'UK,France', status: 'active' })).toEqual([]);
    expect(await found({ 'createdAt[gt]': '2020-01-01' })).toHaveLength(4);
    for (const name of ['phone', 'accountId', 'password', 'tenantId']) {
      expect(problemsOf(await owner.get(`/v1/users?${name}=x`)), name).toEqual({ [`/${name}`]: 'unknown_parameter' });
      expect(problemsOf(await owner.get(`/v1/users?sort=${name}`)), name).toEqual({ '/sort': 'unknown_sort' });
    }
  });

  it('of orders filter by every field that they name', async () => {
    const tenant = await server.newTenant();
    const { owner } = tenant;
    const member = await tenant.newPerson('member');
    const product = await createProduct(owner, { priceMinor: 100, stock: 100 });
    const small = await createOrder(owner, product, 1, { externalId: 'A-1' });
    const big = await createOrder(member, product, 5, { externalId: 'A-2' });
    const draft = await createOrder(owner, product, 3, { externalId: 'A-3', status: 'draft' });
    const found = async (parameters: Readonly<Record<string, string | number>>): Promise<readonly unknown[]> =>
      (await page<Order>(owner, `/v1/orders${query({ ...parameters, sort: 'totalMinor' })}`)).items.map(
        ({ externalId }) => externalId,
      );
    expect(await found({})).toEqual(['A-1', 'A-3', 'A-2']);
    expect(await found({ userId: member.userId })).toEqual(['A-2']);
    expect(await found({ 'userId[in]': `${member.userId},${newId()}` })).toEqual(['A-2']);
    expect(await found({ externalId: 'A-3' })).toEqual(['A-3']);
    expect(await found({ 'externalId[in]': 'A-1,A-2' })).toEqual(['A-1', 'A-2']);
    expect(await found({ status: 'draft' })).toEqual(['A-3']);
    expect(await found({ 'status[in]': 'placed,paid' })).toEqual(['A-1', 'A-2']);
    expect(await found({ total: 'true' })).toHaveLength(3);
    expect(await found({ totalMinor: 300 })).toEqual(['A-3']);
    expect(await found({ 'totalMinor[gt]': 300 })).toEqual(['A-2']);
    expect(await found({ 'totalMinor[gte]': 300 })).toEqual(['A-3', 'A-2']);
    expect(await found({ 'totalMinor[lt]': 300 })).toEqual(['A-1']);
    expect(await found({ 'totalMinor[lte]': 300 })).toEqual(['A-1', 'A-3']);
    expect(await found({ 'placedAt[gte]': small.placedAt ?? '' })).toEqual(['A-1', 'A-2']);
    expect(await found({ 'placedAt[gt]': big.placedAt ?? '' })).toEqual([]);
    expect(await found({ 'createdAt[lt]': small.createdAt })).toEqual([]);
    expect(await found({ 'createdAt[gte]': draft.createdAt, status: 'draft' })).toEqual(['A-3']);
  });

  it('of security events filter by what happened and by whom', async () => {
    const { owner, id } = await server.newTenant();
    const target = (await owner.post('/v1/users', userBody())).as<Row>();
    await owner.patch(`/v1/users/${target.id}`, { role: 'viewer' });
    await owner.delete(`/v1/users/${target.id}`);
    const found = async (parameters: Readonly<Record<string, string>>): Promise<readonly unknown[]> =>
      names((await page(owner, `/v1/security-events${query({ sort: 'createdAt', ...parameters })}`)).items, 'type');
    expect(await found({ actorId: owner.accountId, 'type[in]': 'user.role-changed,user.removed' })).toEqual([
      'user.role-changed',
      'user.removed',
    ]);
    expect(await found({ type: 'tenant.created' })).toEqual(['tenant.created']);
    const { items } = await page(owner, '/v1/security-events?type=user.removed');
    expect(items[0]).toMatchObject({
      tenantId: id,
      actor: { type: 'user', id: owner.accountId },
      resource: `users/${target.id}`,
    });
    expect(problemsOf(await owner.get('/v1/security-events?type=party'))).toEqual({ '/type': 'unknown_value' });
  });

  it('walked page by page never skip or repeat a row, whatever is inserted meanwhile', async () => {
    const sorts = fc.constantFrom('-createdAt', 'createdAt', 'price', '-price', 'name', 'name,-price', '-price,sku');
    const product = fc.record({ name: fc.constantFrom('a', 'b', 'c'), priceMinor: fc.integer({ min: 0, max: 3 }) });
    await fc.assert(
      fc.asyncProperty(
        sorts,
        fc.integer({ min: 1, max: 7 }),
        fc.array(product, { minLength: 1, maxLength: 25 }),
        fc.array(product, { maxLength: 10 }),
        async (sort, limit, before, during) => {
          const tenant = await server.newTenant();
          const ids = await insert(server, tenant, before);
          const more = [...during];
          const rows = await walk(tenant.owner, '/v1/products', { sort, limit }, async () => {
            const next = more.pop();
            if (next !== undefined) await insert(server, tenant, [next]);
          });
          const seen = names(rows, 'id') as readonly string[];
          expect(new Set(seen).size).toBe(seen.length);
          for (const id of ids) expect(seen).toContain(id);
        },
      ),
      { numRuns: 20, endOnFailure: true },
    );
  });
});

async function insert(server: TestServer, tenant: TestTenant, bodies: readonly object[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const body of bodies) {
    const { id } = await tenant.run(() => server.services.trading.products.create(productBody(body) as never));
    ids.push(id);
  }
  return ids;
}

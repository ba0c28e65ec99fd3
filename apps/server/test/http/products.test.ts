import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, problemsOf } from '../support/client.ts';
import { createOrder, createProduct, productBody } from '../support/samples.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

describe.each(describeDrivers())('products over HTTP, on %s', (driver) => {
  let server: TestServer;
  let tenant: TestTenant;

  beforeAll(async () => {
    server = await startTestServer(driver);
    tenant = await server.newTenant();
  });
  afterAll(() => server.stop());

  it('are active, without stock and category, unless said otherwise', async () => {
    const sku = newId();
    const answer = await tenant.owner.post('/v1/products', { sku, name: 'Chai', priceMinor: 0, currency: 'JPY' });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(String),
      sku,
      name: 'Chai',
      description: '',
      category: null,
      priceMinor: 0,
      currency: 'JPY',
      stock: 0,
      status: 'active',
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
      version: 1,
    });
  });

  it('lose with PUT what is left out, and keep it with PATCH', async () => {
    const product = await createProduct(tenant.owner, { category: 'Tea', description: 'two\nlines', stock: 5 });
    const patched = await tenant.owner.patch(`/v1/products/${product.id}`, { stock: 6 });
    expect(patched.body).toMatchObject({ category: 'Tea', description: 'two\nlines', stock: 6 });
    const { sku, name, priceMinor, currency } = product;
    const replaced = await tenant.owner.put(`/v1/products/${product.id}`, { sku, name, priceMinor, currency });
    expect(replaced.body).toMatchObject({ category: null, description: '', stock: 0, status: 'active' });
    const incomplete = await tenant.owner.put(`/v1/products/${product.id}`, { sku, name });
    expect(incomplete.status).toBe(422);
    expect(Object.keys(problemsOf(incomplete)).toSorted()).toEqual(['/currency', '/priceMinor']);
  });

  it('need something to change', async () => {
    const { id } = await createProduct(tenant.owner);
    expect((await tenant.owner.patch(`/v1/products/${id}`, {})).status).toBe(422);
  });

  it('cannot share a sku', async () => {
    const [first, second] = [await createProduct(tenant.owner), await createProduct(tenant.owner)];
    const answers = [
      await tenant.owner.post('/v1/products', productBody({ sku: first.sku })),
      await tenant.owner.put(`/v1/products/${second.id}`, productBody({ sku: first.sku })),
      await tenant.owner.patch(`/v1/products/${second.id}`, { sku: first.sku }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(409);
      expect(problemOf(answer).code).toBe('PRODUCT_SKU_TAKEN');
    }
    const elsewhere = await server.newTenant();
    expect((await elsewhere.owner.post('/v1/products', productBody({ sku: first.sku }))).status).toBe(201);
  });

  it('that were made at the same moment with the same sku are one', async () => {
    const body = productBody();
    const answers = await Promise.all(Array.from({ length: 10 }, () => tenant.owner.post('/v1/products', body)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
  });

  it('get all their faults named at once', async () => {
    const answer = await tenant.owner.post('/v1/products', {
      sku: '',
      name: 'x'.repeat(256),
      description: 7,
      priceMinor: 1.5,
      currency: 'euro',
      stock: -1,
      status: 'sold',
    });
    expect(answer.status).toBe(422);
    expect(Object.keys(problemsOf(answer)).toSorted()).toEqual([
      '/currency',
      '/description',
      '/name',
      '/priceMinor',
      '/sku',
      '/status',
      '/stock',
    ]);
  });

  it.each([Number.MAX_SAFE_INTEGER + 1, 1e300, '100', null, [1], true, -1])(
    'cost a whole number that can be counted exactly, not %j',
    async (priceMinor) => {
      const answer = await tenant.owner.post('/v1/products', productBody({ priceMinor }));
      expect(answer.status).toBe(422);
      expect(Object.keys(problemsOf(answer))).toEqual(['/priceMinor']);
    },
  );

  it('that were ordered can be archived, not removed', async () => {
    const product = await createProduct(tenant.owner);
    await createOrder(tenant.owner, product);
    const removed = await tenant.owner.delete(`/v1/products/${product.id}`);
    expect(removed.status).toBe(409);
    expect(problemOf(removed).code).toBe('PRODUCT_IN_USE');
    const archived = await tenant.owner.patch(`/v1/products/${product.id}`, { status: 'archived' });
    expect(archived.body).toMatchObject({ status: 'archived' });
    const order = await tenant.owner.post('/v1/orders', { lines: [{ productId: product.id, quantity: 1 }] });
    expect(order.status).toBe(422);
    expect(problemOf(order)).toMatchObject({ code: 'ORDER_PRODUCT_UNAVAILABLE', productIds: [product.id] });
  });

  it('are written by admins and machines with the permission, and by members not', async () => {
    const [admin, member] = [await tenant.newPerson('admin'), await tenant.newPerson('member')];
    const writer = await tenant.newApiKey(['products:write']);
    const reader = await tenant.newApiKey(['products:read']);
    expect((await admin.post('/v1/products', productBody())).status).toBe(201);
    expect((await writer.post('/v1/products', productBody())).status).toBe(201);
    for (const client of [member, reader]) {
      const answer = await client.post('/v1/products', productBody());
      expect(answer.status).toBe(403);
      expect(problemOf(answer)).toMatchObject({ code: 'PERMISSION_DENIED', scope: 'products:write' });
    }
    expect((await reader.get('/v1/products')).status).toBe(200);
    expect((await writer.get('/v1/products')).status).toBe(403);
  });
});

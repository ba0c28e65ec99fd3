import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import type { Order, Product } from '@tenon/trading';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, type Client, type Page } from '../support/client.ts';
import { createProduct } from '../support/samples.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

describe.each(describeDrivers())('placing orders at the same moment, on %s', (driver) => {
  let server: TestServer;
  let tenant: TestTenant;

  beforeAll(async () => {
    server = await startTestServer(driver);
    tenant = await server.newTenant();
  });
  afterAll(() => server.stop());

  const body = ({ id }: Product, quantity = 1) => ({ lines: [{ productId: id, quantity }] });
  const stockOf = async ({ id }: Product): Promise<number> =>
    (await tenant.owner.get(`/v1/products/${id}`)).as<Product>().stock;
  const countOrders = async (client: Client): Promise<number> =>
    (await client.get('/v1/orders?limit=1&total=true')).as<Page<Order>>().total?.value ?? -1;

  it('of 100 buyers of 10 items, exactly 10 get one', async () => {
    const { owner, id } = await server.newTenant();
    const buyers = [owner, await server.signIn(owner, id), await server.signIn(owner, id)];
    const product = await createProduct(owner, { stock: 10 });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (buyers[index % buyers.length] ?? owner).post('/v1/orders', body(product)),
      ),
    );
    const placed = answers.filter(({ status }) => status === 201);
    expect(placed).toHaveLength(10);
    expect(new Set(placed.map((answer) => answer.as<Order>().id)).size).toBe(10);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expect([answer.status, problemOf(answer).code]).toEqual([409, 'ORDER_STOCK_SHORT']);
    }
    expect((await owner.get(`/v1/products/${product.id}`)).as<Product>().stock).toBe(0);
    expect(await countOrders(owner)).toBe(10);
  });

  it('of the same products in opposite order, none waits for ever', async () => {
    const [one, two] = [
      await createProduct(tenant.owner, { stock: 100 }),
      await createProduct(tenant.owner, { stock: 100 }),
    ];
    const lines = [one, two].map(({ id }) => ({ productId: id, quantity: 1 }));
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        tenant.owner.post('/v1/orders', { lines: index % 2 === 0 ? lines : lines.toReversed() }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 201));
    expect([await stockOf(one), await stockOf(two)]).toEqual([60, 60]);
  });

  describe('with an Idempotency-Key', () => {
    it('makes one order, however often it is repeated', async () => {
      const product = await createProduct(tenant.owner, { stock: 10 });
      const key = { 'idempotency-key': newId() };
      const first = await tenant.owner.post('/v1/orders', body(product), key);
      expect(first.status).toBe(201);
      expect(first.headers.get('idempotency-replayed')).toBeNull();
      const again = await tenant.owner.post('/v1/orders', body(product), key);
      expect(again.status).toBe(201);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.headers.get('location')).toBe(first.headers.get('location'));
      expect(again.body).toEqual(first.body);
      expect(await stockOf(product)).toBe(9);
    });

    it('makes one order, also of 20 that come at once', async () => {
      const product = await createProduct(tenant.owner, { stock: 30 });
      const before = await countOrders(tenant.owner);
      const key = { 'idempotency-key': newId() };
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => tenant.owner.post('/v1/orders', body(product, 2), key)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
      expect(new Set(answers.map((answer) => answer.as<Order>().id)).size).toBe(1);
      expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
      expect(await stockOf(product)).toBe(28);
      expect(await countOrders(tenant.owner)).toBe(before + 1);
    });

    it('refuses the key of another order', async () => {
      const product = await createProduct(tenant.owner, { stock: 10 });
      const key = { 'idempotency-key': newId() };
      await tenant.owner.post('/v1/orders', body(product), key);
      const answer = await tenant.owner.post('/v1/orders', body(product, 2), key);
      expect([answer.status, problemOf(answer).code]).toEqual([422, 'ORDER_IDEMPOTENCY_MISMATCH']);
      expect(await stockOf(product)).toBe(9);
    });

    it('keeps the keys of two people apart', async () => {
      const product = await createProduct(tenant.owner, { stock: 10 });
      const member = await tenant.newPerson('member');
      const key = { 'idempotency-key': newId() };
      const ids = [tenant.owner, member].map(
        async (client) => (await client.post('/v1/orders', body(product), key)).as<Order>().id,
      );
      expect(new Set(await Promise.all(ids)).size).toBe(2);
    });

    it('does not remember an order that was refused', async () => {
      const product = await createProduct(tenant.owner, { stock: 0 });
      const key = { 'idempotency-key': newId() };
      expect((await tenant.owner.post('/v1/orders', body(product), key)).status).toBe(409);
      await tenant.owner.patch(`/v1/products/${product.id}`, { stock: 1 });
      expect((await tenant.owner.post('/v1/orders', body(product), key)).status).toBe(201);
    });

    it.each(['', 'x'.repeat(256), 'caf\u00E9'])('refuses %j as a key', async (key) => {
      const product = await createProduct(tenant.owner, { stock: 1 });
      const answer = await tenant.owner.post('/v1/orders', body(product), { 'idempotency-key': key });
      expect([answer.status, problemOf(answer).code]).toEqual([400, 'ORDER_IDEMPOTENCY_KEY_INVALID']);
      expect(await stockOf(product)).toBe(1);
    });
  });
});

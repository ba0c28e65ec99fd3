import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { isOrderMove, orderStatuses, type Order, type OrderStatus, type Product } from '@tenon/trading';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, problemsOf, type Client, type Page } from '../support/client.ts';
import { createOrder, createProduct } from '../support/samples.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/test-server.ts';

const ROADS: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  draft: [],
  placed: ['placed'],
  paid: ['placed', 'paid'],
  shipped: ['placed', 'paid', 'shipped'],
  delivered: ['placed', 'paid', 'shipped', 'delivered'],
  cancelled: ['placed', 'cancelled'],
};

describe.each(describeDrivers())('orders over HTTP, on %s', (driver) => {
  let server: TestServer;
  let tenant: TestTenant;

  beforeAll(async () => {
    server = await startTestServer(driver);
    tenant = await server.newTenant();
  });
  afterAll(() => server.stop());

  const stockOf = async ({ id }: Pick<Product, 'id'>): Promise<number> =>
    (await tenant.owner.get(`/v1/products/${id}`)).as<Product>().stock;

  const move = (client: Client, { id }: Order, status: OrderStatus) => client.patch(`/v1/orders/${id}`, { status });

  /** A fresh order, led to a status. */
  const orderIn = async (status: OrderStatus, product: Product): Promise<Order> => {
    const order = await createOrder(tenant.owner, product, 2, { status: 'draft' });
    for (const step of ROADS[status]) expect((await move(tenant.owner, order, step)).status).toBe(200);
    return order;
  };

  it('are placed at once, at the price of the moment, and take stock', async () => {
    const product = await createProduct(tenant.owner, { priceMinor: 1_999, stock: 10 });
    const answer = await tenant.owner.post('/v1/orders', { lines: [{ productId: product.id, quantity: 3 }] });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(String),
      externalId: null,
      userId: tenant.owner.userId,
      status: 'placed',
      currency: 'EUR',
      lines: [
        {
          productId: product.id,
          sku: product.sku,
          quantity: 3,
          unitPriceMinor: 1_999,
          discountPercent: 0,
          totalMinor: 5_997,
        },
      ],
      totalMinor: 5_997,
      placedAt: expect.stringMatching(/Z$/),
      shippedAt: null,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
      version: 1,
    });
    expect(await stockOf(product)).toBe(7);
    await tenant.owner.patch(`/v1/products/${product.id}`, { priceMinor: 1 });
    const again = await tenant.owner.get(`/v1/orders/${answer.as<Order>().id}`);
    expect(again.body).toEqual(answer.body);
  });

  it('take no stock while they are drafts, and give it back when they are cancelled', async () => {
    const product = await createProduct(tenant.owner, { stock: 10 });
    const draft = await createOrder(tenant.owner, product, 4, { status: 'draft' });
    expect(draft).toMatchObject({ status: 'draft', placedAt: null });
    expect(await stockOf(product)).toBe(10);
    const placed = await move(tenant.owner, draft, 'placed');
    expect(placed.body).toMatchObject({ status: 'placed', placedAt: expect.stringMatching(/Z$/), version: 2 });
    expect(await stockOf(product)).toBe(6);
    expect((await move(tenant.owner, draft, 'cancelled')).status).toBe(200);
    expect(await stockOf(product)).toBe(10);
  });

  it('make all the legal moves and no others', async () => {
    const product = await createProduct(tenant.owner, { stock: 1_000 });
    for (const from of orderStatuses) {
      for (const to of orderStatuses) {
        const order = await orderIn(from, product);
        const answer = await move(tenant.owner, order, to);
        const legal = isOrderMove(from, to);
        expect(answer.status, `${from} to ${to}`).toBe(legal ? 200 : 409);
        expect(answer.body, `${from} to ${to}`).toMatchObject(
          legal ? { status: to } : { code: 'ORDER_MOVE_ILLEGAL', from, to },
        );
      }
    }
  });

  it('change their lines as drafts only', async () => {
    const [tea, coffee] = [await createProduct(tenant.owner), await createProduct(tenant.owner)];
    const order = await createOrder(tenant.owner, tea, 1, { status: 'draft' });
    const lines = [{ productId: coffee.id, quantity: 2 }];
    const changed = await tenant.owner.patch(`/v1/orders/${order.id}`, { lines });
    expect(changed.body).toMatchObject({ lines: [{ productId: coffee.id, quantity: 2 }], totalMinor: 3_600 });
    await move(tenant.owner, order, 'placed');
    for (const answer of [
      await tenant.owner.patch(`/v1/orders/${order.id}`, { lines }),
      await tenant.owner.put(`/v1/orders/${order.id}`, { lines }),
    ]) {
      expect(answer.status).toBe(409);
      expect(problemOf(answer).code).toBe('ORDER_NOT_DRAFT');
    }
  });

  it('are removed as drafts or when they are cancelled, and not before', async () => {
    const product = await createProduct(tenant.owner, { stock: 100 });
    for (const status of orderStatuses) {
      const order = await orderIn(status, product);
      const answer = await tenant.owner.delete(`/v1/orders/${order.id}`);
      const removable = status === 'draft' || status === 'cancelled';
      expect(answer.status, status).toBe(removable ? 204 : 409);
      expect(answer.text, status).toContain(removable ? '' : 'ORDER_NOT_REMOVABLE');
    }
  });

  it('that ask for more than there is are refused as a whole', async () => {
    const [much, little] = [
      await createProduct(tenant.owner, { stock: 10 }),
      await createProduct(tenant.owner, { stock: 1 }),
    ];
    const lines = [
      { productId: much.id, quantity: 5 },
      { productId: little.id, quantity: 2 },
    ];
    const answer = await tenant.owner.post('/v1/orders', { lines });
    expect(answer.status).toBe(409);
    expect(problemOf(answer)).toMatchObject({ code: 'ORDER_STOCK_SHORT', lines: [{ productId: little.id }] });
    expect([await stockOf(much), await stockOf(little)]).toEqual([10, 1]);
  });

  it.each([
    ['no lines', { lines: [] }, '/lines'],
    ['a line twice', { lines: 'TWICE' }, '/lines/1/productId'],
    ['no quantity', { lines: [{ productId: newId() }] }, '/lines/0/quantity'],
    ['nothing of something', { lines: [{ productId: newId(), quantity: 0 }] }, '/lines/0/quantity'],
    [
      'a price of its own',
      { lines: [{ productId: newId(), quantity: 1, unitPriceMinor: 1 }] },
      '/lines/0/unitPriceMinor',
    ],
    ['somebody else as its owner', { lines: [{ productId: newId(), quantity: 1 }], userId: newId() }, '/userId'],
    ['a status that is not for new ones', { lines: [{ productId: newId(), quantity: 1 }], status: 'paid' }, '/status'],
  ])('with %s are refused', async (_, given, path) => {
    const line = { productId: newId(), quantity: 1 };
    const body = given.lines === 'TWICE' ? { lines: [line, line] } : given;
    const answer = await tenant.owner.post('/v1/orders', body);
    expect(answer.status).toBe(422);
    expect(Object.keys(problemsOf(answer))).toContain(path);
  });

  it('hold one currency, and products of this tenant', async () => {
    const euro = await createProduct(tenant.owner);
    const yen = await createProduct(tenant.owner, { currency: 'JPY' });
    const foreign = await createProduct((await server.newTenant()).owner);
    const order = (...ids: string[]) =>
      tenant.owner.post('/v1/orders', { lines: ids.map((productId) => ({ productId, quantity: 1 })) });
    const mixed = await order(euro.id, yen.id);
    expect([mixed.status, problemOf(mixed).code]).toEqual([422, 'ORDER_CURRENCY_MIXED']);
    const unknown = await order(euro.id, foreign.id);
    expect([unknown.status, problemOf(unknown).code]).toEqual([422, 'ORDER_PRODUCT_UNAVAILABLE']);
    expect(problemOf(unknown)['productIds']).toEqual([foreign.id]);
    expect(await stockOf(euro)).toBe(39);
  });

  describe('of members', () => {
    it('are seen by themselves and by staff, and not by other members', async () => {
      const product = await createProduct(tenant.owner, { stock: 100 });
      const [mine, theirs] = [await tenant.newPerson('member'), await tenant.newPerson('member')];
      const [admin, viewer] = [await tenant.newPerson('admin'), await tenant.newPerson('viewer')];
      const order = await createOrder(mine, product);
      const other = await createOrder(theirs, product);
      const seen = async (client: Client): Promise<readonly string[]> =>
        (await client.get('/v1/orders?limit=100')).as<Page<Order>>().items.map(({ id }) => id);
      expect(await seen(mine)).toEqual([order.id]);
      expect(await seen(theirs)).toEqual([other.id]);
      for (const client of [admin, viewer, tenant.owner]) {
        expect(await seen(client)).toEqual(expect.arrayContaining([order.id, other.id]));
        expect((await client.get(`/v1/orders/${order.id}`)).body).toEqual(order);
      }
      const filtered = await theirs.get(`/v1/orders?userId=${mine.userId}`);
      expect(filtered.as<Page<Order>>().items).toEqual([]);
    });

    it('look to other members as if they were not there', async () => {
      const product = await createProduct(tenant.owner);
      const [mine, theirs] = [await tenant.newPerson('member'), await tenant.newPerson('member')];
      const order = await createOrder(mine, product, 1, { status: 'draft' });
      const answers = [
        await theirs.get(`/v1/orders/${order.id}`),
        await theirs.patch(`/v1/orders/${order.id}`, { status: 'cancelled' }),
        await theirs.put(`/v1/orders/${order.id}`, { lines: [{ productId: product.id, quantity: 2 }] }),
        await theirs.delete(`/v1/orders/${order.id}`),
      ];
      for (const answer of answers) {
        expect(answer.status).toBe(404);
        expect(problemOf(answer).code).toBe('ORDER_NOT_FOUND');
      }
      expect((await mine.get(`/v1/orders/${order.id}`)).body).toEqual(order);
    });

    it('can be placed and cancelled by them, and the rest is for staff', async () => {
      const product = await createProduct(tenant.owner);
      const [member, admin] = [await tenant.newPerson('member'), await tenant.newPerson('admin')];
      const order = await createOrder(member, product, 1, { status: 'draft' });
      expect((await move(member, order, 'placed')).status).toBe(200);
      const paid = await move(member, order, 'paid');
      expect([paid.status, problemOf(paid).code]).toEqual([403, 'ORDER_MOVE_NOT_ALLOWED']);
      expect((await move(admin, order, 'paid')).status).toBe(200);
      expect((await move(member, order, 'cancelled')).status).toBe(200);
    });

    it('get no discount but from staff', async () => {
      const product = await createProduct(tenant.owner, { priceMinor: 999 });
      const [member, admin] = [await tenant.newPerson('member'), await tenant.newPerson('admin')];
      const body = { lines: [{ productId: product.id, quantity: 3, discountPercent: 15 }] };
      const refused = await member.post('/v1/orders', body);
      expect([refused.status, problemOf(refused).code]).toEqual([403, 'ORDER_DISCOUNT_NOT_ALLOWED']);
      const granted = await admin.post('/v1/orders', body);
      // 3 x 9.99 less 15 %, half up: 25.4745
      expect(granted.body).toMatchObject({ totalMinor: 2_547, lines: [{ discountPercent: 15 }] });
    });
  });

  describe('and API keys', () => {
    it('with the permission to manage them see all and move them', async () => {
      const order = await createOrder(tenant.owner, await createProduct(tenant.owner));
      const key = await tenant.newApiKey(['orders:read', 'orders:write', 'orders:manage']);
      expect((await key.get(`/v1/orders/${order.id}`)).body).toEqual(order);
      expect((await move(key, order, 'paid')).body).toMatchObject({ status: 'paid' });
    });

    it('cannot place them, because an order belongs to a person', async () => {
      const product = await createProduct(tenant.owner);
      const key = await tenant.newApiKey(['orders:read', 'orders:write', 'orders:manage']);
      const answer = await key.post('/v1/orders', { lines: [{ productId: product.id, quantity: 1 }] });
      expect([answer.status, problemOf(answer).code]).toEqual([403, 'PERMISSION_DENIED']);
    });

    it('with less see none of them', async () => {
      const key = await tenant.newApiKey(['orders:read', 'orders:write']);
      for (const path of ['/v1/orders', `/v1/orders/${newId()}`]) {
        expect((await key.get(path)).status, path).toBe(403);
      }
    });
  });
});

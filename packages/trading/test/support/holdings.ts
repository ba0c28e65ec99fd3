import fc from 'fast-check';
import { orderStatuses, type Order, type Product } from '@tenon/trading';
import type { ModelFields } from './list-model.ts';
import { createProduct, type OpenTrading, type TestTenant } from './open-trading.ts';

const NAMES = ['Chai', 'chang', 'Äpfel', 'apfel', "O'Brien", 'Zimt', '李雷', '😀 smile', 'ﬀ ligature'];
const CATEGORIES = ['Tea', 'tea', 'Öl', null] as const;
const RANGE = ['gt', 'gte', 'lt', 'lte'] as const;
const start = Date.UTC(2026, 0, 1);
const anyMoment = fc.integer({ min: -2, max: 40 }).map((second) => new Date(start + second * 1_000).toISOString());

/** The fields of the list of products, as the model reads them. */
export const productFields: ModelFields<Product> = {
  sku: {
    value: (item) => item.sku,
    operators: ['eq', 'in', 'prefix'],
    sortable: true,
    text: fc.constantFrom('A-1', 'A-2', 'A-3', 'B-4', 'A', 'B-', 'nothing'),
  },
  name: {
    value: (item) => item.name.toLowerCase(),
    operators: ['eq', 'prefix'],
    sortable: true,
    text: fc.constantFrom(...NAMES, 'CH', 'ch', 'ä', '😀', 'x'),
    parse: (text) => text.normalize('NFC').toLowerCase(),
  },
  category: {
    value: (item) => item.category,
    operators: ['eq', 'in'],
    sortable: false,
    text: fc.constantFrom('Tea', 'tea', 'Öl', 'none'),
  },
  status: {
    value: (item) => item.status,
    operators: ['eq', 'in'],
    sortable: false,
    text: fc.constantFrom('active', 'archived'),
  },
  price: {
    value: (item) => item.priceMinor,
    operators: ['eq', ...RANGE],
    sortable: true,
    text: fc.integer({ min: 0, max: 6 }).map(String),
    parse: Number,
  },
  createdAt: { value: (item) => item.createdAt, operators: RANGE, sortable: true, text: anyMoment },
};

/** The fields of the list of orders, as the model reads them. */
export const orderFields = (userIds: readonly string[]): ModelFields<Order> => ({
  userId: { value: (item) => item.userId, operators: ['eq', 'in'], sortable: false, text: fc.constantFrom(...userIds) },
  externalId: {
    value: (item) => item.externalId,
    operators: ['eq', 'in'],
    sortable: false,
    text: fc.constantFrom('x2', 'x4', 'x8', 'x9', 'none'),
  },
  status: {
    value: (item) => item.status,
    operators: ['eq', 'in'],
    sortable: false,
    text: fc.constantFrom(...orderStatuses),
  },
  totalMinor: {
    value: (item) => item.totalMinor,
    operators: ['eq', ...RANGE],
    sortable: true,
    text: fc.integer({ min: 0, max: 12 }).map(String),
    parse: Number,
  },
  placedAt: { value: (item) => item.placedAt, operators: RANGE, sortable: false, text: anyMoment },
  createdAt: { value: (item) => item.createdAt, operators: RANGE, sortable: true, text: anyMoment },
});

/** A tenant and all that it has. */
export interface Holding {
  readonly tenant: TestTenant;
  readonly products: readonly Product[];
  readonly orders: readonly Order[];
  readonly userIds: readonly string[];
}

/** Fills a new tenant with products and orders that differ in all that lists filter and sort by. */
export async function fillTenant(open: OpenTrading, seed: number): Promise<Holding> {
  const { trading } = open;
  const tenant = await open.newTenant();
  const userIds = [tenant.userId, await open.newUser(tenant, 'second@example.com')];
  const [stream] = fc.sample(fc.infiniteStream(fc.nat()), { seed, numRuns: 1 });
  const pick = <T>(values: readonly T[]): T => values[(stream?.next().value ?? 0) % values.length] as T;
  return tenant.run(async () => {
    const products: Product[] = [];
    for (let count = 1; count <= 24; count += 1) {
      if (count % 3 === 0) await open.clock.advance(1_000);
      const sku = `${pick(['A', 'B'])}-${count}`;
      const category = pick(CATEGORIES);
      const status = count % 5 === 0 ? 'archived' : 'active';
      const change = {
        sku,
        name: pick(NAMES),
        priceMinor: pick([0, 1, 1, 2, 5]),
        category,
        status,
        stock: 99,
      } as const;
      products.push(await createProduct(trading, change));
    }
    const active = products.filter(({ status }) => status === 'active');
    const orders: Order[] = [];
    for (let count = 1; count <= 24; count += 1) {
      if (count % 3 === 0) await open.clock.advance(1_000);
      const lines = [{ productId: pick(active).id, quantity: pick([1, 2, 3]) }];
      const input = {
        externalId: count % 2 === 0 ? `x${count}` : null,
        status: pick(['draft', 'placed'] as const),
        lines,
      };
      const { order } = await trading.orders.create(input, { userId: pick(userIds) });
      const cancel = count % 4 === 0;
      orders.push(cancel ? await trading.orders.update(order.id, { status: 'cancelled' }) : order);
    }
    const now = await Promise.all(products.map(({ id }) => trading.products.get(id)));
    return { tenant, products: now as Product[], orders, userIds };
  });
}

import type { ImportedOrder, NewOrder, NewProduct, Order, Product } from '@tenon/trading';

/** Ids to use where any will do. */
export const ids = [
  '019a9f6e-9c1f-7000-8e4c-5a1f0d2b9c11',
  '019a9f6e-9c1f-7001-8e4c-5a1f0d2b9c12',
  '019a9f6e-9c1f-7002-8e4c-5a1f0d2b9c13',
] as const;

/** A product to create. */
export const newProduct: NewProduct = { sku: 'CHAI', name: 'Chai', priceMinor: 1800, currency: 'EUR' };

/** A stored product. */
export const product: Product = {
  id: ids[0],
  sku: 'CHAI',
  name: 'Chai',
  description: '10 boxes x 30 bags',
  category: 'Beverages',
  priceMinor: 1800,
  currency: 'EUR',
  stock: 39,
  status: 'active',
  createdAt: '2026-01-31T12:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
  version: 1,
};

/** An order to create. */
export const newOrder: NewOrder = { lines: [{ productId: ids[0], quantity: 2 }] };

/** A stored order. */
export const order: Order = {
  id: ids[1],
  externalId: null,
  userId: ids[2],
  status: 'placed',
  currency: 'EUR',
  lines: [
    { productId: ids[0], sku: 'CHAI', quantity: 2, unitPriceMinor: 1800, discountPercent: 5, totalMinor: 3420 },
    { productId: ids[1], sku: 'CHANG', quantity: 1, unitPriceMinor: 1900, discountPercent: 0, totalMinor: 1900 },
  ],
  totalMinor: 5320,
  placedAt: '2026-01-31T12:00:00.000Z',
  shippedAt: null,
  createdAt: '2026-01-31T12:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
  version: 1,
};

/** An order to import. */
export const importedOrder: ImportedOrder = {
  externalId: '10248',
  userEmail: 'vinet@customers.northwind.example',
  placedAt: '1996-07-04',
  lines: [{ sku: 'NW-011', quantity: 12, unitPriceMinor: 1400 }],
};

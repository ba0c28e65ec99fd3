import { newId } from '@tenon/core';
import type { Order, Product } from '@tenon/trading';
import { expect } from 'vitest';
import type { Client } from './client.ts';

/** The body of a product, different from all others. */
export function productBody(change: object = {}): Record<string, unknown> {
  return { sku: newId(), name: 'Chai', priceMinor: 1_800, currency: 'EUR', stock: 39, ...change };
}

/** The body of a person, different from all others. */
export function userBody(change: object = {}): Record<string, unknown> {
  return { email: `${newId()}@example.com`, name: 'Grace Hopper', ...change };
}

/** Creates a product. */
export async function createProduct(client: Client, change: object = {}): Promise<Product> {
  return created(client, '/v1/products', productBody(change));
}

/** Creates an order of one product. */
export async function createOrder(
  client: Client,
  product: Pick<Product, 'id'>,
  quantity: number = 1,
  change: object = {},
): Promise<Order> {
  return created(client, '/v1/orders', { lines: [{ productId: product.id, quantity }], ...change });
}

async function created<T>(client: Client, path: string, body: object): Promise<T> {
  const answer = await client.post(path, body);
  expect(answer.status, answer.text).toBe(201);
  return answer.as<T>();
}

import type { Order, Product } from '@tenon/trading';
import { expect } from 'vitest';
import { call, readAll } from './api-client.ts';
import type { Attempt } from './order-load.ts';

/** What {@link checkOrders} takes. */
export interface OrderCheck {
  readonly url: string;
  readonly token: string;
  readonly attempts: readonly Attempt[];
  /** What each product had in stock before the first attempt. */
  readonly initialStock: number;
  /** How many orders may have been made whose answer never arrived. */
  readonly mostUnanswered: number;
}

/**
 * Checks a tenant after a load that was cut off, then repeats what was not answered and checks again: every acknowledged order
 * is there once with its lines, none is there in part, and the stock is what the orders left.
 */
export async function checkOrders(check: OrderCheck): Promise<void> {
  const { url, token, attempts } = check;
  const before = await readOrders(check);
  for (const { lines, outcome } of attempts) {
    if (outcome.kind !== 'answered') continue;
    expect(outcome.status).toBe(201);
    expect(before.get(outcome.body.id)?.lines).toMatchObject(lines);
  }
  const ids = new Set(attempts.map(({ outcome }) => (outcome.kind === 'answered' ? outcome.body.id : '')));
  const unanswered = attempts.filter(({ outcome }) => outcome.kind === 'broken');
  const surplus = [...before.keys()].filter((id) => !ids.has(id));
  expect(surplus.length).toBeLessThanOrEqual(check.mostUnanswered);

  const repeated = await Promise.all(
    unanswered.map(async ({ key, lines }) => {
      const answer = await call(`${url}/v1/orders`, { token, headers: { 'idempotency-key': key }, body: { lines } });
      expect(answer.status).toBe(201);
      return { id: (answer.body as Order).id, replayed: answer.headers.has('idempotency-replayed') };
    }),
  );
  // Replayed are those whose answer got lost on the way, and no others.
  expect(repeated.filter(({ replayed }) => replayed).map(({ id }) => id)).toHaveLength(surplus.length);
  for (const { id } of repeated) ids.add(id);
  ids.delete('');
  const after = await readOrders(check);
  expect([...after.keys()].toSorted()).toEqual([...ids].toSorted());
  expect(after.size).toBe(attempts.length);
}

async function readOrders({ url, token, initialStock }: OrderCheck): Promise<ReadonlyMap<string, Order>> {
  const orders = await readAll<Order>(`${url}/v1/orders`, token);
  const taken = new Map<string, number>();
  for (const order of orders) {
    expect(order.status).toBe('placed');
    expect(order.totalMinor).toBe(order.lines.reduce((sum, line) => sum + line.totalMinor, 0));
    expect(order.lines.length).toBeGreaterThan(0);
    for (const line of order.lines) taken.set(line.productId, (taken.get(line.productId) ?? 0) + line.quantity);
  }
  for (const product of await readAll<Product>(`${url}/v1/products`, token)) {
    expect(product.stock).toBe(initialStock - (taken.get(product.id) ?? 0));
  }
  return new Map(orders.map((order) => [order.id, order]));
}

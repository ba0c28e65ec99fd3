import type { InputProblem, Result } from '@tenon/core';
import { pointer } from './clean-input.ts';
import { defineModel, type Model } from './define-model.ts';
import { exactLineTotal } from './money.ts';
import type { OrderStatus } from './order-status.ts';
import { ImportedOrder, NewOrder, Order, OrderPatch, OrderReplacement } from './order.ts';

const uniqueProducts = { anyShape: (input: unknown) => findRepeatedLines(input, 'productId') };
const order: Model<Order> = defineModel(Order, { ...uniqueProducts, rightShape: findContradictions });
const newOrder: Model<NewOrder> = defineModel(NewOrder, uniqueProducts);
const orderReplacement: Model<OrderReplacement> = defineModel(OrderReplacement, uniqueProducts);
const orderPatch: Model<OrderPatch> = defineModel(OrderPatch, uniqueProducts);
const importedOrder: Model<ImportedOrder> = defineModel(ImportedOrder, {
  anyShape: (input) => findRepeatedLines(input, 'sku'),
  rightShape: ({ status, shippedAt = null }) => findShippedTooEarly(status ?? statusOfDates(shippedAt), shippedAt),
});

/** Checks an order, its sums and its dates. Parsing what was parsed changes nothing. */
export function parseOrder(input: unknown): Result<Order, readonly InputProblem[]> {
  return order.parse(input);
}

/** An order as JSON text: its fields in the order of the schema, and nothing else. */
export function encodeOrder(value: Order): string {
  return order.encode(value);
}

/** Reads an order from JSON text. */
export function decodeOrder(text: string): Result<Order, readonly InputProblem[]> {
  return order.decode(text);
}

/** Checks what an order is created from, every problem at once. */
export function parseNewOrder(input: unknown): Result<NewOrder, readonly InputProblem[]> {
  return newOrder.parse(input);
}

/** Checks what a draft is replaced by. */
export function parseOrderReplacement(input: unknown): Result<OrderReplacement, readonly InputProblem[]> {
  return orderReplacement.parse(input);
}

/** Checks a change of an order. Whether its move is legal depends on the order. */
export function parseOrderPatch(input: unknown): Result<OrderPatch, readonly InputProblem[]> {
  return orderPatch.parse(input);
}

/** Checks an order that was made in another system. */
export function parseImportedOrder(input: unknown): Result<ImportedOrder, readonly InputProblem[]> {
  return importedOrder.parse(input);
}

/** The status of an imported order that states none. */
export function statusOfDates(shippedAt: string | null): OrderStatus {
  return shippedAt === null ? 'placed' : 'shipped';
}

function findRepeatedLines(input: unknown, key: 'productId' | 'sku'): readonly InputProblem[] {
  const lines = (input as { readonly lines?: unknown } | null | undefined)?.lines;
  if (!Array.isArray(lines)) return [];
  const seen = new Set<unknown>();
  return lines.flatMap((line: unknown, index): readonly InputProblem[] => {
    const product = (line as Readonly<Record<string, unknown>> | null)?.[key];
    if (typeof product !== 'string' || !seen.has(product)) {
      seen.add(product);
      return [];
    }
    const path = pointer(pointer('/lines', index), key);
    return [{ path, code: 'duplicate', message: 'stands in an earlier line: give each product once' }];
  });
}

function findContradictions(value: Order): readonly InputProblem[] {
  const problems: InputProblem[] = [];
  const contradiction = (path: string, message: string) => problems.push({ path, code: 'contradiction', message });
  // BigInt, because the totals of an order that is wrong may pass what a number holds.
  let sum = 0n;
  for (const [index, line] of value.lines.entries()) {
    sum += BigInt(line.totalMinor);
    if (BigInt(line.totalMinor) !== exactLineTotal(line)) {
      contradiction(`/lines/${index}/totalMinor`, 'must be quantity times price less the discount, rounded half up');
    }
  }
  if (sum !== BigInt(value.totalMinor)) contradiction('/totalMinor', "must be the sum of the lines' totals");
  const placed = value.placedAt !== null;
  if (value.status !== 'cancelled' && placed === (value.status === 'draft')) {
    contradiction('/placedAt', 'must be null for a draft, and given for an order that was placed');
  }
  if (value.status === 'cancelled' && value.shippedAt !== null && !placed) {
    contradiction('/shippedAt', 'must be null for an order that was not placed');
  }
  return [...problems, ...findShippedTooEarly(value.status, value.shippedAt)];
}

// A cancelled order may have been shipped: in other systems goods come back.
function findShippedTooEarly(status: OrderStatus, shippedAt: string | null): readonly InputProblem[] {
  if (shippedAt === null || status === 'shipped' || status === 'delivered' || status === 'cancelled') return [];
  return [{ path: '/shippedAt', code: 'contradiction', message: `must be null for an order that is ${status}` }];
}

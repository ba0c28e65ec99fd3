import { isUuid } from '@tenon/core';
import { tradingError } from '../errors.ts';
import type { NewOrder, Order } from '../models/order.ts';
import type { AnyTx } from '../run-sql.ts';
import { orderNotFound } from './order-failures.ts';
import { freezeOrder } from './order-row.ts';
import { rememberRequest, toOrderRequest, type OrderRequest } from './order-requests.ts';
import type { CreatedOrder, CreateOrderOptions } from './orders.ts';
import { assertDiscounts, priceLines } from './price-lines.ts';
import { readOrder } from './read-order.ts';
import { readOrderable, takeStock } from './stock.ts';
import { insertOrder } from './write-order.ts';

/** An order that is ready to be made. */
export interface OrderToCreate {
  readonly input: NewOrder;
  readonly userId: string;
  readonly request: OrderRequest | undefined;
}

/** Checks what can be checked without the database. */
export function prepareOrder(input: NewOrder, options: CreateOrderOptions): OrderToCreate {
  assertDiscounts(input.lines, options.allowDiscounts);
  if (!isUuid(options.userId)) {
    throw tradingError('ORDER_USER_UNKNOWN', 'the person who orders does not exist in this tenant');
  }
  const { idempotencyKey: key, userId } = options;
  return { input, userId, request: key === undefined ? undefined : toOrderRequest(key, userId, input) };
}

/** Makes an order, or finds the one that the same request made before. At most three statements. */
export async function createOrder(
  tx: AnyTx,
  { input, userId, request }: OrderToCreate,
  id: string,
  now: Date,
): Promise<CreatedOrder> {
  const earlier = request === undefined ? undefined : await rememberRequest(tx, request, id, now);
  if (earlier !== undefined) {
    const order = await readOrder(tx, earlier, {});
    if (order === undefined) throw orderNotFound(earlier);
    return Object.freeze({ order, created: false });
  }
  const status = input.status ?? 'placed';
  const placed = status === 'placed';
  const found = placed ? await takeStock(tx, input.lines, now) : await readOrderable(tx, input.lines);
  const moment = now.toISOString();
  const order: Order = {
    id,
    externalId: input.externalId ?? null,
    userId,
    status,
    ...priceLines(input.lines, found, placed),
    placedAt: placed ? moment : null,
    shippedAt: null,
    createdAt: moment,
    updatedAt: moment,
    version: 1,
  };
  await insertOrder(tx, order, placed);
  return Object.freeze({ order: freezeOrder(order), created: true });
}

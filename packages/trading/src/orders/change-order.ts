import { tradingError } from '../errors.ts';
import { idOrNull } from '../failures.ts';
import { isOrderMove, orderMoves, type OrderStatus } from '../models/order-status.ts';
import type { NewOrderLine, Order, OrderLine, OrderPatch } from '../models/order.ts';
import { runSql, type AnyTx } from '../run-sql.ts';
import { orderNotFound, orderVersionConflict } from './order-failures.ts';
import { freezeOrder, ORDER_COLUMNS, toOrder, type ReadOrderRow } from './order-row.ts';
import type { ChangeOrderOptions } from './orders.ts';
import { assertDiscounts, priceLines, type PricedLines } from './price-lines.ts';
import { readLines } from './read-order.ts';
import { readOrderable, returnStock, takeStock } from './stock.ts';
import { saveOrder, saveOrderWithLines } from './write-order.ts';

const LOCK = `
  select ${ORDER_COLUMNS}, o.holds_stock from orders o
  where o.id = $1 and ($2::text is null or o.user_id = $2)
  for no key update of o`;

const CUSTOMER_MOVES: readonly OrderStatus[] = ['placed', 'cancelled'];

type LockedOrderRow = ReadOrderRow & { readonly holds_stock: boolean };

/** Changes one order: its lines first, then its status. At most four statements. */
export async function changeOrder(
  tx: AnyTx,
  id: string,
  patch: OrderPatch,
  options: ChangeOrderOptions,
  now: Date,
): Promise<Order> {
  const rows = await runSql<LockedOrderRow>(tx, LOCK, [idOrNull(id), options.onlyUserId ?? null]);
  const row = rows[0];
  if (row === undefined) throw orderNotFound(id);
  assertChange(row, patch, options);

  // Only now: lines that were read together with the lock would be those from before a change that was waited for.
  const lines = patch.lines ?? (await readLines(tx, [id])).get(id) ?? [];
  const moving = patch.status;
  const priced = await pricedAnew(tx, lines, patch, now);
  if (moving === 'cancelled' && row.holds_stock) await returnStock(tx, lines, now);

  const moment = now.toISOString();
  const order: Order = {
    ...toOrder(row, lines as OrderLine[]),
    ...priced,
    externalId: patch.externalId === undefined ? row.external_id : patch.externalId,
    status: moving ?? row.status,
    ...(moving === 'placed' ? { placedAt: moment } : {}),
    ...(moving === 'shipped' ? { shippedAt: moment } : {}),
    updatedAt: moment,
    version: row.version + 1,
  };
  const holdsStock = moving === 'placed' || (row.holds_stock && moving !== 'cancelled');
  await (priced === undefined ? saveOrder : saveOrderWithLines)(tx, order, holdsStock);
  return freezeOrder(order);
}

function assertChange(row: LockedOrderRow, patch: OrderPatch, options: ChangeOrderOptions): void {
  const { expectedVersion: expected, onlyUserId, allowDiscounts } = options;
  if (expected !== undefined && expected !== row.version) throw orderVersionConflict(row.id, expected, row.version);
  if (patch.lines !== undefined) {
    if (row.status !== 'draft') {
      throw tradingError(
        'ORDER_NOT_DRAFT',
        `order "${row.id}" is ${row.status}: only a draft's lines can be changed; cancel it and make another`,
        { details: { id: row.id, status: row.status } },
      );
    }
    assertDiscounts(patch.lines, allowDiscounts);
  }
  if (patch.status === undefined) return;
  if (!isOrderMove(row.status, patch.status)) {
    const legal = orderMoves[row.status];
    throw tradingError(
      'ORDER_MOVE_ILLEGAL',
      `order "${row.id}" is ${row.status} and cannot become ${patch.status}; ${legal.length === 0 ? 'it has come to its end' : `it can become ${legal.join(' or ')}`}`,
      { details: { id: row.id, from: row.status, to: patch.status, legal: [...legal] } },
    );
  }
  const allowed = options.allowedMoves ?? (onlyUserId === undefined ? undefined : CUSTOMER_MOVES);
  if (allowed?.includes(patch.status) === false) {
    throw tradingError('ORDER_MOVE_NOT_ALLOWED', `only staff may make an order ${patch.status}`, {
      details: { id: row.id, to: patch.status },
    });
  }
}

// Lines get the prices of this moment when they are new, and when the order is placed.
async function pricedAnew(
  tx: AnyTx,
  lines: readonly NewOrderLine[],
  patch: OrderPatch,
  now: Date,
): Promise<PricedLines | undefined> {
  if (patch.status === 'placed') return priceLines(lines, await takeStock(tx, lines, now), true);
  if (patch.lines !== undefined) return priceLines(lines, await readOrderable(tx, lines), false);
  return undefined;
}

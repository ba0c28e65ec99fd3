import { tradingError } from '../errors.ts';
import { idOrNull, versionOrNull } from '../failures.ts';
import { runSql, type AnyTx } from '../run-sql.ts';
import { orderNotFound, orderVersionConflict } from './order-failures.ts';
import type { ChangeOrderOptions } from './orders.ts';
import { readOrder } from './read-order.ts';

const DELETE = `
  delete from orders
  where id = $1 and ($2::text is null or user_id = $2) and ($3::integer is null or version = $3)
    and status in ('draft', 'cancelled')
  returning id`;

/** Deletes a draft or a cancelled order; its lines go with it. */
export async function removeOrder(tx: AnyTx, id: string, options: ChangeOrderOptions): Promise<void> {
  const { onlyUserId, expectedVersion: expected } = options;
  const removed = await runSql(tx, DELETE, [idOrNull(id), onlyUserId ?? null, versionOrNull(expected)]);
  if (removed.length > 0) return;
  const order = await readOrder(tx, id, options);
  if (order === undefined) throw orderNotFound(id);
  if (expected !== undefined && order.version !== expected) throw orderVersionConflict(id, expected, order.version);
  throw tradingError(
    'ORDER_NOT_REMOVABLE',
    `order "${id}" is ${order.status}: only drafts and cancelled orders can be removed; cancel it first`,
    { details: { id, status: order.status } },
  );
}

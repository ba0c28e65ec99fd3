import { idOrNull } from '../failures.ts';
import type { Order, OrderLine } from '../models/order.ts';
import { runSql, type AnyTx } from '../run-sql.ts';
import {
  LINE_COLUMNS,
  ORDER_COLUMNS,
  freezeOrder,
  toOrder,
  toOrderLine,
  type ReadLineRow,
  type ReadOrderRow,
} from './order-row.ts';
import type { OrderScope } from './orders.ts';

const SELECT = `
  select ${ORDER_COLUMNS}, ${LINE_COLUMNS}
  from orders o join order_lines l on l.tenant_id = o.tenant_id and l.order_id = o.id
  where o.id = $1 and ($2::text is null or o.user_id = $2)
  order by l.position`;

const SELECT_LINES = `
  select l.order_id, ${LINE_COLUMNS} from order_lines l
  where l.order_id = any ($1::text[])
  order by l.order_id, l.position`;

/** Reads one order with its lines in one statement. */
export async function readOrder(tx: AnyTx, id: string, scope: OrderScope): Promise<Order | undefined> {
  const rows = await runSql<ReadOrderRow & ReadLineRow>(tx, SELECT, [idOrNull(id), scope.onlyUserId ?? null]);
  return rows[0] === undefined ? undefined : freezeOrder(toOrder(rows[0], rows.map(toOrderLine)));
}

/** Reads the lines of many orders in one statement, by the id of the order. */
export async function readLines(tx: AnyTx, orderIds: readonly string[]): Promise<ReadonlyMap<string, OrderLine[]>> {
  const lines = new Map<string, OrderLine[]>(orderIds.map((id) => [id, []]));
  if (orderIds.length === 0) return lines;
  const rows = await runSql<ReadLineRow & { readonly order_id: string }>(tx, SELECT_LINES, [orderIds]);
  for (const row of rows) lines.get(row.order_id)?.push(toOrderLine(row));
  return lines;
}

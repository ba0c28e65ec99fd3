import type { Order, OrderLine } from '../models/order.ts';
import { runSql, type AnyTx } from '../run-sql.ts';

const LINES = `
  select $1::text, l.position - 1, l.product_id, l.sku, l.quantity, l.unit_price_minor, l.discount_percent, l.total_minor
  from unnest($2::text[], $3::text[], $4::integer[], $5::bigint[], $6::integer[], $7::bigint[]) with ordinality
    as l (product_id, sku, quantity, unit_price_minor, discount_percent, total_minor, position)`;

const INSERT = `
  with new_order as (
    insert into orders (id, external_id, user_id, status, currency, total_minor, holds_stock, placed_at, created_at,
      updated_at)
    values ($1, $8, $9, $10, $11, $12, $13, $14, $15, $15)
  )
  insert into order_lines (order_id, position, product_id, sku, quantity, unit_price_minor, discount_percent, total_minor)
  ${LINES}`;

const SET = `
  update orders set external_id = $8, status = $9, currency = $10, total_minor = $11, holds_stock = $12, placed_at = $13,
    shipped_at = $14, updated_at = $15, version = version + 1
  where id = $1`;

// Lines keep their rows by position; those beyond the new end go.
const UPDATE_WITH_LINES = `
  with written as (
    insert into order_lines
      (order_id, position, product_id, sku, quantity, unit_price_minor, discount_percent, total_minor)
    ${LINES}
    on conflict (tenant_id, order_id, position) do update set
      product_id = excluded.product_id,
      sku = excluded.sku,
      quantity = excluded.quantity,
      unit_price_minor = excluded.unit_price_minor,
      discount_percent = excluded.discount_percent,
      total_minor = excluded.total_minor
  ),
  beyond as (delete from order_lines where order_id = $1 and position >= cardinality($2::text[]))
  ${SET}`;

const UPDATE = `
  update orders set external_id = $2, status = $3, holds_stock = $4, placed_at = $5, shipped_at = $6, updated_at = $7,
    version = version + 1
  where id = $1`;

/** Writes a new order with its lines in one statement. */
export async function insertOrder(tx: AnyTx, order: Order, holdsStock: boolean): Promise<void> {
  await runSql(tx, INSERT, [
    order.id,
    ...lineColumns(order.lines),
    order.externalId,
    order.userId,
    order.status,
    order.currency,
    order.totalMinor,
    holdsStock,
    order.placedAt,
    order.createdAt,
  ]);
}

/** Writes a changed order, whose row the caller has locked, with its lines in one statement. */
export async function saveOrderWithLines(tx: AnyTx, order: Order, holdsStock: boolean): Promise<void> {
  await runSql(tx, UPDATE_WITH_LINES, [
    order.id,
    ...lineColumns(order.lines),
    order.externalId,
    order.status,
    order.currency,
    order.totalMinor,
    holdsStock,
    order.placedAt,
    order.shippedAt,
    order.updatedAt,
  ]);
}

/** Writes a changed order, whose row the caller has locked and whose lines are as they were. */
export async function saveOrder(tx: AnyTx, order: Order, holdsStock: boolean): Promise<void> {
  await runSql(tx, UPDATE, [
    order.id,
    order.externalId,
    order.status,
    holdsStock,
    order.placedAt,
    order.shippedAt,
    order.updatedAt,
  ]);
}

function lineColumns(lines: readonly OrderLine[]): readonly unknown[] {
  return [
    lines.map((line) => line.productId),
    lines.map((line) => line.sku),
    lines.map((line) => line.quantity),
    lines.map((line) => line.unitPriceMinor),
    lines.map((line) => line.discountPercent),
    lines.map((line) => line.totalMinor),
  ];
}

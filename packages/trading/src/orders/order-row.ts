import type { Order, OrderLine } from '../models/order.ts';
import type { OrderLineRow, OrderRow } from '../tables.ts';
import { orderColumns } from './order-listing.ts';

/** A row of which only the columns of an order were read. */
export type ReadOrderRow = Pick<OrderRow, (typeof orderColumns)[number]>;

/** The columns of an order, read from `orders o`. */
export const ORDER_COLUMNS: string = orderColumns.map((name) => `o.${name}`).join(', ');

/** The columns of a line, read from `order_lines l`, under names that do not meet those of the order. */
export const LINE_COLUMNS = `l.product_id, l.sku, l.quantity, l.unit_price_minor, l.discount_percent,
  l.total_minor as line_total_minor`;

/** A line as {@link LINE_COLUMNS} reads it. */
export type ReadLineRow = Omit<OrderLineRow, 'tenant_id' | 'order_id' | 'position' | 'total_minor'> & {
  readonly line_total_minor: number;
};

/** A line from its row. */
export function toOrderLine(row: ReadLineRow): OrderLine {
  return {
    productId: row.product_id,
    sku: row.sku,
    quantity: row.quantity,
    unitPriceMinor: row.unit_price_minor,
    discountPercent: row.discount_percent,
    totalMinor: row.line_total_minor,
  };
}

/** Freezes an order that is handed out, with its lines. */
export function freezeOrder(order: Order): Order {
  for (const line of order.lines) Object.freeze(line);
  Object.freeze(order.lines);
  return Object.freeze(order);
}

/** An order from its row and its lines, not frozen yet. */
export function toOrder(row: ReadOrderRow, lines: OrderLine[]): Order {
  return {
    id: row.id,
    externalId: row.external_id,
    userId: row.user_id,
    status: row.status,
    currency: row.currency,
    lines,
    totalMinor: row.total_minor,
    placedAt: row.placed_at?.toISOString() ?? null,
    shippedAt: row.shipped_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    version: row.version,
  };
}

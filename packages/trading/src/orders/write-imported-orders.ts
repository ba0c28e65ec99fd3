import { runSql, type AnyTx } from '../run-sql.ts';
import type { ResolvedOrder } from './resolve-imported-order.ts';

const UPSERT = `
  insert into orders as o (id, external_id, user_id, status, currency, total_minor, holds_stock, import_digest, placed_at,
    shipped_at, created_at, updated_at)
  select i.id, i.external_id, i.user_id, i.status, i.currency, i.total_minor, false, i.digest, i.placed_at, i.shipped_at,
    i.placed_at, $10
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::timestamptz[],
    $9::timestamptz[])
    as i (id, external_id, user_id, status, currency, total_minor, digest, placed_at, shipped_at)
  order by i.external_id
  on conflict (tenant_id, external_id) where external_id is not null do update set
    user_id = excluded.user_id,
    status = excluded.status,
    currency = excluded.currency,
    total_minor = excluded.total_minor,
    import_digest = excluded.import_digest,
    placed_at = excluded.placed_at,
    shipped_at = excluded.shipped_at,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    version = o.version + 1
  where o.import_digest is not null and o.import_digest <> excluded.import_digest
  returning o.id, o.external_id`;

const CLEAR_LINES = `delete from order_lines where order_id = any ($1::text[])`;

const INSERT_LINES = `
  insert into order_lines (order_id, position, product_id, sku, quantity, unit_price_minor, discount_percent, total_minor)
  select * from unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::integer[], $6::bigint[], $7::integer[],
    $8::bigint[])`;

/** How many orders {@link writeImportedOrders} wrote. */
export interface OrderCounts {
  readonly created: number;
  readonly updated: number;
}

/**
 * Creates orders, or changes those with the same external id that were imported before. At most three statements.
 *
 * @param orders - with no external id twice
 */
export async function writeImportedOrders(
  tx: AnyTx,
  orders: readonly ResolvedOrder[],
  newId: () => string,
  now: Date,
): Promise<OrderCounts> {
  const ids = new Set<string>();
  const idOfNew = (): string => {
    const id = newId();
    ids.add(id);
    return id;
  };
  const written = await runSql<{ readonly id: string; readonly external_id: string }>(tx, UPSERT, [
    orders.map(idOfNew),
    orders.map((order) => order.externalId),
    orders.map((order) => order.userId),
    orders.map((order) => order.status),
    orders.map((order) => order.currency),
    orders.map((order) => order.totalMinor),
    orders.map((order) => order.digest),
    orders.map((order) => order.placedAt),
    orders.map((order) => order.shippedAt),
    now,
  ]);
  // A row that came back under an id made for it here is new; one under another id was there before.
  const updated = written.filter(({ id }) => !ids.has(id)).map(({ id }) => id);
  if (updated.length > 0) await runSql(tx, CLEAR_LINES, [updated]);
  await insertLines(tx, orders, new Map(written.map((row) => [row.external_id, row.id])));
  return { created: written.length - updated.length, updated: updated.length };
}

async function insertLines(
  tx: AnyTx,
  orders: readonly ResolvedOrder[],
  idOf: ReadonlyMap<string, string>,
): Promise<void> {
  const rows = orders.flatMap((order) => {
    const id = idOf.get(order.externalId);
    return id === undefined ? [] : order.lines.map((line, position) => ({ id, position, ...line }));
  });
  if (rows.length === 0) return;
  await runSql(tx, INSERT_LINES, [
    rows.map((row) => row.id),
    rows.map((row) => row.position),
    rows.map((row) => row.productId),
    rows.map((row) => row.sku),
    rows.map((row) => row.quantity),
    rows.map((row) => row.unitPriceMinor),
    rows.map((row) => row.discountPercent),
    rows.map((row) => row.totalMinor),
  ]);
}

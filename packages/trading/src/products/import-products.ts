import { toNameKey } from '../models/name-key.ts';
import type { NewProduct } from '../models/product.ts';
import { runSql, type AnyTx } from '../run-sql.ts';
import { toFullPatch } from './change-product.ts';

// `found` looks every sku up through the unique index: limit 1 keeps the planner from reading the whole table to join it.
// `locked` takes existing rows in the order of their ids, as orders do, and `order by sku` inserts new ones in one order,
// so that imports and orders over the same products never wait for each other in a circle.
const UPSERT = `
  with input as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
      $8::text[], $9::bigint[], $10::text[])
      as i (id, sku, name, name_key, description, category, price_minor, currency, stock, status)
  ),
  changed as materialized (
    select i.*, found.id as found_id
    from input i
    left join lateral (select * from products p where p.sku = i.sku limit 1) found on true
    where found.id is null
      or (found.name, found.description, found.category, found.price_minor, found.currency, found.stock, found.status)
        is distinct from (i.name, i.description, i.category, i.price_minor, i.currency, i.stock, i.status)
  ),
  locked as materialized (
    select p.id from products p
    where p.id = any (array(select c.found_id from changed c where c.found_id is not null))
    order by p.id for no key update of p
  )
  insert into products as p (id, sku, name, name_key, description, category, price_minor, currency, stock, status,
    created_at, updated_at)
  select c.id, c.sku, c.name, c.name_key, c.description, c.category, c.price_minor, c.currency, c.stock, c.status, $11, $11
  from changed c
  where (select count(*) from locked) >= 0
  order by c.sku
  on conflict (tenant_id, sku) do update set
    name = excluded.name,
    name_key = excluded.name_key,
    description = excluded.description,
    category = excluded.category,
    price_minor = excluded.price_minor,
    currency = excluded.currency,
    stock = excluded.stock,
    status = excluded.status,
    updated_at = excluded.updated_at,
    version = p.version + 1
  returning p.id`;

/** What {@link importProducts} did. */
export interface ProductCounts {
  readonly created: number;
  readonly updated: number;
}

/**
 * Creates products, or changes those with the same sku, in one statement. Rows that are stored already are not written.
 *
 * @param inputs - with no sku twice
 */
export async function importProducts(
  tx: AnyTx,
  inputs: readonly NewProduct[],
  newId: () => string,
  now: Date,
): Promise<ProductCounts> {
  const rows = inputs.map((input) => ({ id: newId(), ...toFullPatch(input) }));
  const written = await runSql<{ readonly id: string }>(tx, UPSERT, [
    rows.map((row) => row.id),
    rows.map((row) => row.sku),
    rows.map((row) => row.name),
    rows.map((row) => toNameKey(row.name)),
    rows.map((row) => row.description),
    rows.map((row) => row.category),
    rows.map((row) => row.priceMinor),
    rows.map((row) => row.currency),
    rows.map((row) => row.stock),
    rows.map((row) => row.status),
    now,
  ]);
  // A row that came back under the id made for it here is new; one under another id was there before.
  const ids = new Set(rows.map((row) => row.id));
  const created = written.filter(({ id }) => ids.has(id)).length;
  return { created, updated: written.length - created };
}

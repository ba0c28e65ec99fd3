import { idOrNull, versionOrNull } from '../failures.ts';
import { toNameKey } from '../models/name-key.ts';
import type { NewProduct, Product, ProductPatch } from '../models/product.ts';
import { runSql, type AnyTx } from '../run-sql.ts';
import { PRODUCT_COLUMNS, toProduct, type ReadProductRow } from './product-row.ts';

// A null leaves the field as it is; the category, which may be null itself, has a switch of its own.
const UPDATE = `
  update products set
    sku = coalesce($3, sku),
    name = coalesce($4, name),
    name_key = coalesce($5, name_key),
    description = coalesce($6, description),
    category = case when $7::boolean then $8 else category end,
    price_minor = coalesce($9::bigint, price_minor),
    currency = coalesce($10, currency),
    stock = coalesce($11::bigint, stock),
    status = coalesce($12, status),
    updated_at = $13,
    version = version + 1
  where id = $1 and ($2::integer is null or version = $2)
  returning ${PRODUCT_COLUMNS}`;

/**
 * Sets the fields that the patch names.
 *
 * @param expectedVersion - the row is left alone unless it has this version
 * @returns the product as it is now, or `undefined` when there is none of this id (and version)
 * @throws `DATABASE_CONFLICT` when the new sku is taken
 */
export async function changeProduct(
  tx: AnyTx,
  id: string,
  patch: ProductPatch,
  expectedVersion: number | undefined,
  now: Date,
): Promise<Product | undefined> {
  const rows = await runSql<ReadProductRow>(tx, UPDATE, [
    idOrNull(id),
    versionOrNull(expectedVersion),
    patch.sku ?? null,
    patch.name ?? null,
    patch.name === undefined ? null : toNameKey(patch.name),
    patch.description ?? null,
    patch.category !== undefined,
    patch.category ?? null,
    patch.priceMinor ?? null,
    patch.currency ?? null,
    patch.stock ?? null,
    patch.status ?? null,
    now,
  ]);
  return rows[0] === undefined ? undefined : toProduct(rows[0]);
}

/** A replacement as a patch of every field: what it leaves out gets its default. */
export function toFullPatch(input: NewProduct): Required<ProductPatch> {
  return { description: '', category: null, stock: 0, status: 'active', ...input };
}

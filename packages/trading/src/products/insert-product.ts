import { toNameKey } from '../models/name-key.ts';
import type { NewProduct, Product } from '../models/product.ts';
import { runSql, type AnyTx } from '../run-sql.ts';
import { PRODUCT_COLUMNS, toProduct, type ReadProductRow } from './product-row.ts';

const INSERT = `
  insert into products (id, sku, name, name_key, description, category, price_minor, currency, stock, status,
    created_at, updated_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
  returning ${PRODUCT_COLUMNS}`;

/** Writes a new product. @throws `DATABASE_CONFLICT` when its sku is taken */
export async function insertProduct(tx: AnyTx, id: string, input: NewProduct, now: Date): Promise<Product> {
  const rows = await runSql<ReadProductRow>(tx, INSERT, [
    id,
    input.sku,
    input.name,
    toNameKey(input.name),
    input.description ?? '',
    input.category ?? null,
    input.priceMinor,
    input.currency,
    input.stock ?? 0,
    input.status ?? 'active',
    now,
  ]);
  return toProduct(rows[0] as ReadProductRow);
}

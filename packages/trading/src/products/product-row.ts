import type { Product } from '../models/product.ts';
import type { ProductRow } from '../tables.ts';
import { productColumns } from './product-listing.ts';

/** The columns of a product, for the text of a statement. */
export const PRODUCT_COLUMNS: string = productColumns.join(', ');

/** A row of which only the columns of a product were read. */
export type ReadProductRow = Pick<ProductRow, (typeof productColumns)[number]>;

/** A product from its row. */
export function toProduct(row: ReadProductRow): Product {
  return Object.freeze({
    id: row.id,
    sku: row.sku,
    name: row.name,
    description: row.description,
    category: row.category,
    priceMinor: row.price_minor,
    currency: row.currency,
    stock: row.stock,
    status: row.status,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    version: row.version,
  });
}

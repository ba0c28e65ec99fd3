import { defineListing, type Listing } from '@tenon/database';
import { productStatuses } from '../models/product.ts';
import { toNameKey } from '../models/name-key.ts';
import type { ProductRow } from '../tables.ts';

/** The columns that make a product. */
export const productColumns = [
  'id',
  'sku',
  'name',
  'description',
  'category',
  'price_minor',
  'currency',
  'stock',
  'status',
  'created_at',
  'updated_at',
  'version',
] as const;

/** How lists of products are filtered and sorted. Each field here has an index; a test holds it to that. */
export const productListing: Listing<ProductRow> = defineListing<ProductRow>({
  resource: 'products',
  table: 'products',
  columns: productColumns,
  fields: {
    sku: { column: 'sku', type: 'text', operators: ['eq', 'in', 'prefix'], sortable: true },
    name: { column: 'name_key', type: 'text', operators: ['eq', 'prefix'], sortable: true, normalize: toNameKey },
    category: { column: 'category', type: 'text', operators: ['eq', 'in'] },
    status: { column: 'status', type: 'text', operators: ['eq', 'in'], values: productStatuses },
    price: { column: 'price_minor', type: 'integer', operators: ['eq', 'gt', 'gte', 'lt', 'lte'], sortable: true },
    createdAt: { column: 'created_at', type: 'timestamp', operators: ['gt', 'gte', 'lt', 'lte'], sortable: true },
  },
  defaultSort: '-createdAt',
});

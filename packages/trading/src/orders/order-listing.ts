import { defineListing, type Listing } from '@tenon/database';
import { orderStatuses } from '../models/order-status.ts';
import type { OrderRow } from '../tables.ts';

/** The columns that make an order, without its lines. */
export const orderColumns = [
  'id',
  'external_id',
  'user_id',
  'status',
  'currency',
  'total_minor',
  'placed_at',
  'shipped_at',
  'created_at',
  'updated_at',
  'version',
] as const;

/** How lists of orders are filtered and sorted. Each field here has an index; a test holds it to that. */
export const orderListing: Listing<OrderRow> = defineListing<OrderRow>({
  resource: 'orders',
  table: 'orders',
  columns: orderColumns,
  fields: {
    userId: { column: 'user_id', type: 'text', operators: ['eq', 'in'] },
    externalId: { column: 'external_id', type: 'text', operators: ['eq', 'in'] },
    status: { column: 'status', type: 'text', operators: ['eq', 'in'], values: orderStatuses },
    totalMinor: { column: 'total_minor', type: 'integer', operators: ['eq', 'gt', 'gte', 'lt', 'lte'], sortable: true },
    placedAt: { column: 'placed_at', type: 'timestamp', operators: ['gt', 'gte', 'lt', 'lte'] },
    createdAt: { column: 'created_at', type: 'timestamp', operators: ['gt', 'gte', 'lt', 'lte'], sortable: true },
  },
  defaultSort: '-createdAt',
});

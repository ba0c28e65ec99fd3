import type { OrderStatus } from './models/order-status.ts';
import type { ProductStatus } from './models/product.ts';

/** A row of `products`. */
export interface ProductRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly name_key: string;
  readonly description: string;
  readonly category: string | null;
  readonly price_minor: number;
  readonly currency: string;
  readonly stock: number;
  readonly status: ProductStatus;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly version: number;
}

/** A row of `orders`. */
export interface OrderRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly external_id: string | null;
  readonly user_id: string;
  readonly status: OrderStatus;
  readonly currency: string;
  readonly total_minor: number;
  /** Whether the stock of its lines is taken, so that cancelling must give it back. Never for imported orders. */
  readonly holds_stock: boolean;
  /** Digest of the row that it was imported from; null for orders that were made here. */
  readonly import_digest: string | null;
  readonly placed_at: Date | null;
  readonly shipped_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly version: number;
}

/** A row of `order_lines`. */
export interface OrderLineRow {
  readonly tenant_id: string;
  readonly order_id: string;
  readonly position: number;
  readonly product_id: string;
  readonly sku: string;
  readonly quantity: number;
  readonly unit_price_minor: number;
  readonly discount_percent: number;
  readonly total_minor: number;
}

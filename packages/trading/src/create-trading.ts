import { createIdGenerator, silentLogger, systemClock, type Clock, type Logger } from '@tenon/core';
import type { Database } from '@tenon/database';
import { createOrders } from './orders/create-orders.ts';
import type { Orders } from './orders/orders.ts';
import { findOwner } from './find-owner.ts';
import { createProducts } from './products/create-products.ts';
import type { Products } from './products/products.ts';
import type { ServiceConfig } from './service-config.ts';

/** What {@link createTrading} takes. */
export interface TradingOptions {
  /** Migrated with the migrations of `tenancy` and of {@link tradingMigrations}. */
  readonly database: Database;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Makes UUIDs for new rows; version 7 keeps indexes compact. Default: version 7 from the clock. */
  readonly newId?: () => string;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** Products and orders. */
export interface Trading {
  readonly products: Products;
  readonly orders: Orders;
  /**
   * The tenant that a row belongs to, across tenants: only for writing down that somebody asked for what is not theirs. Never
   * show the answer.
   */
  ownerOf(resource: 'products' | 'orders', id: string): Promise<string | undefined>;
}

/**
 * Makes the services of products and orders.
 *
 * @example
 * ```ts
 * const trading = createTrading({ database });
 * await runAs({ tenant: 'acme' }, async () => {
 *   const chai = await trading.products.create({ sku: 'CHAI', name: 'Chai', priceMinor: 1800, currency: 'EUR', stock: 39 });
 *   const lines = [{ productId: chai.id, quantity: 2 }];
 *   const { order } = await trading.orders.create({ lines }, { userId, idempotencyKey: 'checkout-17' });
 *   await trading.orders.update(order.id, { status: 'paid' });
 * });
 * ```
 */
export function createTrading(options: TradingOptions): Trading {
  const clock = options.clock ?? systemClock;
  const config: ServiceConfig = {
    database: options.database,
    newId: options.newId ?? createIdGenerator({ clock }),
    now: () => new Date(clock.now()),
    logger: options.logger ?? silentLogger,
  };
  return {
    products: createProducts(config),
    orders: createOrders(config),
    ownerOf: (resource, id) => findOwner(options.database, resource, id),
  };
}

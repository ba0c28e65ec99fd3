import type { CursorCodec, ListPage, ListRequest } from '@tenon/database';
import type { ImportReport } from '../import-report.ts';
import type { OrderStatus } from '../models/order-status.ts';
import type { NewOrder, Order, OrderPatch, OrderReplacement } from '../models/order.ts';

/** Whose orders a call may see. */
export interface OrderScope {
  /** Only the orders of this person exist for the call. Default: all of the tenant's. */
  readonly onlyUserId?: string;
}

/** How an order is created. */
export interface CreateOrderOptions {
  /** The person who orders. */
  readonly userId: string;
  /**
   * Names the request, so that repeating it returns the order that it made. 1 to 255 printable ASCII characters. The same
   * key may be used by different actors of the context without meeting.
   */
  readonly idempotencyKey?: string;
  /** Whether lines may carry a discount: give `true` for staff only. Default `false`. */
  readonly allowDiscounts?: boolean;
}

/** How an order is changed. */
export interface ChangeOrderOptions extends OrderScope {
  /** When given, the change is made only to this version. */
  readonly expectedVersion?: number;
  /** Whether new lines may carry a discount: give `true` for staff only. Default `false`. */
  readonly allowDiscounts?: boolean;
  /**
   * The statuses that the caller may move an order to. Default: `placed` and `cancelled` where `onlyUserId` is given, which is
   * what customers may do with an order of their own; else all.
   */
  readonly allowedMoves?: readonly OrderStatus[];
}

/** What {@link Orders.create} did. */
export interface CreatedOrder {
  /** The order as it is now. */
  readonly order: Order;
  /** `false` when an earlier request with the same key had made it. */
  readonly created: boolean;
}

/**
 * The orders of the context's tenant. Each call is one transaction. An order of another tenant, or outside of the scope,
 * looks exactly like one that does not exist.
 *
 * Inputs are checked here, whatever checked them before: `ORDER_INVALID` with every problem in `details.problems`.
 */
export interface Orders {
  /**
   * One page.
   *
   * @param request - made by `orderListing.parse`
   * @param cursors - the same codec that parsed the request
   */
  list(request: ListRequest, cursors: CursorCodec, scope?: OrderScope): Promise<ListPage<Order>>;

  /** One order with its lines, or `undefined`. */
  get(id: string, scope?: OrderScope): Promise<Order | undefined>;

  /**
   * Creates an order, by default a placed one: the stock of all its lines is taken in the same transaction, or the order
   * is not made. Prices are the products' own at this moment.
   *
   * @throws `ORDER_STOCK_SHORT` (details: `lines`), `ORDER_PRODUCT_UNAVAILABLE` (unknown or archived; details:
   *   `productIds`), `ORDER_CURRENCY_MIXED`, `ORDER_DISCOUNT_NOT_ALLOWED`, `ORDER_TOTAL_TOO_LARGE`, `ORDER_USER_UNKNOWN`,
   *   `ORDER_EXTERNAL_ID_TAKEN`, `ORDER_IDEMPOTENCY_MISMATCH` (the key came with another body before),
   *   `ORDER_IDEMPOTENCY_KEY_INVALID`, `ORDER_NOT_FOUND` (the key's order was removed), `ORDER_INVALID`
   */
  create(input: NewOrder, options: CreateOrderOptions): Promise<CreatedOrder>;

  /**
   * Replaces a draft's lines and external id.
   *
   * @throws `ORDER_NOT_FOUND`, `ORDER_NOT_DRAFT`, `ORDER_VERSION_CONFLICT`, and what `create` throws about lines
   */
  replace(id: string, input: OrderReplacement, options?: ChangeOrderOptions): Promise<Order>;

  /**
   * Moves an order to another status, changes a draft's lines, or both. Placing a draft takes stock at the products' prices of
   * this moment; cancelling gives back what was taken.
   *
   * @throws `ORDER_NOT_FOUND`, `ORDER_MOVE_ILLEGAL` (details: `from`, `to`, `legal`), `ORDER_MOVE_NOT_ALLOWED`, `ORDER_NOT_DRAFT`,
   *   `ORDER_VERSION_CONFLICT`, and what `create` throws about lines and stock
   */
  update(id: string, patch: OrderPatch, options?: ChangeOrderOptions): Promise<Order>;

  /**
   * Removes a draft or a cancelled order.
   *
   * @throws `ORDER_NOT_FOUND`, `ORDER_NOT_REMOVABLE`, `ORDER_VERSION_CONFLICT`
   */
  remove(id: string, options?: ChangeOrderOptions): Promise<void>;

  /**
   * Takes over orders of another system as history: prices and dates as given, no stock taken. People are found by email,
   * products by sku; a row that names an unknown one is rejected. Safe to run twice, by `externalId`.
   *
   * @param rows - each like an `ImportedOrder`; 200 to 2,000 are a good size
   */
  importBatch(rows: readonly unknown[]): Promise<ImportReport>;

  /**
   * Forgets the idempotency keys of all tenants that are older than this. For a job that runs now and then.
   *
   * @param options.olderThanMs - age in milliseconds; clients must not repeat a request later than this
   * @returns how many were forgotten
   */
  forgetRequests(options: { readonly olderThanMs: number }): Promise<number>;
}

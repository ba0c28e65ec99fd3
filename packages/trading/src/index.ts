export { createTrading } from './create-trading.ts';
export type { Trading, TradingOptions } from './create-trading.ts';
export { tradingErrorCodes } from './errors.ts';
export type { TradingErrorCode } from './errors.ts';
export type { ImportReport, RejectedRow } from './import-report.ts';
export { currencyCodes, isCurrency } from './models/currency.ts';
export { lineTotalMinor, orderTotalMinor } from './models/money.ts';
export type { PricedQuantity } from './models/money.ts';
export {
  decodeOrder,
  encodeOrder,
  parseImportedOrder,
  parseNewOrder,
  parseOrder,
  parseOrderPatch,
  parseOrderReplacement,
} from './models/order-model.ts';
export {
  decodeProduct,
  encodeProduct,
  parseNewProduct,
  parseProduct,
  parseProductPatch,
} from './models/product-model.ts';
export { isOrderMove, orderMoves, orderStatuses } from './models/order-status.ts';
export type { OrderStatus } from './models/order-status.ts';
export {
  ImportedOrder,
  ImportedOrderLine,
  NewOrder,
  NewOrderLine,
  Order,
  OrderLine,
  OrderPatch,
  OrderReplacement,
} from './models/order.ts';
export { NewProduct, Product, ProductPatch, productStatuses } from './models/product.ts';
export type { ProductStatus } from './models/product.ts';
export { orderListing } from './orders/order-listing.ts';
export type { ChangeOrderOptions, CreatedOrder, CreateOrderOptions, Orders, OrderScope } from './orders/orders.ts';
export { productListing } from './products/product-listing.ts';
export type { Products } from './products/products.ts';
export type { OrderLineRow, OrderRow, ProductRow } from './tables.ts';
export { tradingMigrations } from './trading-migrations.ts';

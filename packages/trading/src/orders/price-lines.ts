import { tradingError } from '../errors.ts';
import { lineTotalMinor, orderTotalMinor } from '../models/money.ts';
import type { NewOrderLine, OrderLine } from '../models/order.ts';
import type { OrderableProduct } from './stock.ts';

/** The lines of an order at the prices of this moment. */
export interface PricedLines {
  readonly lines: OrderLine[];
  readonly currency: string;
  readonly totalMinor: number;
}

/**
 * Prices lines from the products that were found for them.
 *
 * @param mustBeTaken - whether every product's pieces must have been taken from its stock
 * @throws `ORDER_PRODUCT_UNAVAILABLE`, `ORDER_STOCK_SHORT`, `ORDER_CURRENCY_MIXED`, `ORDER_TOTAL_TOO_LARGE`
 */
export function priceLines(
  wanted: readonly NewOrderLine[],
  found: readonly OrderableProduct[],
  mustBeTaken: boolean,
): PricedLines {
  const products = new Map(found.map((product) => [product.id, product]));
  assertAvailable(wanted, products);
  if (mustBeTaken) assertTaken(wanted, products);
  const lines = wanted.map((line): OrderLine => {
    const product = products.get(line.productId) as OrderableProduct;
    const priced = {
      quantity: line.quantity,
      unitPriceMinor: product.price_minor,
      discountPercent: line.discountPercent ?? 0,
    };
    return { productId: product.id, sku: product.sku, ...priced, totalMinor: lineTotalMinor(priced) };
  });
  return { lines, currency: oneCurrency(found), totalMinor: orderTotalMinor(lines) };
}

/** @throws `ORDER_DISCOUNT_NOT_ALLOWED` when a line has a discount and the caller may not give one */
export function assertDiscounts(lines: readonly NewOrderLine[], allowDiscounts: boolean | undefined): void {
  if (allowDiscounts === true || lines.every(({ discountPercent = 0 }) => discountPercent === 0)) return;
  throw tradingError('ORDER_DISCOUNT_NOT_ALLOWED', 'only staff may give a discount; leave "discountPercent" out');
}

function assertAvailable(wanted: readonly NewOrderLine[], products: ReadonlyMap<string, OrderableProduct>): void {
  const productIds = wanted.map(({ productId }) => productId).filter((id) => products.get(id)?.status !== 'active');
  if (productIds.length === 0) return;
  throw tradingError(
    'ORDER_PRODUCT_UNAVAILABLE',
    `${productIds.length} of the products do not exist or are archived; take them out of the order`,
    { details: { productIds } },
  );
}

function assertTaken(wanted: readonly NewOrderLine[], products: ReadonlyMap<string, OrderableProduct>): void {
  const short = wanted.flatMap(({ productId, quantity }) => {
    const product = products.get(productId);
    return product === undefined || product.taken ? [] : [{ productId, requested: quantity, available: product.stock }];
  });
  if (short.length === 0) return;
  throw tradingError('ORDER_STOCK_SHORT', `there is not enough stock for ${short.length} of the order's lines`, {
    details: { lines: short },
  });
}

function oneCurrency(products: readonly OrderableProduct[]): string {
  const currencies = [...new Set(products.map(({ currency }) => currency))];
  if (currencies.length === 1) return currencies[0] as string;
  throw tradingError(
    'ORDER_CURRENCY_MIXED',
    `an order has one currency, and its products are priced in ${currencies.toSorted().join(', ')}; make one order each`,
    { details: { currencies } },
  );
}

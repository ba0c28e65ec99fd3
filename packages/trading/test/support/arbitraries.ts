import fc from 'fast-check';
import {
  currencyCodes,
  lineTotalMinor,
  orderTotalMinor,
  type Order,
  type OrderLine,
  type Product,
} from '@tenon/trading';

/** Any text that may be a name: well-formed, on one line, not only white space. */
function oneLineText(maxCodePoints: number): fc.Arbitrary<string> {
  return fc
    .string({ unit: 'binary', minLength: 1, maxLength: maxCodePoints })
    .map((text) =>
      Array.from(text)
        .filter((one) => one >= ' ' && one !== '\u007f')
        .join(''),
    )
    .filter((text) => text.trim() !== '' && Array.from(text.normalize('NFC')).length <= maxCodePoints);
}

/** Free text, lines and controls allowed, NUL not. */
const freeText: fc.Arbitrary<string> = fc
  .string({ unit: 'binary', maxLength: 200 })
  .map((text) => text.replaceAll('\0', ''));

const uuid = fc.uuid({ version: 7 });
const currency = fc.constantFrom(...currencyCodes);
const moment = fc
  .date({ min: new Date('0001-01-01T00:00:00.000Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const version = fc.integer({ min: 1, max: 2_147_483_647 });
const priceMinor = fc.integer({ min: 0, max: 999_999_999_999 });

/** A valid product, as it may be stored but for the form of its texts. */
export const anyProduct: fc.Arbitrary<Product> = fc.record({
  id: uuid,
  sku: oneLineText(64),
  name: oneLineText(255),
  description: freeText,
  category: fc.option(oneLineText(100)),
  priceMinor,
  currency,
  stock: fc.maxSafeNat(),
  status: fc.constantFrom('active', 'archived'),
  createdAt: moment,
  updatedAt: moment,
  version,
});

const anyLine: fc.Arbitrary<OrderLine> = fc
  .record({
    productId: uuid,
    sku: oneLineText(64),
    quantity: fc.integer({ min: 1, max: 1_000 }),
    unitPriceMinor: fc.integer({ min: 0, max: 1_000_000_000 }),
    discountPercent: fc.integer({ min: 0, max: 100 }),
  })
  .map((line) => ({ ...line, totalMinor: lineTotalMinor(line) }));

const anyState: fc.Arbitrary<Pick<Order, 'status' | 'placedAt' | 'shippedAt'>> = fc.oneof(
  fc.record({ status: fc.constant('draft' as const), placedAt: fc.constant(null), shippedAt: fc.constant(null) }),
  fc.record({ status: fc.constantFrom('placed', 'paid'), placedAt: moment, shippedAt: fc.constant(null) }),
  fc.record({ status: fc.constantFrom('shipped', 'delivered'), placedAt: moment, shippedAt: fc.option(moment) }),
  fc.record({ status: fc.constant('cancelled' as const), placedAt: fc.option(moment), shippedAt: fc.constant(null) }),
);

/** A valid order, as it may be stored but for the form of its texts. */
export const anyOrder: fc.Arbitrary<Order> = fc
  .record({
    id: uuid,
    externalId: fc.option(oneLineText(128)),
    userId: uuid,
    currency,
    lines: fc.uniqueArray(anyLine, { minLength: 1, maxLength: 8, selector: (line) => line.productId }),
    createdAt: moment,
    updatedAt: moment,
    version,
    state: anyState,
  })
  .map(({ state, ...order }) => ({ ...order, ...state, totalMinor: orderTotalMinor(order.lines) }));

import { Type, type Static } from 'typebox';
import {
  currency,
  dateOrMoment,
  dateOrMomentOrNull,
  MAX_ORDER_LINES,
  MAX_PRICE_MINOR,
  MAX_QUANTITY,
  moment,
  momentOrNull,
  oneLine,
  oneLineOrNull,
  uuid,
  Version,
  whole,
} from './field-schemas.ts';
import { orderStatuses } from './order-status.ts';

const closed = { additionalProperties: false } as const;
const ExternalId = oneLineOrNull('what another system calls the order; unique in the tenant; or null', 128);
const Quantity = whole('pieces', 1, MAX_QUANTITY);
const UnitPriceMinor = whole('price of one when the order was placed, in minor units', 0, MAX_PRICE_MINOR);
const DiscountPercent = whole('whole percent taken off the line', 0, 100);
const TotalMinor = whole('in minor units', 0, Number.MAX_SAFE_INTEGER);

function linesOf<Line extends Parameters<typeof Type.Array>[0]>(line: Line) {
  return Type.Array(line, { minItems: 1, maxItems: MAX_ORDER_LINES, description: 'each product at most once' });
}

/** One product of an order, with the price it was ordered at. */
export const OrderLine = Type.Object(
  {
    productId: uuid('the product'),
    sku: oneLine("the product's sku when it was ordered", 1, 64),
    quantity: Quantity,
    unitPriceMinor: UnitPriceMinor,
    discountPercent: DiscountPercent,
    totalMinor: TotalMinor,
  },
  { ...closed, title: 'OrderLine' },
);
export type OrderLine = Static<typeof OrderLine>;

/** An order as it is stored and shown. Its total is the sum of its lines'; all are in its one currency. */
export const Order = Type.Object(
  {
    id: uuid('given by the system'),
    externalId: ExternalId,
    userId: uuid('the person who ordered'),
    status: Type.Enum([...orderStatuses]),
    currency: currency('ISO 4217 code'),
    lines: linesOf(OrderLine),
    totalMinor: TotalMinor,
    placedAt: momentOrNull('when it was placed; null for what never was'),
    shippedAt: momentOrNull('when it left; null before'),
    createdAt: moment('when it was created; an imported order was created when it was placed'),
    updatedAt: moment('when it was last changed'),
    version: Version,
  },
  { ...closed, title: 'Order' },
);
export type Order = Static<typeof Order>;

/** One product to order. Its price is the product's; it cannot be given. */
export const NewOrderLine = Type.Object(
  {
    productId: uuid('the product'),
    quantity: Quantity,
    discountPercent: Type.Optional(
      Type.Integer({ description: 'whole percent off; only for staff', minimum: 0, maximum: 100, default: 0 }),
    ),
  },
  { ...closed, title: 'NewOrderLine' },
);
export type NewOrderLine = Static<typeof NewOrderLine>;

/** What an order is created from. */
export const NewOrder = Type.Object(
  {
    externalId: Type.Optional(ExternalId),
    status: Type.Optional(
      Type.Enum(['draft', 'placed'], { description: 'a placed order takes stock at once', default: 'placed' }),
    ),
    lines: linesOf(NewOrderLine),
  },
  { ...closed, title: 'NewOrder' },
);
export type NewOrder = Static<typeof NewOrder>;

/** What a draft is replaced by. It stays a draft. */
export const OrderReplacement = Type.Object(
  { externalId: Type.Optional(ExternalId), lines: linesOf(NewOrderLine) },
  { ...closed, title: 'OrderReplacement' },
);
export type OrderReplacement = Static<typeof OrderReplacement>;

/** A change of an order: a move to another status, new lines for a draft, or both: then the lines come first. */
export const OrderPatch = Type.Object(
  {
    externalId: Type.Optional(ExternalId),
    status: Type.Optional(Type.Enum([...orderStatuses])),
    lines: Type.Optional(linesOf(NewOrderLine)),
  },
  { ...closed, title: 'OrderPatch', minProperties: 1 },
);
export type OrderPatch = Static<typeof OrderPatch>;

/** One line of an order that was made in another system. */
export const ImportedOrderLine = Type.Object(
  {
    sku: oneLine('of a product that exists', 1, 64),
    quantity: Quantity,
    unitPriceMinor: UnitPriceMinor,
    discountPercent: Type.Optional(DiscountPercent),
  },
  { ...closed, title: 'ImportedOrderLine' },
);
export type ImportedOrderLine = Static<typeof ImportedOrderLine>;

/** An order that was made in another system: history, which takes no stock. */
export const ImportedOrder = Type.Object(
  {
    externalId: oneLine('what the other system calls it', 1, 128),
    userEmail: oneLine('of a person of the tenant', 3, 254),
    status: Type.Optional(
      Type.Enum(['placed', 'paid', 'shipped', 'delivered', 'cancelled'], {
        description: 'left out: shipped where shippedAt is given, else placed',
      }),
    ),
    currency: Type.Optional(currency("ISO 4217 code; left out: the products' own")),
    placedAt: dateOrMoment('when it was placed'),
    shippedAt: Type.Optional(dateOrMomentOrNull('when it left')),
    lines: linesOf(ImportedOrderLine),
  },
  { ...closed, title: 'ImportedOrder' },
);
export type ImportedOrder = Static<typeof ImportedOrder>;

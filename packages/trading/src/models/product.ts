import { Type, type Static } from 'typebox';
import {
  currency,
  MAX_PRICE_MINOR,
  MAX_STOCK,
  moment,
  oneLine,
  oneLineOrNull,
  uuid,
  Version,
  whole,
} from './field-schemas.ts';

/** Every status of a product. */
export const productStatuses = ['active', 'archived'] as const;

/** A status of a product: an archived one stays readable and cannot be ordered. */
export type ProductStatus = (typeof productStatuses)[number];

const closed = { additionalProperties: false } as const;
const Sku = oneLine('what the owner calls the product; unique in the tenant, compared exactly', 1, 64);
const Name = oneLine('any Unicode on one line', 1, 255);
const Description = Type.String({ description: 'free text, lines allowed', maxLength: 10_000, default: '' });
const Category = oneLineOrNull('one category, or null', 100);
const PriceMinor = whole('price of one, in minor units of the currency (cents)', 0, MAX_PRICE_MINOR);
const Currency = currency('ISO 4217 code');
const Status = Type.Enum([...productStatuses], { description: 'an archived product cannot be ordered' });

/** A product as it is stored and shown. */
export const Product = Type.Object(
  {
    id: uuid('given by the system'),
    sku: Sku,
    name: Name,
    description: Description,
    category: Category,
    priceMinor: PriceMinor,
    currency: Currency,
    stock: whole('pieces that can be ordered', 0, Number.MAX_SAFE_INTEGER),
    status: Status,
    createdAt: moment('when it was created'),
    updatedAt: moment('when it was last changed, orders that take stock included'),
    version: Version,
  },
  { ...closed, title: 'Product', description: 'something that can be ordered' },
);
export type Product = Static<typeof Product>;

const inputFields = {
  sku: Sku,
  name: Name,
  description: Type.Optional(Description),
  category: Type.Optional(Category),
  priceMinor: PriceMinor,
  currency: Currency,
  stock: Type.Optional(Type.Integer({ description: 'pieces in stock', minimum: 0, maximum: MAX_STOCK, default: 0 })),
  status: Type.Optional(Status),
};

/**
 * What a product is created from, replaced by and imported from. Left out: no description, no category, no stock, active.
 */
export const NewProduct = Type.Object(inputFields, { ...closed, title: 'NewProduct' });
export type NewProduct = Static<typeof NewProduct>;

/** A change of a product: the fields named, and no others. */
export const ProductPatch = Type.Partial(Type.Object(inputFields), {
  ...closed,
  title: 'ProductPatch',
  minProperties: 1,
});
export type ProductPatch = Static<typeof ProductPatch>;

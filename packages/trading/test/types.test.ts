import type {
  ImportedOrder,
  NewOrder,
  NewProduct,
  Order,
  OrderPatch,
  OrderStatus,
  Product,
  ProductPatch,
  Products,
} from '@tenon/trading';
import { expectTypeOf, test } from 'vitest';

test('types come from the schemas, as narrow as they are', () => {
  expectTypeOf<Product['status']>().toEqualTypeOf<'active' | 'archived'>();
  expectTypeOf<Product['category']>().toEqualTypeOf<string | null>();
  expectTypeOf<Order['status']>().toEqualTypeOf<OrderStatus>();
  expectTypeOf<Order['placedAt']>().toEqualTypeOf<string | null>();
  expectTypeOf<NewOrder['status']>().toEqualTypeOf<'draft' | 'placed' | undefined>();
  expectTypeOf<ProductPatch>().toEqualTypeOf<Partial<NewProduct>>();
  expectTypeOf<OrderPatch['lines']>().toEqualTypeOf<NewOrder['lines'] | undefined>();
  expectTypeOf<ImportedOrder['shippedAt']>().toEqualTypeOf<string | null | undefined>();
});

test('an input that names a tenant, or what the system gives, does not compile', () => {
  const product = { sku: 'X', name: 'X', priceMinor: 1, currency: 'EUR' };
  expectTypeOf<Parameters<Products['create']>[0]>().not.toHaveProperty('tenantId');
  // @ts-expect-error an input has no tenant
  const withTenant: NewProduct = { ...product, tenantId: 'acme' };
  // @ts-expect-error an input has no id
  const withId: NewProduct = { ...product, id: 'x' };
  // @ts-expect-error a new order is not paid
  const paid: NewOrder = { status: 'paid', lines: [] };
  expectTypeOf([withTenant, withId, paid]).toBeArray();
});

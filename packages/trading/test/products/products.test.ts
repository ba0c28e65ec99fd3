import { newId } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { parseProduct, productListing, type NewProduct } from '@tenon/trading';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  createProduct,
  cursors,
  openTrading,
  someProduct,
  type OpenTrading,
  type TestTenant,
} from '../support/open-trading.ts';
import { failureOf, problemsOf } from '../support/problems.ts';

describe.each(describeDrivers())('products on %s', (driver) => {
  let open: OpenTrading;
  let tenant: TestTenant;

  beforeAll(async () => {
    open = await openTrading(driver);
  });
  afterAll(() => open.drop());
  beforeEach(async () => {
    tenant = await open.newTenant();
  });
  const products = () => open.trading.products;

  test('a product is created with defaults, and is read back the same', async () => {
    await tenant.run(async () => {
      const created = await products().create({ sku: ' CHAI ', name: 'Chai', priceMinor: 1800, currency: 'EUR' });
      expect(created).toEqual({
        id: expect.any(String),
        sku: 'CHAI',
        name: 'Chai',
        description: '',
        category: null,
        priceMinor: 1800,
        currency: 'EUR',
        stock: 0,
        status: 'active',
        createdAt: new Date(open.clock.now()).toISOString(),
        updatedAt: new Date(open.clock.now()).toISOString(),
        version: 1,
      });
      expect(problemsOf(parseProduct(created))).toEqual([]);
      expect(await products().get(created.id)).toEqual(created);
    });
  });

  test.each([
    "O'Brien",
    'Müller',
    'Ñandú',
    '李雷',
    "Robert'); DROP TABLE products;--",
    'MÃ¼ller',
    '👩‍👩‍👧‍👦 \u202e "x" \\ %_',
  ])('the name %o comes back exactly, from create, get, list and import', async (name) => {
    await tenant.run(async () => {
      const created = await createProduct(open.trading, { name, description: `${name}\n${name}`, category: name });
      await products().importBatch([someProduct({ name, category: name })]);
      const request = productListing.parse({ name }, cursors);
      if (!request.ok) throw new Error('the filter was refused');
      const page = await products().list(request.value, cursors);
      expect(created.name).toBe(name);
      expect((await products().get(created.id))?.description).toBe(`${name}\n${name}`);
      expect(page.items.map((item) => [item.name, item.category])).toEqual([
        [name, name],
        [name, name],
      ]);
    });
  });

  test('an invalid product is refused with every problem, and nothing is written', async () => {
    await tenant.run(async () => {
      const input = { sku: '', name: 'x', priceMinor: -1, currency: 'EUR' };
      expect(await failureOf(products().create(input))).toEqual({
        code: 'PRODUCT_INVALID',
        details: {
          problems: [
            { path: '/sku', code: 'too_short', message: 'must not be empty' },
            { path: '/priceMinor', code: 'out_of_range', message: 'must be at least 0' },
          ],
        },
      });
      expect(await open.query(`select from products where tenant_id = '${tenant.id}'`)).toEqual([]);
    });
  });

  test('a patch sets the fields that it names and raises the version', async () => {
    await tenant.run(async () => {
      const before = await createProduct(open.trading, { category: 'Tea', description: 'loose' });
      await open.clock.advance(1_000);
      const after = await products().update(before.id, { priceMinor: 7, category: null });
      expect(after).toEqual({
        ...before,
        priceMinor: 7,
        category: null,
        updatedAt: new Date(open.clock.now()).toISOString(),
        version: 2,
      });
      expect(await products().get(before.id)).toEqual(after);
    });
  });

  test('every field can be patched alone', async () => {
    await tenant.run(async () => {
      const before = await createProduct(open.trading, { category: 'Tea' });
      const change: Required<NewProduct> = {
        sku: `NEW-${newId()}`,
        name: 'New name',
        description: 'new',
        category: 'New',
        priceMinor: 1,
        currency: 'USD',
        stock: 3,
        status: 'archived',
      };
      let expected = { ...before };
      for (const [field, value] of Object.entries(change)) {
        expected = { ...expected, [field]: value, version: expected.version + 1 };
        expect(await products().update(before.id, { [field]: value })).toEqual({
          ...expected,
          updatedAt: new Date(open.clock.now()).toISOString(),
        });
      }
    });
  });

  test('a replacement sets every field; what it leaves out gets its default', async () => {
    await tenant.run(async () => {
      const before = await createProduct(open.trading, { category: 'Tea', description: 'loose', status: 'archived' });
      const after = await products().replace(before.id, { sku: before.sku, name: 'X', priceMinor: 1, currency: 'USD' });
      expect(after).toMatchObject({ description: '', category: null, stock: 0, status: 'active', version: 2 });
      expect(after.createdAt).toBe(before.createdAt);
    });
  });

  test('a renamed product is found under its new name', async () => {
    await tenant.run(async () => {
      const { id } = await createProduct(open.trading, { name: 'Old' });
      await products().update(id, { name: 'ÄNDERUNG' });
      const request = productListing.parse({ 'name[prefix]': 'änd' }, cursors);
      if (!request.ok) throw new Error('the filter was refused');
      expect((await products().list(request.value, cursors)).items.map((item) => item.id)).toEqual([id]);
    });
  });

  test('a change of a version that is no more is refused, and says which version there is', async () => {
    await tenant.run(async () => {
      const { id, sku } = await createProduct(open.trading);
      await products().update(id, { name: 'second' }, 1);
      const conflict = { code: 'PRODUCT_VERSION_CONFLICT', details: { id, expected: 1, actual: 2 } };
      expect(await failureOf(products().update(id, { name: 'third' }, 1))).toEqual(conflict);
      expect(await failureOf(products().replace(id, someProduct({ sku }), 1))).toEqual(conflict);
      expect(await failureOf(products().remove(id, 1))).toEqual(conflict);
      expect(await products().get(id)).toMatchObject({ name: 'second', version: 2 });
      await products().remove(id, 2);
      expect(await products().get(id)).toBeUndefined();
    });
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 40])(
    'an expected version of %o is a conflict, not a failure',
    async (version) => {
      await tenant.run(async () => {
        const { id } = await createProduct(open.trading);
        expect(await codeOf(products().update(id, { name: 'x' }, version))).toBe('PRODUCT_VERSION_CONFLICT');
        expect(await codeOf(products().remove(id, version))).toBe('PRODUCT_VERSION_CONFLICT');
      });
    },
  );

  test.each([newId(), '', 'x', '\0', '\ud800', "' or 1=1", 'x'.repeat(10_000)])(
    'there is no product %o',
    async (id) => {
      await tenant.run(async () => {
        expect(await products().get(id)).toBeUndefined();
        const notFound = { code: 'PRODUCT_NOT_FOUND', details: { id } };
        expect(await failureOf(products().update(id, { name: 'x' }))).toEqual(notFound);
        expect(await failureOf(products().update(id, { name: 'x' }, 3))).toEqual(notFound);
        expect(await failureOf(products().replace(id, someProduct()))).toEqual(notFound);
        expect(await failureOf(products().remove(id))).toEqual(notFound);
        expect(await open.trading.ownerOf('products', id)).toBeUndefined();
      });
    },
  );

  test('a sku is taken once in a tenant, and again in another', async () => {
    const other = await open.newTenant();
    await tenant.run(async () => {
      const { sku } = await createProduct(open.trading);
      const second = await createProduct(open.trading);
      expect(await codeOf(createProduct(open.trading, { sku }))).toBe('PRODUCT_SKU_TAKEN');
      expect(await codeOf(products().update(second.id, { sku }))).toBe('PRODUCT_SKU_TAKEN');
      expect(await codeOf(other.run(() => createProduct(open.trading, { sku })))).toBe('none');
      expect(await codeOf(createProduct(open.trading, { sku: sku.toLowerCase() }))).toBe('none');
    });
  });

  test('a product that an order names cannot be removed', async () => {
    await tenant.run(async () => {
      const { id } = await createProduct(open.trading);
      const lines = [{ productId: id, quantity: 1 }];
      const { order } = await open.trading.orders.create({ status: 'draft', lines }, { userId: tenant.userId });
      expect(await codeOf(products().remove(id))).toBe('PRODUCT_IN_USE');
      await open.trading.orders.remove(order.id);
      await products().remove(id);
      expect(await products().get(id)).toBeUndefined();
    });
  });

  test('nothing happens outside of a tenant', async () => {
    expect(await codeOf(products().get(newId()))).toBe('TENANT_REQUIRED');
    expect(await codeOf(products().create(someProduct()))).toBe('TENANT_REQUIRED');
    expect(await codeOf(products().importBatch([someProduct()]))).toBe('TENANT_REQUIRED');
  });
});

import { deepFreeze, type InputProblem, type Result } from '@tenon/core';
import { mapPage } from '@tenon/database';
import { tradingError } from '../errors.ts';
import { brokenConstraint, inputInvalid } from '../failures.ts';
import { inRounds, parseRows } from '../import-rows.ts';
import { parseNewProduct, parseProductPatch } from '../models/product-model.ts';
import type { Product, ProductPatch } from '../models/product.ts';
import type { AnyTx } from '../run-sql.ts';
import type { ServiceConfig } from '../service-config.ts';
import { changeProduct, toFullPatch } from './change-product.ts';
import { importProducts } from './import-products.ts';
import { insertProduct } from './insert-product.ts';
import { productListing } from './product-listing.ts';
import { toProduct } from './product-row.ts';
import type { Products } from './products.ts';
import { readProduct } from './read-product.ts';
import { removeProduct } from './remove-product.ts';

/** Makes the service of products. */
export function createProducts({ database, newId, now, logger }: ServiceConfig): Products {
  const change = (id: string, patch: ProductPatch, expectedVersion: number | undefined): Promise<Product> =>
    withProductErrors(() =>
      database.withTenant(async (tx) => {
        const product = await changeProduct(tx, id, patch, expectedVersion, now());
        return product ?? (await refuse(tx, id, expectedVersion));
      }),
    );

  return {
    list: (request, cursors) =>
      database.withTenant(async (tx) => mapPage(await productListing.read(tx, request, cursors), toProduct)),

    get: (id) => database.withTenant((tx) => readProduct(tx, id)),

    create: async (input) => {
      const product = valid(parseNewProduct(input));
      return withProductErrors(() => database.withTenant((tx) => insertProduct(tx, newId(), product, now())));
    },

    replace: async (id, input, expectedVersion) =>
      change(id, toFullPatch(valid(parseNewProduct(input))), expectedVersion),

    update: async (id, patch, expectedVersion) => change(id, valid(parseProductPatch(patch)), expectedVersion),

    remove: (id, expectedVersion) =>
      withProductErrors(() =>
        database.withTenant(async (tx) => {
          if (!(await removeProduct(tx, id, expectedVersion))) await refuse(tx, id, expectedVersion);
        }),
      ),

    importBatch: async (rows) => {
      const { accepted, rejected } = parseRows(rows, parseNewProduct);
      const counts = { created: 0, updated: 0 };
      if (accepted.length > 0) {
        await database.withTenant(async (tx) => {
          for (const round of inRounds(accepted, ({ value }) => value.sku)) {
            const values = round.map(({ value }) => value);
            const { created, updated } = await importProducts(tx, values, newId, now());
            counts.created += created;
            counts.updated += updated;
          }
        });
      }
      const unchanged = accepted.length - counts.created - counts.updated;
      logger.info({ ...counts, unchanged, rejected: rejected.length }, 'products imported');
      return deepFreeze({ ...counts, unchanged, rejected });
    },
  };
}

function valid<Value>(result: Result<Value, readonly InputProblem[]>): Value {
  if (result.ok) return result.value;
  throw inputInvalid('PRODUCT_INVALID', result.error);
}

// Says why a statement that named an id, and perhaps a version, found no row.
async function refuse(tx: AnyTx, id: string, expected: number | undefined): Promise<never> {
  const product = await readProduct(tx, id);
  if (product === undefined || expected === undefined) {
    throw tradingError('PRODUCT_NOT_FOUND', `there is no product "${id}"`, { details: { id } });
  }
  throw tradingError(
    'PRODUCT_VERSION_CONFLICT',
    `product "${id}" has been changed since it was read; read it again and repeat the change`,
    { details: { id, expected, actual: product.version } },
  );
}

async function withProductErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const constraint = brokenConstraint(error);
    if (constraint === 'products_sku_unique') {
      throw tradingError('PRODUCT_SKU_TAKEN', 'another product has this sku; choose another, or change that product', {
        cause: error,
      });
    }
    if (constraint === 'order_lines_product_exists') {
      throw tradingError('PRODUCT_IN_USE', 'orders name this product, so it cannot be removed; archive it instead', {
        cause: error,
      });
    }
    throw error;
  }
}

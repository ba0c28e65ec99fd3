import type { CursorCodec, ListPage, ListRequest } from '@tenon/database';
import type { ImportReport } from '../import-report.ts';
import type { NewProduct, Product, ProductPatch } from '../models/product.ts';

/**
 * The products of the context's tenant. Each call is one transaction. A product of another tenant looks exactly like one
 * that does not exist.
 *
 * Inputs are checked here, whatever checked them before: `PRODUCT_INVALID` with every problem in `details.problems`.
 */
export interface Products {
  /**
   * One page.
   *
   * @param request - made by `productListing.parse`
   * @param cursors - the same codec that parsed the request
   */
  list(request: ListRequest, cursors: CursorCodec): Promise<ListPage<Product>>;

  /** One product, or `undefined`. */
  get(id: string): Promise<Product | undefined>;

  /** @throws `PRODUCT_SKU_TAKEN`, `PRODUCT_INVALID` */
  create(input: NewProduct): Promise<Product>;

  /**
   * Sets every field; those left out get their defaults, `stock` included.
   *
   * @param expectedVersion - when given, the change is made only to this version
   * @throws `PRODUCT_NOT_FOUND`, `PRODUCT_VERSION_CONFLICT`, `PRODUCT_SKU_TAKEN`, `PRODUCT_INVALID`
   */
  replace(id: string, input: NewProduct, expectedVersion?: number): Promise<Product>;

  /**
   * Sets the fields named.
   *
   * @param expectedVersion - when given, the change is made only to this version
   * @throws `PRODUCT_NOT_FOUND`, `PRODUCT_VERSION_CONFLICT`, `PRODUCT_SKU_TAKEN`, `PRODUCT_INVALID`
   */
  update(id: string, patch: ProductPatch, expectedVersion?: number): Promise<Product>;

  /**
   * Removes a product that no order names.
   *
   * @throws `PRODUCT_NOT_FOUND`, `PRODUCT_VERSION_CONFLICT`, `PRODUCT_IN_USE` (archive it instead)
   */
  remove(id: string, expectedVersion?: number): Promise<void>;

  /**
   * Creates products, or changes those that have the same `sku`. Safe to run twice: rows that are stored already are not
   * written again. Rows that are wrong are reported and the rest is taken. A batch is one transaction: 500 to 5,000 rows
   * are a good size.
   *
   * @param rows - each like a {@link NewProduct}
   */
  importBatch(rows: readonly unknown[]): Promise<ImportReport>;
}

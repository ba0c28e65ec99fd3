import { idOrNull } from '../failures.ts';
import type { Product } from '../models/product.ts';
import { runSql, type AnyTx } from '../run-sql.ts';
import { PRODUCT_COLUMNS, toProduct, type ReadProductRow } from './product-row.ts';

const SELECT = `select ${PRODUCT_COLUMNS} from products where id = $1`;

/** Reads one product. */
export async function readProduct(tx: AnyTx, id: string): Promise<Product | undefined> {
  const rows = await runSql<ReadProductRow>(tx, SELECT, [idOrNull(id)]);
  return rows[0] === undefined ? undefined : toProduct(rows[0]);
}

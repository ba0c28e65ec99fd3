import { idOrNull, versionOrNull } from '../failures.ts';
import { runSql, type AnyTx } from '../run-sql.ts';

const DELETE = `delete from products where id = $1 and ($2::integer is null or version = $2) returning id`;

/**
 * Deletes one product.
 *
 * @returns whether there was one of this id (and version)
 * @throws `DATABASE_REFERENCE_MISSING` when an order names it
 */
export async function removeProduct(tx: AnyTx, id: string, expectedVersion: number | undefined): Promise<boolean> {
  const rows = await runSql(tx, DELETE, [idOrNull(id), versionOrNull(expectedVersion)]);
  return rows.length > 0;
}

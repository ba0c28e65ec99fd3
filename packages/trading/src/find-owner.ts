import type { Database } from '@tenon/database';
import { idOrNull } from './failures.ts';
import { runSql } from './run-sql.ts';

const SELECT = {
  products: 'select tenant_id from products where id = $1',
  orders: 'select tenant_id from orders where id = $1',
} as const;

/** The tenant that a row belongs to, across tenants; `undefined` when there is no such row. */
export async function findOwner(
  database: Database,
  resource: keyof typeof SELECT,
  id: string,
): Promise<string | undefined> {
  const known = idOrNull(id);
  if (known === null) return undefined;
  const rows = await database.withSystem('find-owner', (tx) =>
    runSql<{ readonly tenant_id: string }>(tx, SELECT[resource], [known]),
  );
  return rows[0]?.tenant_id;
}

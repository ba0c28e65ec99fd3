import { toEmailKey } from '../models/email-key.ts';
import type { ImportedOrder } from '../models/order.ts';
import { runSql, type AnyTx } from '../run-sql.ts';

/** What a batch of orders refers to, as far as it exists. */
export interface ImportReferences {
  /** Ids of people by email key. */
  readonly users: ReadonlyMap<string, string>;
  /** By sku. */
  readonly products: ReadonlyMap<string, { readonly id: string; readonly currency: string }>;
  /** By external id; the digest of an order that was made here is null. */
  readonly orders: ReadonlyMap<string, { readonly id: string; readonly digest: string | null }>;
}

// Each key is looked up through a unique index: limit 1 keeps the planner from reading a whole table to join it.
const lookup = (table: string, key: string, columns: string): string => `
  select i.key, found.* from unnest($1::text[]) as i (key)
  cross join lateral (select ${columns} from ${table} t where t.${key} = i.key limit 1) found`;

const USERS = lookup('users', 'email_key', 't.id');
const PRODUCTS = lookup('products', 'sku', 't.id, t.currency');
const ORDERS = lookup('orders', 'external_id', 't.id, t.import_digest as digest');

/** Finds the people, products and earlier orders that a batch names, with one statement for each kind. */
export async function findReferences(tx: AnyTx, inputs: readonly ImportedOrder[]): Promise<ImportReferences> {
  const find = async <Row extends { readonly key: string }>(text: string, keys: readonly string[]) => {
    const rows = await runSql<Row>(tx, text, [[...new Set(keys)]]);
    return new Map(rows.map((row) => [row.key, row]));
  };
  const emails = inputs.map((input) => toEmailKey(input.userEmail));
  const skus = inputs.flatMap((input) => input.lines.map((line) => line.sku));
  const users = await find<{ key: string; id: string }>(USERS, emails);
  return {
    users: new Map([...users].map(([key, { id }]) => [key, id])),
    products: await find<{ key: string; id: string; currency: string }>(PRODUCTS, skus),
    orders: await find<{ key: string; id: string; digest: string | null }>(
      ORDERS,
      inputs.map((input) => input.externalId),
    ),
  };
}

import { runSql, type AnyTx } from '../run-sql.ts';

/** A product as an order needs it. */
export interface OrderableProduct {
  readonly id: string;
  readonly sku: string;
  readonly price_minor: number;
  readonly currency: string;
  readonly status: 'active' | 'archived';
  /** Before this order took anything. */
  readonly stock: number;
  /** Whether this order's pieces were taken from the stock. */
  readonly taken: boolean;
}

/** Pieces of a product. */
export interface Pieces {
  readonly productId: string;
  readonly quantity: number;
}

// All rows are locked before any is changed, in the order of their ids: two orders over the same products, however their
// lines are sorted, wait for each other in a line and never in a circle. Whoever waited must see what was left: the locked
// rows are the newest ones, so they alone are asked and counted from. The table itself would first be read as it was before
// the wait.
//
// Conditions are on what was locked, and the ids are repeated for the rows to update: else a planner without statistics, as
// after a great import, may look for active products first and read them all.
const LOCKED = `
  wanted as (select * from unnest($1::text[], $2::bigint[]) as w (id, quantity)),
  locked as materialized (
    select p.id, p.sku, p.price_minor, p.currency, p.status, p.stock, p.version
    from products p where p.id = any ($1::text[])
    order by p.id for no key update of p
  )`;

const TAKE = `
  with ${LOCKED},
  taken as (
    update products p set stock = l.stock - w.quantity, version = l.version + 1, updated_at = $3
    from locked l join wanted w on w.id = l.id
    where p.id = l.id and p.id = any ($1::text[]) and l.status = 'active' and l.stock >= w.quantity
    returning p.id
  )
  select l.id, l.sku, l.price_minor, l.currency, l.status, l.stock, t.id is not null as taken
  from locked l left join taken t on t.id = l.id`;

const RETURN = `
  with ${LOCKED}
  update products p set stock = l.stock + w.quantity, version = l.version + 1, updated_at = $3
  from locked l join wanted w on w.id = l.id
  where p.id = l.id and p.id = any ($1::text[])`;

const READ = `
  select p.id, p.sku, p.price_minor, p.currency, p.status, p.stock, false as taken
  from products p where p.id = any ($1::text[])`;

/**
 * Takes pieces from the stock of active products that have enough, and leaves the others as they are: the caller must roll
 * back when one of them says that it was not taken.
 *
 * @returns every product that exists
 */
export function takeStock(tx: AnyTx, pieces: readonly Pieces[], now: Date): Promise<readonly OrderableProduct[]> {
  return runSql<OrderableProduct>(tx, TAKE, [...columnsOf(pieces), now]);
}

/** Gives pieces back to the stock, of archived products too. */
export async function returnStock(tx: AnyTx, pieces: readonly Pieces[], now: Date): Promise<void> {
  await runSql(tx, RETURN, [...columnsOf(pieces), now]);
}

/** Reads products for a draft, which takes nothing. */
export function readOrderable(tx: AnyTx, pieces: readonly Pieces[]): Promise<readonly OrderableProduct[]> {
  return runSql<OrderableProduct>(tx, READ, [pieces.map(({ productId }) => productId)]);
}

function columnsOf(pieces: readonly Pieces[]): readonly unknown[] {
  return [pieces.map(({ productId }) => productId), pieces.map(({ quantity }) => quantity)];
}

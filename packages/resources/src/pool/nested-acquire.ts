import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lease } from './pool.ts';

/** A lease that the running work holds through `use`, and those of the work around it. */
interface Hold {
  readonly pool: object;
  readonly lease: Pick<Lease<unknown>, 'released'>;
  readonly outer: Hold | undefined;
}

// One for all pools: on Node 22 each storage in use makes every promise of the process a little dearer.
const storage = new AsyncLocalStorage<Hold>();

/**
 * Runs work that holds a lease. All it starts is known to hold it, until the lease is given back.
 *
 * A plain `acquire` is not known this way: work that goes on beside it has the same async context, and it alone would have to be told apart.
 */
export function runHolding<Result>(pool: object, lease: Pick<Lease<unknown>, 'released'>, work: () => Result): Result {
  return storage.run({ pool, lease, outer: stillHeld(storage.getStore()) }, work);
}

/** Whether the running work holds a lease of a pool. */
export function holdsLeaseOf(pool: object): boolean {
  for (let hold = stillHeld(storage.getStore()); hold !== undefined; hold = stillHeld(hold.outer)) {
    if (hold.pool === pool) return true;
  }
  return false;
}

// Work that outlives its lease and starts more would else drag along a chain without end.
function stillHeld(hold: Hold | undefined): Hold | undefined {
  let found = hold;
  while (found?.lease.released === true) found = found.outer;
  return found;
}

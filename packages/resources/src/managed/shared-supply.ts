import type { AcquireOptions, CloseOptions, CloseReport, Lease, Pool } from '../pool/pool.ts';

/** What a managed resource takes instances from: a pool, or one instance that all share. */
export interface Supply<Instance> {
  acquire(options?: AcquireOptions): Promise<Lease<Instance>>;
  /** An instance that lies ready: no promise, no timer. */
  tryAcquire(): Lease<Instance> | undefined;
  /** Makes every instance of now the last of its kind. */
  invalidate(why: string): void;
  /** Ends all use at once. */
  revoke(): void;
  close(options?: CloseOptions): Promise<CloseReport>;
  /** How many borrowers there are. */
  borrowers(): number;
}

/** A pool as a supply. */
export function pooledSupply<Instance>(pool: Pool<Instance>): Supply<Instance> {
  return {
    acquire: (options) => pool.acquire(options),
    tryAcquire: () => pool.tryAcquire(),
    invalidate: (why) => pool.invalidate(why),
    revoke: () => pool.revoke(),
    close: (options) => pool.close(options),
    borrowers: () => pool.statistics().active,
  };
}

/** One loan of the pool that many borrowers share. */
interface Shared<Instance> {
  readonly lease: Lease<Instance>;
  borrowers: number;
  /** Whether new borrowers get another one. */
  isStale: boolean;
}

/**
 * One instance for all borrowers at once, out of a pool that makes, watches and ends it: all borrowers together are one borrower of
 * the pool. The last one who leaves gives the instance back to it.
 *
 * @param pool - with room for the instance in use and those that still serve borrowers of an earlier time
 * @param isBroken - looked at whenever somebody borrows
 */
export function sharedSupply<Instance>(
  pool: Pool<Instance>,
  isBroken: (instance: Instance) => boolean,
): Supply<Instance> {
  let current: Shared<Instance> | undefined;
  let making: Promise<Shared<Instance>> | undefined;
  let generation = 0;
  let borrowers = 0;

  const share = (lease: Lease<Instance>): Shared<Instance> => {
    current = { lease, borrowers: 0, isStale: false };
    return current;
  };
  const usable = (): Shared<Instance> | undefined => {
    if (current === undefined || current.isStale) return undefined;
    if (!isBroken(current.lease.value)) return current;
    current.isStale = true;
    current.lease.taint();
    return undefined;
  };
  const lend = (shared: Shared<Instance>): Lease<Instance> => {
    shared.borrowers += 1;
    borrowers += 1;
    return shareOf(shared.lease, (isLast) => {
      borrowers -= 1;
      shared.borrowers -= 1;
      if (shared.borrowers > 0) return undefined;
      if (current === shared) current = undefined;
      return isLast();
    });
  };
  const make = async (options: AcquireOptions | undefined): Promise<Shared<Instance>> => {
    const madeFor = generation;
    const lease = await pool.acquire(options);
    if (madeFor === generation) return share(lease);
    // What it was made with has changed meanwhile: the pool has taken it out of use already.
    lease.release();
    return make(options);
  };

  return {
    tryAcquire() {
      const ready = usable();
      if (ready !== undefined) return lend(ready);
      const lease = making === undefined ? pool.tryAcquire() : undefined;
      return lease === undefined ? undefined : lend(share(lease));
    },
    async acquire(options) {
      const ready = usable();
      if (ready !== undefined) return lend(ready);
      if (making === undefined) {
        const mine = make(options).finally(() => {
          if (making === mine) making = undefined;
        });
        making = mine;
        return lend(await mine);
      }
      // Somebody else's patience must not end this one's: whoever finds that nothing came asks for themselves.
      const made = await making.catch(() => undefined);
      return made === undefined || made.isStale || made.lease.released ? this.acquire(options) : lend(made);
    },
    invalidate(why) {
      generation += 1;
      if (current !== undefined) current.isStale = true;
      pool.invalidate(why);
    },
    revoke: () => pool.revoke(),
    close: (options) => pool.close(options),
    borrowers: () => borrowers,
  };
}

/** A share of a lease: it is given back once, and the lease with its last share. */
function shareOf<Instance>(
  lease: Lease<Instance>,
  leave: (isLast: () => Promise<void>) => Promise<void> | undefined,
): Lease<Instance> {
  let released = false;
  const release = (): Promise<void> | undefined => {
    if (released) return undefined;
    released = true;
    return leave(() => lease[Symbol.asyncDispose]());
  };
  return {
    get value() {
      return lease.value;
    },
    get signal() {
      return lease.signal;
    },
    get released() {
      return released || lease.released;
    },
    release: () => void release(),
    taint: () => lease.taint(),
    [Symbol.asyncDispose]: async () => release(),
    [Symbol.dispose]: () => void release(),
  };
}

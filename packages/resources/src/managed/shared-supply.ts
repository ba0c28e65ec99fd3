import type { Clock } from '@tenon/core';
import { resourceError } from '../errors.ts';
import type { AcquireOptions, Lease, Pool } from '../pool/pool.ts';
import { withPatience } from '../waiting/with-patience.ts';

/** What a managed resource takes instances from: a pool, or one instance that all share. */
export interface Supply<Instance> {
  acquire(options?: AcquireOptions): Promise<Lease<Instance>>;
  /** An instance that lies ready: no promise, no timer. */
  tryAcquire(): Lease<Instance> | undefined;
  /** Makes every instance of now the last of its kind. */
  invalidate(why: string): void;
}

/** One loan of the pool that many borrowers share. */
interface Shared<Instance> {
  readonly lease: Lease<Instance>;
  /** Those who have it, and those who are about to. */
  borrowers: number;
  /** Whether new borrowers get another one. */
  isStale: boolean;
}

/** An instance that is being made for all who wait for it. */
interface Making<Instance> {
  readonly promise: Promise<Shared<Instance>>;
  waiting: number;
  /** What came of it. All who wait are then counted as its borrowers. */
  made: Shared<Instance> | undefined;
}

/** What {@link sharedSupply} works with. */
export interface SharedSupplyOptions<Instance> {
  /** With room for the instance in use and those that still serve borrowers of an earlier time. */
  readonly pool: Pool<Instance>;
  /** Looked at whenever somebody borrows. */
  readonly isBroken: (instance: Instance) => boolean;
  /** How long somebody waits who does not say it, in milliseconds. */
  readonly acquireTimeoutMs: number;
  readonly clock: Clock;
}

/**
 * One instance for all borrowers at once, out of a pool that makes, watches and ends it: all borrowers together are one borrower of
 * the pool. The last one who leaves gives the instance back to it.
 */
export function sharedSupply<Instance>(options: SharedSupplyOptions<Instance>): Supply<Instance> {
  return new SharedSupply(options);
}

class SharedSupply<Instance> implements Supply<Instance> {
  readonly #options: SharedSupplyOptions<Instance>;
  #current: Shared<Instance> | undefined;
  #making: Making<Instance> | undefined;
  #generation = 0;

  constructor(options: SharedSupplyOptions<Instance>) {
    this.#options = options;
  }

  tryAcquire(): Lease<Instance> | undefined {
    const ready = this.#usable();
    if (ready !== undefined) return this.#lendAlso(ready);
    const lease = this.#making === undefined ? this.#options.pool.tryAcquire() : undefined;
    return lease === undefined ? undefined : this.#lendAlso(this.#share(lease));
  }

  async acquire(asked: AcquireOptions = {}): Promise<Lease<Instance>> {
    const ready = this.#usable();
    if (ready !== undefined) return this.#lendAlso(ready);
    const { pool, clock, acquireTimeoutMs } = this.#options;
    this.#making ??= this.#startMaking();
    const mine = this.#making;
    mine.waiting += 1;
    try {
      const patience = { ...asked, name: pool.name, clock, defaultTimeoutMs: acquireTimeoutMs };
      return this.#lend(await withPatience(mine.promise, patience));
    } catch (error) {
      // Its share may have come in the same moment, and nobody takes it.
      if (mine.made === undefined) mine.waiting -= 1;
      else void this.#leave(mine.made);
      throw error;
    }
  }

  invalidate(why: string): void {
    this.#generation += 1;
    if (this.#current !== undefined) this.#current.isStale = true;
    this.#options.pool.invalidate(why);
  }

  #usable(): Shared<Instance> | undefined {
    const current = this.#current;
    if (current === undefined || current.isStale) return undefined;
    if (!this.#options.isBroken(current.lease.value)) return current;
    retire(current);
    return undefined;
  }

  #share(lease: Lease<Instance>): Shared<Instance> {
    this.#current = { lease, borrowers: 0, isStale: false };
    return this.#current;
  }

  #lendAlso(shared: Shared<Instance>): Lease<Instance> {
    shared.borrowers += 1;
    return this.#lend(shared);
  }

  /** @param shared - in which the borrower is counted already */
  #lend(shared: Shared<Instance>): Lease<Instance> {
    return shareOf(this.#options.pool.name, shared.lease, {
      leave: () => this.#leave(shared),
      taint: () => retire(shared),
    });
  }

  #leave(shared: Shared<Instance>): Promise<void> | undefined {
    shared.borrowers -= 1;
    if (shared.borrowers > 0) return undefined;
    if (this.#current === shared) this.#current = undefined;
    return shared.lease[Symbol.asyncDispose]();
  }

  // Made for all who wait, so that nobody's patience ends it for the others. What makes it has its own time limit.
  #startMaking(): Making<Instance> {
    const arrived = this.#make().then(
      (shared) => {
        this.#making = undefined;
        mine.made = shared;
        shared.borrowers += mine.waiting;
        if (mine.waiting === 0) {
          shared.borrowers += 1;
          void this.#leave(shared);
        }
        return shared;
      },
      (error: unknown) => {
        this.#making = undefined;
        throw error;
      },
    );
    // There may be nobody left who waits for it.
    arrived.catch(() => undefined);
    const mine: Making<Instance> = { waiting: 0, made: undefined, promise: arrived };
    return mine;
  }

  async #make(): Promise<Shared<Instance>> {
    const madeFor = this.#generation;
    const lease = await this.#options.pool.acquire({ timeoutMs: Infinity });
    if (madeFor === this.#generation) return this.#share(lease);
    // What it was made with has changed meanwhile: the pool has taken it out of use already.
    lease.release();
    return this.#make();
  }
}

/** Nobody new gets it. */
function retire<Instance>(shared: Shared<Instance>): void {
  shared.isStale = true;
  shared.lease.taint();
}

/** A share of a lease. It is given back once. */
function shareOf<Instance>(
  name: string,
  lease: Lease<Instance>,
  { leave, taint }: { readonly leave: () => Promise<void> | undefined; readonly taint: () => void },
): Lease<Instance> {
  let released = false;
  const release = (): Promise<void> | undefined => {
    if (released) return undefined;
    released = true;
    return leave();
  };
  return {
    get value() {
      if (!released) return lease.value;
      throw resourceError('LEASE_RELEASED', `this share of "${name}" was given back; acquire another one`, {
        details: { pool: name },
      });
    },
    get signal() {
      return lease.signal;
    },
    get released() {
      return released || lease.released;
    },
    release: () => void release(),
    taint() {
      if (!released) taint();
    },
    [Symbol.asyncDispose]: async () => release(),
    [Symbol.dispose]: () => void release(),
  };
}

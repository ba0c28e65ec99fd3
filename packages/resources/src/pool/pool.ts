import type { Deadline } from '@tenon/core';
import type { PoolRecommendation } from './recommendation.ts';
import type { PoolStatistics } from './statistics.ts';

/** What a borrower may say about the work when it gives an instance back. Strategies `weighted` and `adaptive` learn from it. */
export interface LeaseOutcome {
  /** Whether the work failed for a reason that lies with the instance. Default `false`. The instance is used again: see {@link Lease.taint}. */
  readonly failed?: boolean;
  /** How long the instance took to answer, in milliseconds, 0 or more. Default: for how long it was borrowed. */
  readonly responseMs?: number;
}

/**
 * The right to use one instance until it is given back. It is given back once: by `release`, or at the end of the block of
 * `await using` or `using`. Whatever comes later does nothing.
 */
export interface Lease<Instance> {
  /**
   * The instance. Nobody else has it.
   *
   * @throws `LEASE_RELEASED` after it was given back; `RESOURCE_REVOKED` after the pool was revoked
   */
  readonly value: Instance;
  /** Aborts when the lease is taken away: the pool was revoked, or closed before this lease came back. Made when first read. */
  readonly signal: AbortSignal;
  /** Whether it was given back. */
  readonly released: boolean;
  /** Gives the instance back at once. What the pool then does with it (`reset`, `destroy`) goes on in the background, and `close` waits for it. */
  release(outcome?: LeaseOutcome): void;
  /** Marks the instance as unfit: it is destroyed when it is given back, and not used again. */
  taint(): void;
  /** Gives the instance back, and waits until it is reset or destroyed. Never rejects. */
  [Symbol.asyncDispose](): Promise<void>;
  /**
   * Gives the instance back without waiting. What is still to be done is bounded by the size of the pool, as an instance keeps
   * its place until it is done.
   */
  [Symbol.dispose](): void;
}

/** How long a borrower is ready to wait. */
export interface AcquireOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** How long to wait, in milliseconds, 0 to `Infinity`. Default: the pool's `acquireTimeoutMs`. */
  readonly timeoutMs?: number;
  /** A moment of the caller's by which to be done; the earlier one of this and `timeoutMs` counts. */
  readonly deadline?: Deadline;
}

/** What {@link Pool.warmUp} takes. */
export interface WarmUpOptions {
  /** How many instances there should be at least, 0 to `max`. Default: `min`. */
  readonly count?: number;
  /** Ends the wait. Instances that are being made go into the pool all the same. */
  readonly signal?: AbortSignal;
}

/** What {@link Pool.close} takes. */
export interface CloseOptions {
  /** How long borrowers have, in milliseconds, 0 to `Infinity`. Default 30,000. */
  readonly timeoutMs?: number;
  /**
   * What happens then to instances that are still borrowed. `force` (default) aborts the leases and destroys the instances under their
   * borrowers; `leave` aborts the leases, and each instance is destroyed when it comes back.
   */
  readonly mode?: 'force' | 'leave';
}

/** What {@link Pool.drain} came to. */
export interface DrainReport {
  /** Leases that came back meanwhile. */
  readonly returned: number;
  /** Leases that are still out. */
  readonly left: number;
}

/** What {@link Pool.close} came to. */
export interface CloseReport {
  /** Leases that came back by themselves. */
  readonly returned: number;
  /** Instances that were destroyed meanwhile, idle ones included. */
  readonly destroyed: number;
  /** Instances that were destroyed while still borrowed. */
  readonly forced: number;
  /** Instances that may still live: left to their borrowers, not destroyed in time or with an error, or still being made. */
  readonly left: number;
}

/**
 * A bounded set of instances that are made when needed, used by one borrower at a time, and used again.
 *
 * Guarantees: instances and instances being made or destroyed are never more than `max` together; an instance that comes back goes
 * straight to a waiter; who gives up waiting leaves nothing behind; each instance that was made is destroyed exactly once.
 *
 * States: open, then draining (queued borrowers are served, new ones refused), then closed. `revoke` may come at any time.
 */
export interface Pool<Instance> extends AsyncDisposable {
  /** The name of the options, as errors, events and figures have it. */
  readonly name: string;
  /**
   * Borrows an instance: an idle one at once, else a new one, else the next that comes back.
   *
   * @throws `RESOURCE_TIMEOUT` after the time; `RESOURCE_CANCELLED` after the signal; `POOL_EXHAUSTED` when too many wait already;
   *   `POOL_NESTED_ACQUIRE` when the caller would wait for itself; `RESOURCE_INITIALIZATION_FAILED` when no instance could be made (its
   *   cause is the error of `create`); `RESOURCE_UNAVAILABLE` while making them is suspended after failures (with `retryAfterMs`);
   *   `RESOURCE_REVOKED` and `POOL_CLOSED` after the end
   */
  acquire(options?: AcquireOptions): Promise<Lease<Instance>>;
  /**
   * Borrows an instance only if one lies ready: no promise, no timer, nothing is made. An instance whose asynchronous `validate` is due is not
   * ready; it is then checked in the background.
   */
  tryAcquire(): Lease<Instance> | undefined;
  /**
   * Borrows an instance for one piece of work and gives it back whatever happens. Acquires of this pool inside the work are known as nested.
   *
   * @param work - its result or failure is that of the call
   * @throws what {@link Pool.acquire} throws, and what the work throws
   */
  use<Result>(
    work: (instance: Instance, lease: Lease<Instance>) => Result | Promise<Result>,
    options?: AcquireOptions,
  ): Promise<Result>;
  /**
   * Makes instances ahead of need.
   *
   * @throws `RESOURCE_INITIALIZATION_FAILED` with the first failure, `RESOURCE_CANCELLED`, `RESOURCE_UNAVAILABLE`, `RESOURCE_REVOKED` or `POOL_CLOSED`
   */
  warmUp(options?: WarmUpOptions): Promise<void>;
  /**
   * Changes the bounds. Idle instances above a smaller `max` are destroyed at once, borrowed ones when they come back.
   *
   * @throws `RESOURCE_CONFIGURATION_INVALID` unless 0 <= min <= max and 1 <= max
   */
  resize(size: { readonly min?: number; readonly max?: number }): void;
  /**
   * Makes every instance of now the last of its kind, for example as the settings they were made with have changed. Idle ones are destroyed at
   * once, borrowed ones when they come back, those being made when they are made. Nobody waits in vain: new ones are made.
   *
   * @param why - for the event
   */
  invalidate(why?: string): void;
  /**
   * Ends all use at once, for example as the login was withdrawn. When it returns, no lease is given any more, those who wait are
   * rejected, the signals of all leases are aborted, and idle instances are being destroyed. `close` then waits for the rest.
   */
  revoke(): void;
  /**
   * Refuses new borrowers, serves those who wait, and waits until every lease is back.
   *
   * @param options - `timeoutMs`: how long to wait, 0 to `Infinity`; default 30,000
   */
  drain(options?: { readonly timeoutMs?: number }): Promise<DrainReport>;
  /** Drains, then destroys everything. Idempotent: later calls get the report of the first. Never rejects. */
  close(options?: CloseOptions): Promise<CloseReport>;
  /** What the pool has done and what it holds now. */
  statistics(): PoolStatistics;
  /** What its figures say about its size and health. */
  recommendation(): PoolRecommendation;
}

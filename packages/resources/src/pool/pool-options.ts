import type { Clock, Logger } from '@tenon/core';
import type { PoolEvent } from './pool-event.ts';

/** What each hook of a pool is given. */
export interface PoolHookContext {
  /** Aborts when the hook's time is over or its result is no longer wanted. Made when first read. */
  readonly signal: AbortSignal;
}

/**
 * Why an instance is destroyed: `expired` life time, `idle` too long, `used-up` (maxUses), `broken` (isBroken), `invalid` (validate),
 * `reset-failed`, `tainted` by its borrower, `invalidated`, `revoked`, `surplus` after a resize, `closed` pool, `forced` while
 * still borrowed, `lost` by its borrower, `late` (made after nobody waited for it any more).
 */
export type DestroyReason =
  | 'expired'
  | 'idle'
  | 'used-up'
  | 'broken'
  | 'invalid'
  | 'reset-failed'
  | 'tainted'
  | 'invalidated'
  | 'revoked'
  | 'surplus'
  | 'closed'
  | 'forced'
  | 'lost'
  | 'late';

/** How long making instances is suspended after failures. */
export interface CreateBackoff {
  /** After the first failure, in milliseconds, 1 or more. Default 200. */
  readonly initialMs?: number;
  /** By what each further failure multiplies it, 1 or more. Default 2. */
  readonly factor?: number;
  /** The longest, in milliseconds. Default 30,000. */
  readonly maxMs?: number;
  /** Which part of it is random, 0 to 1, so that processes do not come back together. Default 0.5. */
  readonly jitter?: number;
}

/**
 * Which idle instance is used next. `lifo`: the last used, so that the others become idle and go; `fifo`: the one idle for longest;
 * `lru`: the one lent out longest ago; `weighted`: by turns, in proportion to health, success and speed; `adaptive`: learns from
 * the same figures how far to trust them.
 */
export type PoolStrategy = 'lifo' | 'fifo' | 'lru' | 'weighted' | 'adaptive';

/** What {@link createPool} takes. Only `name`, `create` and `destroy` are required. */
export interface PoolOptions<Instance> {
  /** For errors, events and figures, for example `orders-db`. Not empty. */
  readonly name: string;
  /** Makes an instance. What comes after its time is over is destroyed. */
  readonly create: (context: PoolHookContext) => Instance | Promise<Instance>;
  /** Ends an instance. Called once for each that was made, also for those made too late. Its place is free when this is done or out of time. */
  readonly destroy: (
    instance: Instance,
    context: PoolHookContext & { readonly reason: DestroyReason },
  ) => void | Promise<void>;
  /** Tells whether an idle instance can still be used; `false` or a throw destroys it. Asked when it is borrowed, see `aliveBypassMs`. */
  readonly validate?: (instance: Instance, context: PoolHookContext) => boolean | Promise<boolean>;
  /** Tells from a look, without waiting, that an instance is beyond use. Asked at each return and when an idle one is borrowed. A throw means yes. */
  readonly isBroken?: (instance: Instance) => boolean;
  /** Makes an instance fit for the next borrower when it comes back; `false` or a throw destroys it. */
  readonly reset?: (instance: Instance, context: PoolHookContext) => void | boolean | Promise<void | boolean>;

  /** Instances to keep. Made from the first `acquire` or `warmUp` on. 0 to `max`. Default 0. */
  readonly min?: number;
  /** The most instances at once, those being made or destroyed included. 1 or more. Default 10. */
  readonly max?: number;
  /** The most borrowers who wait for a return. 0 or more. Who waits for an instance being made does not count. Default 1,000. */
  readonly maxWaiters?: number;
  /** The most instances being made at once. 1 or more. Default 3. While making them fails it is 1. */
  readonly maxConcurrentCreates?: number;
  /** Who of those waiting is served first: the oldest (`fifo`, default) or the newest (`lifo`: under overload, those served are served in time). */
  readonly queueOrder?: 'fifo' | 'lifo';
  /** Default `lifo`. */
  readonly strategy?: PoolStrategy;
  /**
   * The health of an instance for `weighted` and `adaptive`: 1 healthy, 0.5 unknown, 0.1 or less unhealthy (it then gets near to none of the work).
   * `undefined`: no data, counts 0.8. Must be quick.
   */
  readonly healthOf?: (instance: Instance) => number | undefined;
  /**
   * What an acquire inside `use` of the same pool does that would have to wait for a return: `refuse` (default), as the caller may be
   * waiting for itself, or `allow`.
   */
  readonly nestedAcquire?: 'refuse' | 'allow';

  /** How long `acquire` waits, in milliseconds, 0 to `Infinity`. Default 30,000. */
  readonly acquireTimeoutMs?: number;
  /** How long `create` may take, in milliseconds, up to `Infinity`. Default 30,000. */
  readonly createTimeoutMs?: number;
  /** How long `validate` may take, in milliseconds, up to `Infinity`. Default 5,000. */
  readonly validateTimeoutMs?: number;
  /** How long `reset` may take, in milliseconds, up to `Infinity`. Default 5,000. */
  readonly resetTimeoutMs?: number;
  /** How long `destroy` may take, in milliseconds, up to `Infinity`. Default 5,000. */
  readonly destroyTimeoutMs?: number;
  /** After how long without use an instance above `min` is destroyed, in milliseconds, at most an eighth later. `Infinity`: never. Default 600,000. */
  readonly idleTimeoutMs?: number;
  /**
   * For how long an instance is used, in milliseconds; each gets between 95 and 100 % of it, so that they do not end together. A borrowed
   * one is destroyed when it comes back. `Infinity`: for ever. Default 1,800,000.
   */
  readonly maxLifetimeMs?: number;
  /** How often an instance is lent out. 1 to `Infinity`. Default `Infinity`. */
  readonly maxUses?: number;
  /** `validate` is not asked when the instance was in use less than this ago, in milliseconds. 0: always asked. Default 500. */
  readonly aliveBypassMs?: number;
  /** How long to wait after a failure of `create` before the next try. */
  readonly createBackoff?: CreateBackoff;
  /**
   * How many failures of `create` in a row until they reach those who wait. With the default of 1 the borrower that it was made for is rejected
   * with the first. 1 or more.
   */
  readonly maxCreateFailures?: number;
  /**
   * Turns on the watch for leaks: after so many milliseconds a lease that is still out is reported with the stack of its borrower, and a
   * lease that was garbage collected without being given back is reported and its instance destroyed. `Infinity`: the
   * latter only. Costs a stack trace each time an instance is borrowed. Default: off.
   */
  readonly maxHoldMs?: number;

  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Gets a line for each failure. Default: none. */
  readonly logger?: Logger;
  /** From 0 up to 1, not included. Default `Math.random`. */
  readonly random?: () => number;
  /** Hears what happens, at once and in order. Must be quick; what it throws is logged. */
  readonly onEvent?: (event: PoolEvent) => void;
}

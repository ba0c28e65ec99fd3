import type { Cluster, Redis } from 'ioredis';
import type { RedisSubscription } from './subscription.ts';

/** A value as it is written. Text is UTF-8. */
export type RedisValue = string | number | Uint8Array;

/** How {@link RedisFace.set} writes. */
export interface RedisSetOptions {
  /** After how long the value goes, in milliseconds, 1 or more. Default: never. */
  readonly ttlMs?: number;
  /** Writes only if the key is `absent`, or only if it is `present`. Default: in any case. */
  readonly onlyIf?: 'absent' | 'present';
}

/** What can be queued in a {@link RedisFace.multi}. Each gives one result, in order. */
export interface RedisTransaction {
  get(key: string): void;
  set(key: string, value: RedisValue, options?: RedisSetOptions): void;
  delete(...keys: readonly string[]): void;
  expire(key: string, ttlMs: number): void;
  increment(key: string, by?: number): void;
  decrement(key: string, by?: number): void;
  hashGet(key: string, field: string): void;
  hashSet(key: string, fields: Readonly<Record<string, RedisValue>>): void;
  hashDelete(key: string, ...fields: readonly string[]): void;
  setAdd(key: string, ...members: readonly string[]): void;
  setRemove(key: string, ...members: readonly string[]): void;
  publish(channel: string, message: string): void;
}

/** What {@link RedisFace.subscribe} takes. */
export interface SubscribeOptions {
  /** Whether the names are patterns, with `*`, `?` and `[...]`. Default `false`. */
  readonly pattern?: boolean;
  /** Ends the subscription. */
  readonly signal?: AbortSignal;
  /** How many events may wait for their reader; the oldest are then dropped, and the gap is told. 1 to 1,000,000. Default 1,000. */
  readonly maxBuffered?: number;
}

/**
 * What borrowers of a Redis get. All keys, channels and patterns are the tenant's own: a prefix that the borrower neither sees nor
 * chooses goes before each.
 *
 * Every operation throws `RESOURCE_UNAVAILABLE` (not sent, or refused for now), `RESOURCE_TIMEOUT` and `RESOURCE_CONNECTION_LOST`
 * (with `mayHaveBeenApplied`, and not retryable, when nobody knows whether something was done that must not be done twice),
 * `RESOURCE_ACCESS_DENIED`, `RESOURCE_COMMAND_REFUSED`, in a cluster `RESOURCE_CROSS_SLOT`; `LEASE_RELEASED` and `RESOURCE_REVOKED` after
 * the lease.
 */
export interface RedisFace {
  /**
   * The client of `ioredis`, for what this face does not offer. It puts the prefix before the keys of the commands that it knows, and
   * before nothing else: not before channels, nor patterns. It must not be used after the lease.
   */
  readonly client: Redis | Cluster;
  /** What goes before each key, for scripts that make keys of their own. */
  readonly keyPrefix: string;
  get(key: string): Promise<string | undefined>;
  getBytes(key: string): Promise<Uint8Array | undefined>;
  /** The values of several keys, in order. In a cluster each is read by itself, so that any keys can be read together. */
  getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** @returns whether it was written */
  set(key: string, value: RedisValue, options?: RedisSetOptions): Promise<boolean>;
  /** @returns how many there were */
  delete(...keys: readonly string[]): Promise<number>;
  exists(key: string): Promise<boolean>;
  /** @param ttlMs - from now, in milliseconds, 1 or more. @returns whether there is such a key */
  expire(key: string, ttlMs: number): Promise<boolean>;
  /** How long a key will be there, in milliseconds: `Infinity` without limit, `undefined` when there is none. */
  ttlMs(key: string): Promise<number | undefined>;
  /** @param by - a whole number, default 1. @returns the sum; exact up to 2^53 */
  increment(key: string, by?: number): Promise<number>;
  decrement(key: string, by?: number): Promise<number>;
  hashGet(key: string, field: string): Promise<string | undefined>;
  hashGetAll(key: string): Promise<Readonly<Record<string, string>>>;
  /** @returns how many fields are new */
  hashSet(key: string, fields: Readonly<Record<string, RedisValue>>): Promise<number>;
  hashDelete(key: string, ...fields: readonly string[]): Promise<number>;
  /** @returns how many are new */
  setAdd(key: string, ...members: readonly string[]): Promise<number>;
  setRemove(key: string, ...members: readonly string[]): Promise<number>;
  setMembers(key: string): Promise<readonly string[]>;
  setHas(key: string, member: string): Promise<boolean>;
  /**
   * Does several things with nothing in between (MULTI). Redis undoes nothing: when one of them cannot be done, the others are.
   *
   * @param queue - says what to do; nothing is done before it returns
   * @returns a result for each, as Redis gives it
   * @throws for the first that could not be done
   * @example
   * ```ts
   * await cache.multi((all) => {
   *   all.increment('orders');
   *   all.expire('orders', 60_000);
   * });
   * ```
   */
  multi(queue: (all: RedisTransaction) => void): Promise<readonly unknown[]>;
  /**
   * Runs a script in Lua. `KEYS` have their prefix; a script must use no other keys.
   *
   * @returns what Redis makes of its result
   */
  eval(
    script: string,
    input?: { readonly keys?: readonly string[]; readonly arguments?: readonly RedisValue[] },
  ): Promise<unknown>;
  /**
   * The tenant's keys, without prefix, in no order. A key that is there all the time comes at least once; one may come twice.
   *
   * @param options - `match`: a pattern, default all; `count`: how many the server looks at in one step, 1 to 10,000, default 250
   */
  scan(options?: { readonly match?: string; readonly count?: number }): AsyncIterable<string>;
  /** Messages of one channel stay in order. @returns how many heard it, as far as one node of a cluster knows */
  publish(channel: string, message: string): Promise<number>;
  /**
   * Listens, on a connection that does nothing else. After a lost connection it listens again, and hears of the gap. It ends when it is stopped,
   * when the lease is revoked, with the first event after the lease was given back, and with an error when Redis stays away.
   *
   * @example
   * ```ts
   * await using prices = await cache.subscribe('prices');
   * for await (const event of prices) {
   *   if (event.type === 'gap') await readAllPrices();
   *   else show(event.message);
   * }
   * ```
   */
  subscribe(channels: string | readonly string[], options?: SubscribeOptions): Promise<RedisSubscription>;
}

import { toError, type Clock, type Logger, type Timer } from '@tenon/core';
import type { Redis } from 'ioredis';
import { dropConnection } from './drop-connection.ts';
import { notConnected, toRedisError } from './redis-failure.ts';
import { reconnectDelayMs } from './reconnect-delay.ts';
import type { RedisAddress, RedisTarget } from './redis-settings.ts';
import type { SubscriptionFeed } from './subscription.ts';

/** What one subscriber wants to hear. */
export interface Interest {
  /** With prefix; as a pattern where `isPattern`. */
  readonly names: readonly string[];
  readonly isPattern: boolean;
  readonly feed: SubscriptionFeed;
}

/** All subscriptions of one client, on one connection that does nothing else. It lives while somebody listens. */
export interface SubscriptionHub {
  /** Resolves when the server has confirmed: what is published from now on is heard. */
  add(interest: Interest): Promise<void>;
  remove(interest: Interest): Promise<void>;
  /** Uses another login on the connection of now. @param words - of AUTH */
  logIn(words: readonly string[]): Promise<void>;
  /** Ends all. @param error - what readers get */
  close(error?: Error): void;
}

/** What {@link createSubscriptionHub} works with. */
export interface SubscriptionHubOptions {
  readonly target: RedisTarget;
  readonly prefix: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** Where to connect, by turns. */
  readonly addresses: () => readonly RedisAddress[];
  /** Makes a client that is not connected yet, and does not reconnect by itself. */
  readonly connect: (address: RedisAddress) => Redis;
}

/** Makes it, without a connection. */
export function createSubscriptionHub(options: SubscriptionHubOptions): SubscriptionHub {
  return new Hub(options);
}

class Hub implements SubscriptionHub {
  readonly #options: SubscriptionHubOptions;
  readonly #interests = new Set<Interest>();
  /** The connection, ready or about to be. */
  #current: { readonly redis: Redis; readonly ready: Promise<void> } | undefined;
  #timer: Timer | undefined;
  #attempt = 0;
  #turn = 0;
  #isClosed = false;

  constructor(options: SubscriptionHubOptions) {
    this.#options = options;
  }

  async add(interest: Interest): Promise<void> {
    const { resource } = this.#options.target;
    if (this.#isClosed) throw notConnected(resource);
    this.#interests.add(interest);
    try {
      const { redis, ready } = this.#current ?? this.#open();
      await ready;
      await this.#subscribe(redis, [interest]);
    } catch (error) {
      await this.remove(interest);
      throw toRedisError(error, { resource, phase: 'command', isRepeatable: true });
    }
  }

  async remove(interest: Interest): Promise<void> {
    if (!this.#interests.delete(interest)) return;
    if (this.#interests.size === 0) {
      this.#disconnect();
      return;
    }
    const others = [...this.#interests].filter(({ isPattern }) => isPattern === interest.isPattern);
    const gone = interest.names.filter((name) => !others.some(({ names }) => names.includes(name)));
    const redis = this.#current?.redis;
    if (gone.length === 0 || redis?.status !== 'ready') return;
    // Nobody listens any more: what still comes is not passed on.
    await (interest.isPattern ? redis.punsubscribe(...gone) : redis.unsubscribe(...gone)).catch(() => undefined);
  }

  async logIn(words: readonly string[]): Promise<void> {
    const redis = this.#current?.redis;
    if (redis?.status !== 'ready') return;
    // A connection that listens takes no AUTH in RESP2: it is made anew, and its subscribers hear of the gap.
    if (redis.mode === 'subscriber') dropConnection(redis);
    else await redis.call('AUTH', [...words]);
  }

  close(error?: Error): void {
    this.#isClosed = true;
    const those = [...this.#interests];
    this.#interests.clear();
    this.#disconnect();
    for (const { feed } of those) feed.finish(error ?? notConnected(this.#options.target.resource));
  }

  #open(): { readonly redis: Redis; readonly ready: Promise<void> } {
    const addresses = this.#options.addresses();
    const address = addresses[this.#turn % addresses.length] ?? this.#options.target.addresses[0];
    this.#turn += 1;
    const redis = this.#options.connect(address);
    redis.on('error', (error: unknown) =>
      this.#options.logger.warn({ code: toError(error).name }, 'a connection that listens to Redis broke'),
    );
    redis.on('message', (channel: string, message: string) => this.#deliver(channel, channel, message, false));
    redis.on('pmessage', (pattern: string, channel: string, message: string) =>
      this.#deliver(pattern, channel, message, true),
    );
    redis.on('end', () => this.#lost(redis));
    const ready = redis.connect();
    ready.catch(() => undefined);
    this.#current = { redis, ready };
    return this.#current;
  }

  #deliver(name: string, channel: string, message: string, isPattern: boolean): void {
    const { prefix } = this.#options;
    // The server matches names with the prefix in front; this holds even if it did not.
    if (!channel.startsWith(prefix)) return;
    for (const interest of this.#interests) {
      if (interest.isPattern !== isPattern || !interest.names.includes(name)) continue;
      interest.feed.push({ type: 'message', channel: channel.slice(prefix.length), message });
    }
  }

  async #subscribe(redis: Redis, interests: readonly Interest[]): Promise<void> {
    const names = (isPattern: boolean): readonly string[] => [
      ...new Set(interests.filter((one) => one.isPattern === isPattern).flatMap((one) => one.names)),
    ];
    const [channels, patterns] = [names(false), names(true)];
    if (channels.length > 0) await redis.subscribe(...channels);
    if (patterns.length > 0) await redis.psubscribe(...patterns);
    this.#attempt = 0;
    this.#watch(redis);
  }

  /** A connection that only listens does not notice by itself that the other side is gone. */
  #watch(redis: Redis): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.schedule(() => {
      void redis.ping().then(
        () => this.#current?.redis === redis && this.#watch(redis),
        () => dropConnection(redis),
      );
    }, this.#options.target.subscriptionPingMs);
  }

  #disconnect(): void {
    const redis = this.#current?.redis;
    this.#current = undefined;
    this.#timer?.cancel();
    if (redis !== undefined) dropConnection(redis);
  }

  #lost(redis: Redis): void {
    if (this.#current?.redis !== redis) return;
    this.#disconnect();
    const { target, random, clock } = this.#options;
    this.#attempt += 1;
    const delayMs = reconnectDelayMs(this.#attempt, target, random);
    if (delayMs === null) this.#giveUp();
    else this.#timer = clock.schedule(() => void this.#reopen(), delayMs);
  }

  /** Those of now end; whoever subscribes next begins anew. */
  #giveUp(): void {
    this.#attempt = 0;
    const those = [...this.#interests];
    this.#interests.clear();
    for (const { feed } of those) feed.finish(notConnected(this.#options.target.resource));
  }

  async #reopen(): Promise<void> {
    if (this.#current !== undefined || this.#interests.size === 0) return;
    const { redis, ready } = this.#open();
    const before = [...this.#interests];
    try {
      await ready;
      await this.#subscribe(redis, before);
      for (const interest of before) interest.feed.push({ type: 'gap', reason: 'reconnected' });
    } catch {
      // What came in the way ends the connection, if it has not: the next try is due then.
      dropConnection(redis);
    }
  }
}

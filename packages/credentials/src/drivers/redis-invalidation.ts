import { toError } from '@tenon/core';
import type { Redis, RedisOptions } from 'ioredis';
import type { ConnectedInvalidation } from '../cache/invalidation.ts';
import type { Relay, RelayOptions } from '../cache/relay.ts';
import { createRelayedInvalidation } from '../cache/relayed-invalidation.ts';

export type { ConnectedInvalidation };

/** What {@link redisInvalidation} takes. */
export interface RedisInvalidationOptions extends RelayOptions {
  /**
   * A client of `ioredis` for one server (or its sentinels). Its settings are taken over for connections of the invalidation's own, and its
   * `keyPrefix` goes before the channel; the client itself is neither used nor closed.
   */
  readonly client: Redis;
}

/**
 * Tells changes through Redis' publish and subscribe, over two connections of its own: one that listens can do nothing else.
 *
 * While they are down, caches go on serving what they hold, for as long as their `ttlMs` says; once they are back they forget everything.
 *
 * @throws `CREDENTIALS_OPTIONS_INVALID` naming the option
 * @example
 * ```ts
 * const invalidation = redisInvalidation({ client: new Redis(url, { lazyConnect: true }) });
 * const vault = credentials().storage(storage).keys(keys).cache({}).invalidation(invalidation).build();
 * ```
 */
export function redisInvalidation({ client, ...options }: RedisInvalidationOptions): ConnectedInvalidation {
  return createRelayedInvalidation(redisRelay(client), options);
}

function redisRelay(client: Redis): Relay {
  return {
    name: 'redis',
    async open(name, events, timeoutMs) {
      const channel = `${client.options.keyPrefix ?? ''}${name}`;
      const connections = [connection(client, timeoutMs), connection(client, timeoutMs)] as const;
      const [listening, sending] = connections;
      const close = async (): Promise<void> => {
        for (const one of connections) one.disconnect();
      };
      for (const one of connections) {
        one.on('error', (error: unknown) => events.lost(toError(error)));
        one.on('end', () => events.lost(new Error('the connection has ended')));
      }
      listening.on('message', (_channel: string, message: string) => events.heard(message));
      try {
        await Promise.all(connections.map((one) => one.connect()));
        await listening.subscribe(channel);
      } catch (error) {
        await close();
        throw error;
      }
      return {
        async send(messages) {
          const pipeline = sending.pipeline();
          for (const message of messages) pipeline.publish(channel, message);
          for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
        },
        close,
      };
    },
  };
}

// Whether and when to connect again is decided above; a connection that broke is given up.
function connection(client: Redis, timeoutMs: number): Redis {
  const settings: RedisOptions = {
    lazyConnect: true,
    retryStrategy: () => null,
    reconnectOnError: null,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    keyPrefix: '',
  };
  return client.duplicate(settings);
}

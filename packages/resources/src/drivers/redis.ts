import type { CredentialSlot, SlotCredential } from '../credentials/credential-slots.ts';
import { defineResource } from '../definition/define-resource.ts';
import type { HealthOptions, PoolSettings } from '../definition/resource-definition.ts';
import type { ResourceToken } from '../definition/resource-token.ts';
import { scopeKey, type ScopeLevel } from '../scope/resource-scope.ts';
import { createRedisFace } from './redis/create-redis-face.ts';
import { dropConnection } from './redis/drop-connection.ts';
import { openRedis, type RedisConnection } from './redis/redis-connection.ts';
import type { RedisFace } from './redis/redis-face.ts';
import {
  readRedisSettings,
  redisSchema,
  type RedisConfig,
  type RedisLogin,
  type RedisSettings,
} from './redis/redis-settings.ts';

export type { RedisSettings } from './redis/redis-settings.ts';
export type { RedisFace, RedisSetOptions, RedisTransaction, RedisValue, SubscribeOptions } from './redis/redis-face.ts';
export type { RedisSubscription, RedisSubscriptionEvent } from './redis/subscription.ts';

/** What {@link redis} takes. `url` is required. */
export interface RedisOptions extends RedisSettings {
  /**
   * `login`: user and password (of kind `basic`), or a password alone (`api-key`): the id of the credential, or its place. Default: those of the
   * address, or none.
   */
  readonly credentials?: { readonly login: string | { readonly id: string; readonly scope?: string } };
  /** Down to which level of the scope keys and channels are kept apart. Default `tenant`. */
  readonly isolation?: ScopeLevel;
  /** Of making clients: `createTimeoutMs`, `createBackoff` and the like. There is one client for all borrowers of a tenant. */
  readonly pool?: PoolSettings;
  /** How it is watched: by PING to the server, or to each master of the cluster, and by the state of the cluster. */
  readonly health?: HealthOptions;
  /** Of the definition. Default `1.0.0`. */
  readonly version?: string;
  /** For the random part of waits before reconnects. From 0 up to 1, not included. Default `Math.random`. */
  readonly random?: () => number;
}

/** What is random about it stays outside of the settings, as do credentials. */
type Slots = Readonly<Record<string, CredentialSlot>>;

/**
 * Defines a Redis, or a Redis Cluster: one multiplexed client for each tenant, whose keys and channels all have the tenant in their prefix.
 * It needs `ioredis`. Commands that block (BLPOP) and WATCH do not fit a client that many share.
 *
 * @param name - as that of {@link defineResource}
 * @throws `RESOURCE_CONFIGURATION_INVALID` naming the setting; `RESOURCE_TLS_REQUIRED` when a login would be sent unencrypted to another machine
 * @example
 * ```ts
 * const cache = redis('cache', { url: 'rediss://redis.acme.example', credentials: { login: 'cache-login' } });
 * await using resources = createResources({ vault, define: [cache] });
 *
 * await using store = await resources.acquire(cache);
 * await store.set('greeting', 'hello', { ttlMs: 60_000 });
 * ```
 */
export function redis(name: string, options: RedisOptions): ResourceToken<RedisFace, RedisConfig> {
  const { credentials, isolation = 'tenant', pool, health, version, random = Math.random, ...settings } = options;
  const config = copyOf(settings);
  const login = credentials?.login;
  readRedisSettings(name, config, login !== undefined);
  const slots: Slots =
    login === undefined
      ? {}
      : { login: { kind: ['basic', 'api-key'], ...(typeof login === 'string' ? { id: login } : login) } };

  return defineResource({
    name,
    technology: 'redis',
    schema: redisSchema,
    config,
    hidden: ['url', 'nodes'],
    credentials: slots,
    use: 'shared',
    isolation,
    ...(version === undefined ? {} : { version }),
    ...(pool === undefined ? {} : { pool }),
    ...(health === undefined ? {} : { health }),
    create: (context) => {
      const given = context.credentials['login'];
      const target = readRedisSettings(name, context.config, given !== undefined);
      return openRedis({
        target,
        login: given === undefined ? target.login : loginOf(given),
        prefix: `${context.config.keyPrefix ?? ''}${scopeKey(context.scope)}:`,
        signal: context.signal,
        logger: context.logger,
        clock: context.clock,
        random,
      });
    },
    destroy: (connection, { reason, signal }) => end(connection, reason !== 'revoked' && reason !== 'forced', signal),
    check: (connection) => connection.check(),
    isBroken: (connection) => connection.isEnded(),
    expose: (connection, context) => createRedisFace(connection, context),
    async onCredentialRotated(connection, { credential }) {
      await connection.logIn(loginOf(credential));
      return 'keep' as const;
    },
  });
}

function copyOf({ nodes, tls, ...settings }: RedisSettings): RedisConfig {
  return {
    ...settings,
    ...(nodes === undefined ? {} : { nodes: [...nodes] }),
    ...(tls === undefined ? {} : { tls: { ...tls } }),
  };
}

function loginOf({ secret, value }: SlotCredential): RedisLogin {
  const username = 'username' in value && typeof value.username === 'string' ? value.username : undefined;
  return { username, password: secret.reveal() };
}

async function end(connection: RedisConnection, inOrder: boolean, signal: AbortSignal): Promise<void> {
  const drop = (): void => dropConnection(connection.client);
  signal.addEventListener('abort', drop, { once: true });
  try {
    await connection.end(inOrder && !signal.aborted);
  } finally {
    signal.removeEventListener('abort', drop);
  }
}

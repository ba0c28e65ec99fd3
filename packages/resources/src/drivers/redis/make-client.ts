import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { isLoopback } from '../plain-connection.ts';
import { reconnectDelayMs } from './reconnect-delay.ts';
import type { RedisLogin, RedisTarget } from './redis-settings.ts';

/** What a client is made of. */
export interface ClientParts {
  readonly target: RedisTarget;
  readonly login: RedisLogin | undefined;
  readonly prefix: string;
  /** From 0 up to 1, not included. */
  readonly random: () => number;
}

/** What of the options of `ioredis` is the same for every connection. */
type NodeOptions = Omit<
  RedisOptions,
  | 'replyMapping'
  | 'himportFieldsets'
  | 'host'
  | 'port'
  | 'path'
  | 'sentinels'
  | 'retryStrategy'
  | 'readOnly'
  | 'enableOfflineQueue'
>;

/** A cluster says by itself where its nodes are: that it is asked for on this machine does not mean that all of them are there. */
export const mayLogIn = ({ isTrusted }: RedisTarget, host = ''): boolean => isTrusted || isLoopback(host);

/** The login that a connection to a host begins with. */
export function loginFor(
  target: RedisTarget,
  host: string | undefined,
  login: RedisLogin | undefined,
): Pick<RedisOptions, 'username' | 'password'> {
  const { username, password } = (mayLogIn(target, host) ? login : undefined) ?? {};
  return { username, password };
}

/** Nothing is sent twice, nothing waits for a connection, and a connection that says nothing is given up. */
export function nodeOptions(target: RedisTarget): NodeOptions {
  return {
    db: target.database,
    ...(target.tls === undefined ? {} : { tls: target.tls }),
    connectTimeout: target.connectTimeoutMs,
    commandTimeout: target.commandTimeoutMs,
    socketTimeout: target.commandTimeoutMs,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: false,
    reconnectOnError: null,
    lazyConnect: true,
  };
}

/** A client of one server, which is not connected yet. */
export function singleClient({ target, login, prefix, random }: ClientParts): Redis {
  return new Redis({
    ...nodeOptions(target),
    ...loginFor(target, target.addresses[0].host, login),
    ...target.addresses[0],
    keyPrefix: prefix,
    enableOfflineQueue: false,
    retryStrategy: (attempt) => reconnectDelayMs(attempt, target, random),
  });
}

/** A client of a cluster, which is not connected yet. */
export function clusterClient({ target, prefix, random }: ClientParts): Cluster {
  return new Cluster([...target.addresses], {
    keyPrefix: prefix,
    // Without a login: each node gets it when it is known where it is.
    redisOptions: nodeOptions(target),
    // Connections to nodes are made when they are needed; what waits for one is bounded in time and number, see `run`.
    enableOfflineQueue: true,
    lazyConnect: true,
    // A command whose connection broke may have been done: its sender decides. MOVED and ASK say that it was not.
    retryDelayOnFailover: 0,
    slotsRefreshTimeout: target.connectTimeoutMs,
    clusterRetryStrategy: (attempt) => reconnectDelayMs(attempt, target, random),
  });
}

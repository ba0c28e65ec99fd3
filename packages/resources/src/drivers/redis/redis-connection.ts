import { toError, type Clock, type Logger } from '@tenon/core';
import { Cluster, Redis } from 'ioredis';
import { resourceError } from '../../errors.ts';
import type { HealthStatus } from '../../health/health-status.ts';
import { concealClient } from './conceal-client.ts';
import { dropConnection } from './drop-connection.ts';
import { clusterClient, loginFor, mayLogIn, nodeOptions, singleClient } from './make-client.ts';
import { notConnected, toRedisError, tooManyPending } from './redis-failure.ts';
import type { RedisAddress, RedisLogin, RedisTarget } from './redis-settings.ts';
import { createSubscriptionHub, type SubscriptionHub } from './subscription-hub.ts';

/** One multiplexed client, and what belongs to it. */
export interface RedisConnection {
  /** Keys of known commands get the prefix, whoever sends them. */
  readonly client: Redis | Cluster;
  /** Before each key and channel. */
  readonly prefix: string;
  readonly target: RedisTarget;
  readonly subscriptions: SubscriptionHub;
  /**
   * Sends a command.
   *
   * @param isRepeatable - whether doing it twice does no harm
   * @throws what {@link toRedisError} makes of a failure
   */
  run<T>(isRepeatable: boolean, command: () => Promise<T>): Promise<T>;
  /** Each node that holds keys: the server itself, or the masters of a cluster. */
  readonly nodes: () => readonly Redis[];
  check(): Promise<HealthStatus>;
  /** Whether it has given up. */
  isEnded(): boolean;
  /** Uses another login, on the connections of now as well. */
  logIn(login: RedisLogin): Promise<void>;
  /** @param inOrder - whether to wait for answers that are due; otherwise they never come */
  end(inOrder: boolean): Promise<void>;
}

/** What {@link openRedis} takes. */
export interface OpenRedisOptions {
  readonly target: RedisTarget;
  readonly login: RedisLogin | undefined;
  readonly prefix: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * Connects, and resolves when the server is ready for commands.
 *
 * @throws `RESOURCE_UNAVAILABLE`, `RESOURCE_ACCESS_DENIED`, `RESOURCE_TLS_FAILED`, `RESOURCE_CANCELLED`
 */
export async function openRedis(options: OpenRedisOptions): Promise<RedisConnection> {
  const { target, signal, logger, prefix } = options;
  const login = { current: options.login };
  const client = target.isCluster ? clusterClient(options) : singleClient(options);
  watchNodes(client, target, login);
  const failure = watchFailures(client, logger);
  await connect(client, target, signal, failure);

  const nodes = (): readonly Redis[] => (client instanceof Cluster ? client.nodes('master') : [client]);
  const subscriptions = createSubscriptionHub({
    target,
    prefix,
    logger,
    clock: options.clock,
    random: options.random,
    addresses: () => (client instanceof Cluster ? known(client, target.addresses) : target.addresses),
    connect: (address) =>
      new Redis({
        ...nodeOptions(target),
        ...loginFor(target, address.host, login.current),
        ...address,
        retryStrategy: () => null,
      }),
  });
  let pending = 0;

  return {
    client,
    prefix,
    target,
    subscriptions,
    async run(isRepeatable, command) {
      if (client.status !== 'ready') throw notConnected(target.resource, failure.last());
      if (pending >= target.maxPendingCommands) throw tooManyPending(target.resource, target.maxPendingCommands);
      pending += 1;
      try {
        return await command();
      } catch (error) {
        throw toRedisError(error, { resource: target.resource, phase: 'command', isRepeatable });
      } finally {
        pending -= 1;
      }
    },
    nodes,
    check: () => checkClient(client, nodes()),
    isEnded: () => client.status === 'end',
    async logIn(next) {
      const words = next.username === undefined ? [next.password] : [next.username, next.password];
      const all = client instanceof Cluster ? client.nodes('all') : [client];
      const loggedIn = all.filter(({ options: { host } }) => mayLogIn(target, host));
      await Promise.all([...loggedIn.map((node) => node.call('AUTH', words)), subscriptions.logIn(words)]);
      login.current = next;
      for (const { options: kept } of all) Object.assign(kept, loginFor(target, kept.host, next));
    },
    async end(inOrder) {
      subscriptions.close();
      // QUIT lets the commands before it finish; without a connection there are none worth waiting for.
      if (inOrder && client.status === 'ready') await client.quit().catch(() => undefined);
      dropConnection(client);
    },
  };
}

const known = (cluster: Cluster, first: readonly RedisAddress[]): readonly RedisAddress[] => {
  const nodes = cluster.nodes('master').map(({ options: { host = '', port = 0 } }) => ({ host, port }));
  return nodes.length === 0 ? first : nodes;
};

/** Nodes that join later are made with the options of the beginning, which hold no login. No client shows the one it has. */
function watchNodes(
  client: Redis | Cluster,
  target: RedisTarget,
  login: { readonly current: RedisLogin | undefined },
): void {
  client.on('+node', (node: Redis) => {
    Object.assign(node.options, loginFor(target, node.options.host, login.current));
    concealClient(node);
  });
  concealClient(client);
}

/** Without listeners ioredis prints to the console. */
function watchFailures(client: Redis | Cluster, logger: Logger): { last(): Error | undefined } {
  let last: Error | undefined;
  const onError = (thrown: unknown): void => {
    last = rootOf(toError(thrown));
    logger.warn({ code: 'code' in last ? last.code : last.name }, 'a connection to Redis broke, or could not be made');
  };
  client.on('error', onError);
  client.on('node error', onError);
  client.on('ready', () => {
    last = undefined;
  });
  return { last: () => last };
}

/** A cluster that found no node says why each failed. */
function rootOf(error: Error): Error {
  return 'lastNodeError' in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
}

async function connect(
  client: Redis | Cluster,
  target: RedisTarget,
  signal: AbortSignal,
  failure: { last(): Error | undefined },
): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const stop = (): void => {
    aborted.reject(
      resourceError('RESOURCE_CANCELLED', `connecting to Redis "${target.resource}" was stopped by its caller`, {
        cause: signal.reason,
        details: { resource: target.resource },
      }),
    );
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([aborted.promise, ...(signal.aborted ? [] : [client.connect()])]);
  } catch (thrown) {
    dropConnection(client);
    throw toRedisError(failure.last() ?? thrown, { resource: target.resource, phase: 'connect', isRepeatable: true });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function checkClient(client: Redis | Cluster, nodes: readonly Redis[]): Promise<HealthStatus> {
  if (client.status !== 'ready') return { status: 'unhealthy', reason: 'it is not connected', recoverable: true };
  const answers = await Promise.allSettled(nodes.map((node) => node.ping()));
  const silent = answers.filter(({ status }) => status === 'rejected').length;
  if (silent === nodes.length) return { status: 'unhealthy', reason: 'it does not answer to PING', recoverable: true };
  if (client instanceof Cluster) {
    const facts = await client.cluster('INFO');
    const slots = Number(/cluster_slots_ok:(\d+)/.exec(facts)?.[1] ?? 0);
    if (!facts.includes('cluster_state:ok')) {
      return { status: 'unhealthy', reason: `the cluster serves ${slots} of 16384 slots`, recoverable: true };
    }
  }
  if (silent === 0) return { status: 'healthy' };
  return { status: 'degraded', reason: `${silent} nodes do not answer to PING`, impact: silent / nodes.length };
}

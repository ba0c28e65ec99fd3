import { createHash } from 'node:crypto';
import { toError } from '@tenon/core';
import { Cluster, type ChainableCommander, type Redis } from 'ioredis';
import type { ExposeContext } from '../../definition/resource-definition.ts';
import { resourceError } from '../../errors.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { RedisFace, RedisSetOptions, RedisTransaction, RedisValue } from './redis-face.ts';
import { scanKeys } from './scan-keys.ts';
import { openSubscription } from './open-subscription.ts';

/** Makes one borrower's face on a connection. */
export function createRedisFace(connection: RedisConnection, context: ExposeContext): RedisFace {
  const { client, prefix, target } = connection;
  const once = <T>(command: () => Promise<T>): Promise<T> => send(false, command);
  const again = <T>(command: () => Promise<T>): Promise<T> => send(true, command);
  const send = async <T>(isRepeatable: boolean, command: () => Promise<T>): Promise<T> => {
    context.assertHeld();
    return connection.run(isRepeatable, command);
  };

  return {
    get client() {
      context.assertHeld();
      return client;
    },
    keyPrefix: prefix,
    get: (key) => again(async () => (await client.get(key)) ?? undefined),
    getBytes: (key) => again(async () => (await client.getBuffer(key)) ?? undefined),
    getMany: (keys) => again(() => getMany(connection, keys)),
    set: (key, value, options = {}) =>
      send(options.onlyIf !== 'absent', async () => {
        const [, ...words] = setWords(target.resource, key, value, options);
        return (await client.call('SET', [key, ...words])) === 'OK';
      }),
    delete: (...keys) => once(async () => (keys.length === 0 ? 0 : client.del(...keys))),
    exists: (key) => again(async () => (await client.exists(key)) === 1),
    expire: (key, ttlMs) => again(async () => (await client.pexpire(key, checkTtl(target.resource, ttlMs))) === 1),
    ttlMs: (key) =>
      again(async () => {
        const leftMs = await client.pttl(key);
        if (leftMs === -2) return undefined;
        return leftMs === -1 ? Infinity : leftMs;
      }),
    increment: (key, by = 1) => once(() => client.incrby(key, by)),
    decrement: (key, by = 1) => once(() => client.decrby(key, by)),
    hashGet: (key, field) => again(async () => (await client.hget(key, field)) ?? undefined),
    hashGetAll: (key) => again(() => client.hgetall(key)),
    hashSet: (key, fields) => once(() => client.hset(key, toBuffers(fields))),
    hashDelete: (key, ...fields) => once(() => client.hdel(key, ...fields)),
    setAdd: (key, ...members) => once(() => client.sadd(key, ...members)),
    setRemove: (key, ...members) => once(() => client.srem(key, ...members)),
    setMembers: (key) => again(() => client.smembers(key)),
    setHas: (key, member) => again(async () => (await client.sismember(key, member)) === 1),
    multi: (queue) => once(() => runMulti(connection, queue)),
    eval: (script, { keys = [], arguments: words = [] } = {}) => once(() => evaluate(connection, script, keys, words)),
    scan: ({ match = '*', count = 250 } = {}) => scanKeys(connection, context, match, count),
    publish: (channel, message) => once(() => publisherOf(connection, channel).publish(prefix + channel, message)),
    subscribe: (channels, options = {}) => openSubscription(connection, context, channels, options),
  };
}

/** In a cluster every node passes messages on to all others: through one of them, those of one channel stay in order. */
function publisherOf({ client, nodes }: RedisConnection, channel: string): Redis | Cluster {
  const all = nodes();
  let sum = 0;
  for (const byte of Buffer.from(channel)) sum = (sum * 31 + byte) % 0xff_ff;
  return all[sum % all.length] ?? client;
}

async function getMany({ client }: RedisConnection, keys: readonly string[]): Promise<readonly (string | undefined)[]> {
  if (keys.length === 0) return [];
  const found =
    client instanceof Cluster ? await Promise.all(keys.map((key) => client.get(key))) : await client.mget(...keys);
  return found.map((value) => value ?? undefined);
}

/** Bytes are copied at once, as a command may wait for its turn. */
const toWord = (value: RedisValue): string | number | Buffer =>
  value instanceof Uint8Array ? Buffer.from(value) : value;

const toBuffers = (fields: Readonly<Record<string, RedisValue>>): Map<string, string | number | Buffer> =>
  new Map(Object.entries(fields).map(([field, value]) => [field, toWord(value)]));

/** The words behind SET. */
function setWords(
  resource: string,
  key: string,
  value: RedisValue,
  { ttlMs, onlyIf }: RedisSetOptions,
): readonly [string, ...(string | number | Buffer)[]] {
  const limit = ttlMs === undefined ? [] : ['PX', checkTtl(resource, ttlMs)];
  const condition = onlyIf === undefined ? [] : [onlyIf === 'absent' ? 'NX' : 'XX'];
  return [key, toWord(value), ...limit, ...condition];
}

function checkTtl(resource: string, ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs) && ttlMs >= 1) return ttlMs;
  throw resourceError(
    'RESOURCE_VALUE_INVALID',
    `a time limit in Redis "${resource}" must be whole milliseconds, 1 or more`,
    {
      details: { resource, option: 'ttlMs' },
    },
  );
}

async function runMulti(
  { client, prefix, target }: RedisConnection,
  queue: (all: RedisTransaction) => void,
): Promise<readonly unknown[]> {
  const commands = client.multi();
  queue(transactionOn(commands, prefix, target.resource));
  if (commands.length === 1) return [];
  const answers = (await commands.exec()) ?? [];
  const failed = answers.find(([error]) => error !== null)?.[0];
  if (failed !== undefined && failed !== null) throw failed;
  return answers.map(([, value]) => value);
}

function transactionOn(commands: ChainableCommander, prefix: string, resource: string): RedisTransaction {
  return {
    get: (key) => void commands.get(key),
    set: (key, value, options = {}) => void commands.call('SET', [...setWords(resource, key, value, options)]),
    delete: (...keys) => void (keys.length > 0 && commands.del(...keys)),
    expire: (key, ttlMs) => void commands.pexpire(key, checkTtl(resource, ttlMs)),
    increment: (key, by = 1) => void commands.incrby(key, by),
    decrement: (key, by = 1) => void commands.decrby(key, by),
    hashGet: (key, field) => void commands.hget(key, field),
    hashSet: (key, fields) => void commands.hset(key, toBuffers(fields)),
    hashDelete: (key, ...fields) => void commands.hdel(key, ...fields),
    setAdd: (key, ...members) => void commands.sadd(key, ...members),
    setRemove: (key, ...members) => void commands.srem(key, ...members),
    publish: (channel, message) => void commands.publish(prefix + channel, message),
  };
}

/** By the name that Redis gives to a script, so that it travels once. */
async function evaluate(
  { client }: RedisConnection,
  script: string,
  keys: readonly string[],
  words: readonly RedisValue[],
): Promise<unknown> {
  const given = [...keys, ...words.map(toWord)];
  try {
    return await client.evalsha(createHash('sha1').update(script).digest('hex'), keys.length, ...given);
  } catch (error) {
    if (!toError(error).message.startsWith('NOSCRIPT')) throw error;
    return client.eval(script, keys.length, ...given);
  }
}

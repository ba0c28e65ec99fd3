import { createHash } from 'node:crypto';
import { silentLogger, toError, type CodedError, type Logger } from '@tenon/core';
import type { Redis } from 'ioredis';
import {
  assertKey,
  assertValue,
  checkedOption,
  DEFAULT_MAX_VALUE_BYTES,
  LARGEST_MAX_VALUE_BYTES,
  readTtl,
} from '../entry-limits.ts';
import { kvError } from '../errors.ts';
import type { KeyValueStore, WriteOptions } from '../key-value-store.ts';

/** What {@link createRedisStore} takes. */
export interface RedisStoreOptions {
  /**
   * A client of `ioredis` for one server (or its sentinels). Its settings are taken over for a connection of the store's own, see
   * {@link createRedisStore}; the client itself is neither used nor closed.
   */
  readonly client: Redis;
  /** Goes before each key, after the client's own `keyPrefix`. Up to 128 characters. Default `kv:`. */
  readonly keyPrefix?: string;
  /** How long an operation may take, waiting for a connection included, in milliseconds, 1 to 600,000. Default 5,000. */
  readonly timeoutMs?: number;
  /** Largest single value in bytes, 1 to 268,435,456. Default 16,777,216. */
  readonly maxValueBytes?: number;
  /** Hears of broken connections. Default: silent. */
  readonly logger?: Logger;
}

// KEYS[1]; ARGV: '1' and the expected bytes, or '0' and ''; '1' and the next bytes, or '0' and ''; milliseconds or ''.
const COMPARE_AND_SET = `
local current = redis.call('GET', KEYS[1])
if ARGV[1] == '1' then
  if current ~= ARGV[2] then return 0 end
elseif current then
  return 0
end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
elseif ARGV[5] == '' then
  redis.call('SET', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
end
return 1`;
const COMPARE_AND_SET_SHA = createHash('sha1').update(COMPARE_AND_SET).digest('hex'); // the name Redis gives to a script

/**
 * A store in Redis, shared by all processes that use it; time limits run by the server's clock. It lasts as long as the server
 * is set to keep its data.
 *
 * The store makes a connection of its own from the client's settings, because a client's usual behaviour breaks the
 * contract: after a lost connection it sends unanswered commands once more, so that a write that had been made is made
 * twice, and the one who won is told `false`. The store's connection never repeats a command, and gives up after `timeoutMs`.
 *
 * @throws `KV_OPTIONS_INVALID` naming the option
 * @example
 * ```ts
 * const store = createRedisStore({ client: new Redis(url, { lazyConnect: true }) });
 * ```
 */
export function createRedisStore(options: RedisStoreOptions): KeyValueStore {
  return new RedisStore(options);
}

class RedisStore implements KeyValueStore {
  readonly #redis: Redis;
  readonly #keyPrefix: string;
  readonly #maxValueBytes: number;
  #closing: Promise<void> | undefined;

  constructor(options: RedisStoreOptions) {
    this.#keyPrefix = options.keyPrefix ?? 'kv:';
    if (this.#keyPrefix.length > 128 || !this.#keyPrefix.isWellFormed()) {
      throw kvError('KV_OPTIONS_INVALID', 'key-value store option "keyPrefix" must be text of 128 characters at most', {
        details: { option: 'keyPrefix' },
      });
    }
    const maxValueBytes = options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES;
    this.#maxValueBytes = checkedOption('maxValueBytes', maxValueBytes, 1, LARGEST_MAX_VALUE_BYTES);
    const timeoutMs = checkedOption('timeoutMs', options.timeoutMs ?? 5_000, 1, 600_000);
    const logger = options.logger ?? silentLogger;
    this.#redis = options.client.duplicate({
      // Either of the two keeps a write from being repeated; the second also fails it at once and not after `timeoutMs`.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      reconnectOnError: null,
      commandTimeout: timeoutMs,
      enableAutoPipelining: false,
      lazyConnect: true,
    });
    // Without a listener ioredis prints to the console.
    this.#redis.on('error', (error: unknown) =>
      logger.warn({ err: error }, 'the connection of a key-value store broke'),
    );
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const name = this.#name(key);
    const value = await this.#run(() => this.#redis.getBuffer(name));
    return value === null ? undefined : new Uint8Array(value);
  }

  async set(key: string, value: Uint8Array, options?: WriteOptions): Promise<void> {
    const name = this.#name(key);
    const bytes = this.#copy(value);
    const ttlMs = readTtl(options);
    await this.#run(() =>
      ttlMs === undefined ? this.#redis.set(name, bytes) : this.#redis.set(name, bytes, 'PX', ttlMs),
    );
  }

  async delete(key: string): Promise<boolean> {
    const name = this.#name(key);
    return (await this.#run(() => this.#redis.del(name))) === 1;
  }

  async setIfAbsent(key: string, value: Uint8Array, options?: WriteOptions): Promise<boolean> {
    const name = this.#name(key);
    const bytes = this.#copy(value);
    const ttlMs = readTtl(options);
    const answer = await this.#run(() =>
      ttlMs === undefined ? this.#redis.set(name, bytes, 'NX') : this.#redis.set(name, bytes, 'PX', ttlMs, 'NX'),
    );
    return answer === 'OK';
  }

  async compareAndSet(
    key: string,
    expected: Uint8Array | undefined,
    next: Uint8Array | undefined,
    options?: WriteOptions,
  ): Promise<boolean> {
    const name = this.#name(key);
    const before = expected === undefined ? ['0', ''] : ['1', this.#copy(expected)];
    const after = next === undefined ? ['0', ''] : ['1', this.#copy(next)];
    const limits = [String(readTtl(options) ?? '')];
    const parameters = [name, ...before, ...after, ...limits];
    const answer = await this.#run(async () => {
      try {
        return await this.#redis.evalsha(COMPARE_AND_SET_SHA, 1, ...parameters);
      } catch (error) {
        if (!toError(error).message.startsWith('NOSCRIPT')) throw error;
        return this.#redis.eval(COMPARE_AND_SET, 1, ...parameters);
      }
    });
    return answer === 1;
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      // QUIT lets the commands before it finish; without a connection there are none worth waiting for.
      if (this.#redis.status === 'ready') await this.#redis.quit().catch(() => undefined);
      this.#redis.disconnect();
    })();
    return this.#closing;
  }

  #name(key: string): string {
    if (this.#closing !== undefined) throw kvError('KV_CLOSED', 'the key-value store has been closed');
    assertKey(key);
    return this.#keyPrefix + key;
  }

  // Copied at once, because a command may wait in a queue.
  #copy(value: Uint8Array): Buffer {
    assertValue(value, this.#maxValueBytes);
    return Buffer.from(value);
  }

  async #run<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      throw this.#closing === undefined
        ? translate(error)
        : kvError('KV_CLOSED', 'the key-value store was closed before the operation was finished', { cause: error });
    }
  }
}

// Answers of a server that will recover: starting, failing over, read-only for now, busy with a script.
const TEMPORARY = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|UNBLOCKED|MISCONF)\b/;

function translate(thrown: unknown): CodedError {
  const error = toError(thrown);
  const answered = error.name === 'ReplyError';
  if (answered && error.message.startsWith('OOM')) {
    return kvError('KV_FULL', 'Redis is out of memory', { cause: error, retryable: true });
  }
  if (answered && !TEMPORARY.test(error.message)) {
    return kvError('KV_FAILED', 'Redis refused an operation of the key-value store', { cause: error });
  }
  return kvError('KV_UNAVAILABLE', 'Redis cannot be reached, or did not answer in time', {
    cause: error,
    retryable: true,
    retryAfterMs: 1_000,
  });
}

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createRedisStore } from '@tenon/kv/drivers/redis';
import { keyValueStoreContract, type StoreRequest, type StoreUnderTest } from '@tenon/kv/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compareWithModel } from './store-model.ts';

const url = process.env['TENON_TEST_REDIS_URL'];
const bytes = Uint8Array.of(1, 2, 3, 4);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Listens on a port of its own; `handle` speaks for the server. */
async function listen(handle: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    handle(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, server };
}

describe.skipIf(url === undefined)('the Redis store (skipped without TENON_TEST_REDIS_URL)', () => {
  const prefix = `tenon-test:${randomBytes(6).toString('hex')}:`;
  let redis: Redis;
  let stores = 0;

  beforeAll(() => {
    redis = new Redis(url ?? '');
  });

  afterAll(async () => {
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.del(keys);
    await redis.quit();
  });

  // The server's clock cannot be set. Shortening every limit by what is still left of it has the same effect.
  async function advance(keyPrefix: string, ms: number): Promise<void> {
    for (const key of await redis.keys(`${keyPrefix}*`)) {
      const left = await redis.pttl(key);
      if (left >= 0) await redis.pexpire(key, left - ms);
    }
  }

  function open(request: StoreRequest = {}): Promise<StoreUnderTest> {
    const keyPrefix = `${prefix}${(stores += 1)}:`;
    return Promise.resolve({
      store: createRedisStore({ client: redis, keyPrefix, ...request }),
      other: createRedisStore({ client: redis, keyPrefix, ...request }),
      advance: (ms) => advance(keyPrefix, ms),
    });
  }

  function openOne(options: { keyPrefix?: string; timeoutMs?: number } = {}, client = redis) {
    const store = createRedisStore({ client, keyPrefix: `${prefix}${(stores += 1)}:`, ...options });
    cleanups.push(() => store.close());
    return store;
  }

  describe('keeps the contract', () => {
    it.each(keyValueStoreContract(open))('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });

    it('gives the answers of the model for random operations', async () => {
      await expect(compareWithModel(await open(), 20)).resolves.toBeUndefined();
    });
  });

  it('keeps each value under keyPrefix, after the prefix of the client', async () => {
    const client = new Redis(url ?? '', { keyPrefix: prefix, lazyConnect: true });
    const store = openOne({ keyPrefix: 'mine:' }, client);
    await store.set('a', bytes);
    expect(await redis.getBuffer(`${prefix}mine:a`)).toEqual(Buffer.from(bytes));
    expect(await store.compareAndSet('a', bytes, undefined)).toBe(true);
    expect(await redis.exists(`${prefix}mine:a`)).toBe(0);
  });

  it('uses the prefix kv: when none is given', async () => {
    const client = new Redis(url ?? '', { keyPrefix: prefix, lazyConnect: true });
    const store = createRedisStore({ client });
    cleanups.push(() => store.close());
    await store.set('default', bytes);
    expect(await redis.exists(`${prefix}kv:default`)).toBe(1);
  });

  it('hands time limits to the server in milliseconds', async () => {
    const keyPrefix = `${prefix}ttl:`;
    const store = openOne({ keyPrefix });
    await store.set('a', bytes, { ttlMs: 90_500 });
    await store.setIfAbsent('b', bytes, { ttlMs: 90_500 });
    await store.compareAndSet('c', undefined, bytes, { ttlMs: 90_500 });
    for (const key of ['a', 'b', 'c']) {
      const left = await redis.pttl(keyPrefix + key);
      expect(left).toBeGreaterThan(60_000);
      expect(left).toBeLessThanOrEqual(90_500);
    }
    await store.set('a', bytes);
    expect(await redis.pttl(`${keyPrefix}a`)).toBe(-1);
  });

  it('compares on although the server has forgotten its scripts', async () => {
    const store = openOne();
    expect(await store.compareAndSet('a', undefined, bytes)).toBe(true);
    await redis.script('FLUSH');
    expect(await store.compareAndSet('a', bytes, Uint8Array.of(5))).toBe(true);
    expect(await store.get('a')).toEqual(Uint8Array.of(5));
  });

  it('answers KV_FAILED for a key that another program uses for something else', async () => {
    const store = openOne({ keyPrefix: `${prefix}foreign:` });
    await redis.lpush(`${prefix}foreign:a`, 'x');
    await expect(store.get('a')).rejects.toMatchObject({ code: 'KV_FAILED', retryable: false });
    await expect(store.compareAndSet('a', bytes, bytes)).rejects.toMatchObject({ code: 'KV_FAILED' });
  });

  it('leaves the client that it was given open', async () => {
    const store = openOne();
    await store.set('a', bytes);
    await store.close();
    expect(await redis.ping()).toBe('PONG');
  });

  it('closes at once when it was never used', async () => {
    const store = openOne();
    await store.close();
    await expect(store.get('a')).rejects.toMatchObject({ code: 'KV_CLOSED' });
  });

  it('never repeats a write whose answer was lost, and reaches the server again afterwards', async () => {
    const target = new URL(url ?? '');
    let cut = false;
    let writes = 0;
    const { port } = await listen((socket) => {
      const upstream = connect(Number(target.port || 6379), target.hostname);
      upstream.on('error', () => undefined);
      upstream.on('close', () => socket.destroy());
      socket.on('close', () => upstream.destroy());
      socket.on('data', (chunk: Buffer) => {
        if (chunk.includes('winner')) writes += 1;
        upstream.write(chunk);
      });
      // The server has done what it answers here; the answer is dropped with the connection.
      upstream.on('data', (chunk: Buffer) => (cut && writes > 0 ? socket.destroy() : void socket.write(chunk)));
    });
    const address = new URL(target);
    address.hostname = '127.0.0.1';
    address.port = String(port);
    // A time limit beyond that of the test: the lost connection itself must end the operation.
    const store = openOne(
      { timeoutMs: 600_000 },
      new Redis(address.href, { lazyConnect: true, retryStrategy: () => 1 }),
    );
    expect(await store.get('a')).toBeUndefined();
    cut = true;
    await expect(store.setIfAbsent('a', Buffer.from('winner'))).rejects.toMatchObject({
      code: 'KV_UNAVAILABLE',
      retryable: true,
    });
    cut = false;
    expect(Buffer.from((await store.get('a')) ?? []).toString()).toBe('winner');
    expect(writes).toBe(1);
  });
});

describe('the Redis store and a server in trouble', () => {
  it('gives up after timeoutMs when the server accepts and says nothing', async () => {
    const { port } = await listen(() => undefined);
    const client = new Redis(port, '127.0.0.1', { lazyConnect: true });
    const store = createRedisStore({ client, timeoutMs: 50 });
    await expect(store.get('a')).rejects.toMatchObject({ code: 'KV_UNAVAILABLE', retryable: true });
    await store.close();
  });

  it('gives up after timeoutMs when nothing listens, and says so to its logger alone', async () => {
    const { port, server } = await listen(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    const lines: string[] = [];
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: (_fields: unknown, message: string) => void lines.push(message),
      error: () => undefined,
      child: () => logger,
    };
    const client = new Redis(port, '127.0.0.1', { lazyConnect: true });
    const store = createRedisStore({ client, timeoutMs: 50, logger });
    await expect(store.set('a', bytes)).rejects.toMatchObject({ code: 'KV_UNAVAILABLE', retryable: true });
    expect(lines[0]).toBe('the connection of a key-value store broke');
    await store.close();
  });

  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", 'KV_FULL', true],
    ['LOADING Redis is loading the dataset in memory', 'KV_UNAVAILABLE', true],
    ["READONLY You can't write against a read only replica.", 'KV_UNAVAILABLE', true],
    ['NOAUTH Authentication required.', 'KV_FAILED', false],
    ["NOPERM this user has no permissions to run the 'get' command", 'KV_FAILED', false],
  ])('translates the answer "%s" into %s', async (answer, code, retryable) => {
    const { port } = await listen((socket) => socket.on('data', () => socket.write(`-${answer}\r\n`)));
    const client = new Redis(port, '127.0.0.1', {
      lazyConnect: true,
      protocol: 2,
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    const store = createRedisStore({ client });
    await expect(store.get('a')).rejects.toMatchObject({ code, retryable });
    await store.close();
  });
});

describe('the options of the Redis store', () => {
  it.each([
    ['timeoutMs', 0],
    ['timeoutMs', 600_001],
    ['maxValueBytes', 0],
    ['keyPrefix', 'k'.repeat(129)],
  ] as const)('refuses a wrong %s and names it', (option, value) => {
    const client = new Redis({ lazyConnect: true });
    expect(() => createRedisStore({ client, [option]: value })).toThrow(
      expect.objectContaining({ code: 'KV_OPTIONS_INVALID', details: { option } }),
    );
  });
});

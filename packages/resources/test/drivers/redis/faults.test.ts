import { failureOf } from '@tenon/core/testing';
import { openFaultProxy, type FaultProxy } from '@tenon/resources/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRedisCluster } from '../../../../../scripts/services/redis-cluster.ts';
import { startRedis } from '../../../../../scripts/services/redis.ts';
import type { RedisOptions } from '@tenon/resources/drivers/redis';
import { openRedis, plainClient, quick, redisUrl, until, type OpenRedis } from './open-redis.ts';

async function behindProxy(options: Partial<RedisOptions> = {}): Promise<OpenRedis & { readonly proxy: FaultProxy }> {
  const proxy = await openFaultProxy({ target: redisUrl ?? '' });
  onTestFinished(() => proxy.close());
  return { ...openRedis({ ...quick, ...options, url: proxy.url }), proxy };
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const startedMs = performance.now();
  const result = await work();
  return [result, performance.now() - startedMs];
}

describe.skipIf(redisUrl === undefined)('a Redis behind a network that fails', () => {
  it('is waited for no longer than a command may take, and its connection is replaced', async () => {
    const { face, proxy } = await behindProxy({ commandTimeoutMs: 300 });
    const store = await face();
    await store.set('key', 'a');
    await proxy.set({ fault: 'black-hole' });
    const [failure, tookMs] = await timed(() => failureOf(store.get('key')));
    expect(['RESOURCE_TIMEOUT', 'RESOURCE_CONNECTION_LOST']).toContain(failure.code);
    expect(failure.retryable).toBe(true);
    expect(tookMs).toBeGreaterThan(250);
    expect(tookMs).toBeLessThan(1_500);
    await until(async () => expect((await failureOf(store.get('key'))).code).toBe('RESOURCE_UNAVAILABLE'));
    await proxy.set({ fault: 'pass' });
    await until(async () => expect(await store.get('key')).toBe('a'));
  });

  it('gets no command while it is away: they fail at once, and none is sent later', async () => {
    const { face, proxy } = await behindProxy({ reconnectInitialMs: 300, reconnectMaxMs: 300 });
    const store = await face();
    await store.set('count', 0);
    await proxy.set({ fault: 'reset' });
    await proxy.set({ fault: 'refuse' });
    await until(() => expect(store.client.status).toBe('reconnecting'));
    const [failures, tookMs] = await timed(() =>
      Promise.all(Array.from({ length: 1_000 }, () => failureOf(store.increment('count')))),
    );
    expect(tookMs).toBeLessThan(250);
    for (const { code, retryable, details } of failures) {
      expect({ code, retryable, details }).toEqual({
        code: 'RESOURCE_UNAVAILABLE',
        retryable: true,
        details: { resource: 'cache' },
      });
    }
    await proxy.set({ fault: 'pass' });
    await until(async () => expect(await store.get('count')).toBe('0'));
  });

  it('never gets a command twice: one whose answer was lost is told of as perhaps done', async () => {
    const { face, proxy } = await behindProxy();
    const store = await face();
    await store.set('count', 0);
    const { bytesToClients } = proxy.connections();
    expect(bytesToClients).toBeGreaterThan(0);
    // The command arrives; its answer does not.
    await proxy.set({ fault: 'half-close' });
    const failures = await Promise.all([
      failureOf(store.increment('count')),
      failureOf(store.set('once', 'a', { onlyIf: 'absent' })),
      failureOf(store.publish('news', 'a')),
      failureOf(store.multi((all) => all.increment('count'))),
      failureOf(store.eval('return 1')),
    ]);
    for (const { code, retryable, details } of failures) {
      expect(['RESOURCE_CONNECTION_LOST', 'RESOURCE_TIMEOUT']).toContain(code);
      expect(retryable).toBe(false);
      expect(details).toMatchObject({ mayHaveBeenApplied: true });
    }
    await proxy.set({ fault: 'pass' });
    await until(async () => expect(Number(await store.get('count'))).toBeLessThanOrEqual(2));
  });

  it('may be asked again for what does no harm when it is done twice', async () => {
    const { face, proxy } = await behindProxy();
    const store = await face();
    await proxy.set({ fault: 'half-close' });
    const failures = await Promise.all([
      failureOf(store.get('key')),
      failureOf(store.set('key', 'a')),
      failureOf(store.expire('key', 1_000)),
    ]);
    for (const { retryable, details } of failures) {
      expect(retryable).toBe(true);
      expect(details['mayHaveBeenApplied']).toBeUndefined();
    }
  });

  it('has no more commands without an answer than it may', async () => {
    const { face, proxy } = await behindProxy({ maxPendingCommands: 10 });
    const store = await face();
    await proxy.set({ fault: 'black-hole' });
    const waiting = Array.from({ length: 10 }, () => failureOf(store.get('key')));
    const [failure, tookMs] = await timed(() => failureOf(store.get('key')));
    expect(failure).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', retryable: true, details: { limit: 10 } });
    expect(tookMs).toBeLessThan(200);
    await Promise.all(waiting);
    await proxy.set({ fault: 'pass' });
    await until(() => store.set('key', 'a'));
  });

  it('is given up after so many reconnects, and the next borrower has a new client', async () => {
    const { face, proxy } = await behindProxy({
      maxReconnects: 2,
      pool: { createBackoff: { initialMs: 10, maxMs: 10 } },
    });
    const store = await face();
    const before = proxy.connections().accepted;
    await proxy.set({ fault: 'reset' });
    await until(() => expect(store.client.status).toBe('end'));
    expect(proxy.connections().accepted - before).toBe(2);
    expect((await failureOf(store.get('key'))).code).toBe('RESOURCE_UNAVAILABLE');
    await proxy.set({ fault: 'pass' });
    await until(async () => {
      const next = await face();
      expect(next.client).not.toBe(store.client);
      await next.set('key', 'a');
    });
  });

  it('is reconnected to after waits that grow up to a limit, half of them random', async () => {
    const attempts = async (options: Partial<RedisOptions>): Promise<number> => {
      const { face, proxy } = await behindProxy({ maxReconnects: 3, random: () => 0, ...options });
      const store = await face();
      await proxy.set({ fault: 'reset' });
      const startedMs = performance.now();
      await until(() => expect(store.client.status).toBe('end'));
      return performance.now() - startedMs;
    };
    // Three waits: half of 100, 200 and 400.
    const grown = await attempts({ reconnectInitialMs: 100, reconnectMaxMs: 10_000 });
    expect(grown).toBeGreaterThan(340);
    expect(grown).toBeLessThan(640);
    // The full ones.
    expect(await attempts({ reconnectInitialMs: 100, reconnectMaxMs: 10_000, random: () => 0.999 })).toBeGreaterThan(
      690,
    );
    // Half of 100, three times.
    expect(await attempts({ reconnectInitialMs: 100, reconnectMaxMs: 100 })).toBeLessThan(320);
  });

  it('is given no longer to take a connection than it may', async () => {
    // With TLS a connection is there when the other side has answered.
    const { proxy } = await behindProxy();
    await proxy.set({ fault: 'black-hole' });
    const url = `rediss://127.0.0.1:${proxy.port}`;
    const { face } = openRedis({ url, connectTimeoutMs: 200, commandTimeoutMs: 60_000 });
    const [failure, tookMs] = await timed(() => failureOf(face()));
    expect(failure).toMatchObject({ code: 'RESOURCE_INITIALIZATION_FAILED', cause: { retryable: true } });
    expect(tookMs).toBeLessThan(1_500);
    await until(() => expect(proxy.connections().open).toBe(0));
  });

  it('leaves no connection when it is closed or revoked, answered or not', async () => {
    const { face, proxy, resources } = await behindProxy();
    const store = await face();
    await using subscription = await store.subscribe('news');
    expect(proxy.connections().open).toBe(2);
    await proxy.set({ fault: 'black-hole' });
    void failureOf(store.get('key'));
    const [, tookMs] = await timed(() => resources.close({ timeoutMs: 50 }));
    expect(tookMs).toBeLessThan(2_000);
    await until(() => expect(proxy.connections().open).toBe(0));
    await expect(subscription[Symbol.asyncIterator]().next()).rejects.toThrow('is closed');
  });

  it('finds out by PING that a listening connection leads nowhere, and tells of the gap', async () => {
    const { face, proxy } = await behindProxy({ subscriptionPingMs: 100, commandTimeoutMs: 200 });
    const store = await face();
    await using subscription = await store.subscribe('news');
    const next = subscription[Symbol.asyncIterator]().next();
    await proxy.set({ fault: 'black-hole' });
    await until(() => expect(proxy.connections().accepted).toBeGreaterThan(2));
    await proxy.set({ fault: 'pass' });
    expect(await next).toMatchObject({ value: { type: 'gap', reason: 'reconnected' } });
  });
});

describe('a Redis that is killed', () => {
  it('is there again after its restart: borrowers go on, subscribers hear of the gap and of what comes', async (context) => {
    const started = await startRedis({ fsync: true });
    if (!started.available) return context.skip(started.reason);
    const { server } = started;
    onTestFinished(() => server.stop());
    const { face } = openRedis({ ...quick, url: server.url, maxReconnects: 200 });
    const store = await face();
    await store.set('key', 'kept');
    const subscription = await store.subscribe(['news', 'more']);
    const pattern = await store.subscribe('n*', { pattern: true });
    const events = subscription[Symbol.asyncIterator]();
    const patternEvents = pattern[Symbol.asyncIterator]();
    await store.publish('news', 'before');
    expect(await events.next()).toMatchObject({ value: { message: 'before' } });
    expect(await patternEvents.next()).toMatchObject({ value: { channel: 'news', message: 'before' } });

    let failed = 0;
    const over = new AbortController();
    const load = (async () => {
      while (!over.signal.aborted) {
        await store.get('key').catch(() => (failed += 1));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await server.kill9();
    await until(() => expect(failed).toBeGreaterThan(0));
    await server.restart();
    await until(async () => expect(await store.get('key')).toBe('kept'));
    over.abort();
    await load;

    expect(await events.next()).toEqual({ done: false, value: { type: 'gap', reason: 'reconnected' } });
    expect(await patternEvents.next()).toMatchObject({ value: { type: 'gap' } });
    await store.publish('more', 'after');
    expect(await events.next()).toMatchObject({ value: { channel: 'more', message: 'after' } });
    await subscription.stop();
    await pattern.stop();
    const plain = plainClient(server.url);
    await until(async () =>
      expect(
        String(await plain.client('LIST'))
          .split('\n')
          .filter((line) => line.includes('sub=1')),
      ).toEqual([]),
    );
    return undefined;
  });

  it('ends subscriptions that it stays away from', async (context) => {
    const started = await startRedis();
    if (!started.available) return context.skip(started.reason);
    onTestFinished(() => started.server.stop());
    const { face } = openRedis({ ...quick, url: started.server.url, maxReconnects: 2 });
    const subscription = await (await face()).subscribe('news');
    const next = subscription[Symbol.asyncIterator]().next();
    await started.server.kill9();
    expect(await failureOf(next)).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', retryable: true });
    return undefined;
  });
});

describe('a cluster of which a node is killed', () => {
  it(
    'fails what lies on it within its time, tells of it by its check, and heals',
    { timeout: 60_000 },
    async (context) => {
      const started = await startRedisCluster({ fsync: true });
      if (!started.available) return context.skip(started.reason);
      const { server } = started;
      onTestFinished(() => server.stop());
      const [first] = server.nodes;
      const { face, resources } = openRedis({
        ...quick,
        url: server.url,
        cluster: true,
        maxReconnects: 500,
      });
      const store = await face();
      const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);
      await Promise.all(keys.map((key) => store.set(key, key)));
      const subscription = await store.subscribe('news');

      await first?.kill9();
      await until(async () => {
        const [answers, tookMs] = await timed(() => Promise.allSettled(keys.map((key) => store.get(key))));
        expect(tookMs).toBeLessThan(2_000);
        expect(answers.some(({ status }) => status === 'rejected')).toBe(true);
      });
      await until(async () => expect((await resources.check())[0]?.health.status).not.toBe('healthy'));
      await first?.restart();
      await until(async () => expect(await store.getMany(keys)).toEqual(keys), 30_000);
      await until(async () => expect((await resources.check())[0]?.health.status).toBe('healthy'), 20_000);
      const events = subscription[Symbol.asyncIterator]();
      await until(async () => {
        await store.publish('news', 'here');
        const event = await events.next();
        expect(event.value).toMatchObject({ type: 'message' });
      });
      return undefined;
    },
  );
});

import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createTestClock, failureOf, type TestClock } from '@tenon/core/testing';
import { createResources, type Resources, type ResourceToken } from '@tenon/resources';
import { http } from '@tenon/resources/drivers/http';
import { memoryCache } from '@tenon/resources/drivers/memory-cache';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inTenant } from '../support/open-resources.ts';
import { collect, openRedis, plainClient, redisUrl, until } from './redis/open-redis.ts';
import { fakeSql } from './sql-fake.ts';

/** A registry whose time stands still, and a token that was given no clock of its own. */
function open(token: ResourceToken): { readonly resources: Resources; readonly clock: TestClock } {
  const clock = createTestClock();
  const resources = createResources({ define: [token], clock });
  onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
  return { resources, clock };
}

describe('a driver without a clock of its own takes that of the registry', () => {
  it('for the age of what a memory cache holds', async () => {
    const token = memoryCache<number>('cache', { ttlMs: 1_000 });
    const { resources, clock } = open(token);
    await inTenant('acme', () =>
      resources.use(token, async (cache) => {
        cache.set('key', 1);
        await clock.advance(999);
        expect(cache.get('key')).toBe(1);
        await clock.advance(1);
        expect(cache.get('key')).toBeUndefined();
      }),
    );
  });

  it('for the time that a statement may take', async () => {
    const { token, made } = fakeSql();
    const { resources, clock } = open(token);
    await inTenant('acme', async () => {
      await using db = await resources.acquire(token);
      const [fake] = made;
      if (fake !== undefined) fake.answer = (text) => (text === 'select slow' ? new Promise(() => undefined) : {});
      const failure = failureOf(db.query('select slow', [], { timeoutMs: 5_000 }));
      await clock.advance(4_999);
      expect(fake?.cancels).toBe(0);
      await clock.advance(1);
      expect((await failure).code).toBe('RESOURCE_TIMEOUT');
    });
  });

  it('for the time that a request may take', async () => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const token = http('slow', {
      baseUrl: `http://127.0.0.1:${port}`,
      timeoutMs: 5_000,
      retry: { attempts: 1 },
      policy: { allowPrivate: ['127.0.0.0/8'], ports: 'any' },
    });
    const { resources, clock } = open(token);
    await inTenant('acme', () =>
      resources.use(token, async (api) => {
        const arrived = once(server, 'request');
        const failure = failureOf(api.get('/x'));
        await arrived;
        await clock.advance(5_000);
        expect((await failure).code).toBe('RESOURCE_TIMEOUT');
      }),
    );
  });

  it.skipIf(redisUrl === undefined)(
    'for the wait before a subscription is made anew (skipped without TENON_TEST_REDIS_URL)',
    async () => {
      const clock = createTestClock();
      const { face } = openRedis({ url: redisUrl ?? '', reconnectInitialMs: 60_000, random: () => 0 }, undefined, {
        clock,
      });
      const store = await face();
      await using subscription = await store.subscribe('news');
      const { events } = collect(subscription);
      const admin = plainClient(redisUrl ?? '');
      const listeners = async (): Promise<readonly string[]> =>
        String(await admin.call('CLIENT', ['LIST', 'TYPE', 'PUBSUB']))
          .split('\n')
          .filter((line) => line !== '');
      const before = clock.pending();
      for (const [, id = ''] of (await listeners()).map((line) => /^id=(\d+)/.exec(line) ?? [])) {
        await admin.call('CLIENT', ['KILL', 'ID', id]);
      }
      await until(async () => expect(await listeners()).toEqual([]));
      // The look at the connection is off, and the wait is on.
      await until(() => expect(clock.pending()).toBe(before));
      await clock.advance(29_999);
      expect(events).toEqual([]);
      await clock.advance(1);
      await until(() => expect(events).toEqual([{ type: 'gap', reason: 'reconnected' }]));
    },
  );
});

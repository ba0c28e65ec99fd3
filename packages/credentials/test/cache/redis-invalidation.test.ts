import { redisInvalidation } from '@tenon/credentials/drivers/redis-invalidation';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { aMoment } from '../audit/spied-audit.ts';
import { invalidationContract } from './invalidation-contract.ts';
import { startPublishServer } from './publish-server.ts';

const url = process.env['TENON_TEST_REDIS_URL'];
const settingsOf = (port: number) => ({ client: new Redis(port, '127.0.0.1', { lazyConnect: true }) });

describe('invalidation through a server that speaks as Redis does', async () => {
  const server = await startPublishServer();
  afterAll(() => server.close());

  invalidationContract({
    server: server.url,
    defaultPort: 6379,
    make: (port, settings) => redisInvalidation({ ...settingsOf(port), ...settings }),
    async send(channel, text) {
      server.publish(channel, text);
      // As with a real one, the answer comes in a later turn.
      await aMoment();
    },
    kill: async (ports) => expect(server.kill(ports)).toBe(2),
  });
});

describe.skipIf(url === undefined)('invalidation through Redis (skipped without TENON_TEST_REDIS_URL)', () => {
  const server = new URL(url ?? 'redis://localhost');
  let redis: Redis;
  beforeAll(() => {
    redis = new Redis(server.href);
  });
  afterAll(() => redis.quit());

  invalidationContract({
    server,
    defaultPort: 6379,
    make: (port, settings) => redisInvalidation({ ...settingsOf(port), ...settings }),
    async send(channel, text) {
      await redis.publish(channel, text);
    },
    async kill(ports) {
      expect(ports).toHaveLength(2);
      const killed = await Promise.all(ports.map((port) => redis.client('KILL', 'ADDR', `127.0.0.1:${port}`)));
      expect(killed).toEqual([1, 1]);
    },
  });

  it('puts the prefix of the client before the channel', async () => {
    const client = new Redis(server.href, { lazyConnect: true, keyPrefix: 'mine:' });
    const invalidation = redisInvalidation({ client, channel: 'prefixed' });
    try {
      const heard: string[] = [];
      invalidation.subscribe({ changed: (key) => heard.push(key), missed: () => undefined });
      await invalidation.ready();
      await redis.publish('prefixed', 'main|org:acme|no');
      await redis.publish('mine:prefixed', 'main|org:acme|yes');
      await vi.waitUntil(() => heard.length > 0);
      expect(heard).toEqual(['main|org:acme|yes']);
    } finally {
      await invalidation.close();
    }
  });

  it('neither uses nor closes the client that it was given', async () => {
    const client = new Redis(server.href, { lazyConnect: true });
    const invalidation = redisInvalidation({ client, channel: 'unused' });
    await invalidation.ready();
    await invalidation.close();
    expect(client.status).toBe('wait');
  });
});

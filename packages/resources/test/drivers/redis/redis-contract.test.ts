import { randomUUID } from 'node:crypto';
import { redis } from '@tenon/resources/drivers/redis';
import { openFaultProxy, resourceContract, type OpenResource } from '@tenon/resources/testing';
import type { RedisFace } from '@tenon/resources/drivers/redis';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { clusterUrl, LoginVault, makeUser, quick, redisUrl } from './open-redis.ts';

const open: OpenResource<RedisFace> = async () => {
  const url = redisUrl ?? '';
  const admin = new Redis(url);
  const password = `password-${randomUUID()}`;
  const wrong = `wrong-${randomUUID()}`;
  const user = await makeUser(admin, password);
  const vault = new LoginVault();
  vault.put('login', user, password);
  vault.put('refused', user, wrong);
  const proxy = await openFaultProxy({ target: url });
  const settings = { ...quick, url: proxy.url, maxReconnects: 3, keyPrefix: `contract-${user}:` };
  return {
    token: redis('cache', { ...settings, credentials: { login: 'login' }, pool: { createBackoff: { maxMs: 200 } } }),
    refusedToken: redis('refused', { ...settings, credentials: { login: 'refused' } }),
    vault,
    secrets: [password, wrong],
    work: async (face) => {
      await face.set('key', 'value');
      return face.get('key');
    },
    async stopServer() {
      await proxy.set({ fault: 'reset' });
      await proxy.set({ fault: 'refuse' });
    },
    startServer: () => proxy.set({ fault: 'pass' }),
    async close() {
      await proxy.close();
      await admin.call('ACL', ['DELUSER', user]);
      admin.disconnect();
    },
  };
};

describe.skipIf(redisUrl === undefined)('the redis driver', () => {
  it.each(resourceContract(open))('keeps the contract: $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe.skipIf(clusterUrl === undefined)('the redis driver on a cluster', () => {
  const openCluster: OpenResource<RedisFace> = async () => ({
    token: redis('cache', { ...quick, url: clusterUrl ?? '', cluster: true, keyPrefix: `contract-${randomUUID()}:` }),
    work: (face) => face.set('key', 'value', { ttlMs: 60_000 }),
    close: () => Promise.resolve(),
  });
  it.each(resourceContract(openCluster, { hasServer: false, hasLogin: false }))(
    'keeps the contract: $name',
    async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    },
  );
});

import { describeDrivers } from '@tenon/database/testing';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { sql } from 'kysely';
import { startRedis } from '../../../../scripts/services/redis.ts';
import { call, signIn } from '../process/support/api-client.ts';
import { startLocalServer, type LocalServer } from '../process/support/local-server.ts';
import { openPlace } from '../process/support/place.ts';

const driver = describeDrivers().at(-1) ?? 'pglite';

async function countInDatabase({ services }: LocalServer): Promise<number> {
  const { rows } = await services.database.withSystem('test', (tx) =>
    sql<{ count: number }>`select count(*) as count from kv_entries`.execute(tx),
  );
  return rows[0]?.count ?? -1;
}

it('TENON_REDIS_URL keeps short-lived state in Redis, without it in the database; lost, it is 503 and comes back', async (context) => {
  const started = await startRedis({ fsync: true });
  if (!started.available) return context.skip(started.reason);
  const { server: redis } = started;
  const looker = new Redis(redis.url, { lazyConnect: true });
  looker.on('error', () => undefined);
  try {
    const wrong = { body: { email: 'owner@example.com', password: 'not the password' } };
    {
      await using place = await openPlace(driver);
      await using server = await startLocalServer({ ...place.settings, TENON_REDIS_URL: redis.url });
      expect((await call(`${server.url}/auth/login`, wrong)).status).toBe(401);
      const keys = await looker.keys('*');
      expect(keys.length).toBeGreaterThan(0);
      expect(keys.filter((key) => !key.startsWith('tenon:'))).toEqual([]);
      expect(await countInDatabase(server)).toBe(0);

      await redis.kill9();
      const down = await call(`${server.url}/auth/login`, wrong);
      expect([down.status, down.body.code, down.headers.has('retry-after')]).toEqual([503, 'KV_UNAVAILABLE', true]);
      await redis.restart();
      await expect.poll(() => signIn(server.url).catch(() => undefined), { timeout: 10_000 }).toBeDefined();
    }
    await using place = await openPlace(driver);
    await using server = await startLocalServer(place.settings);
    expect((await call(`${server.url}/auth/login`, wrong)).status).toBe(401);
    expect(await countInDatabase(server)).toBeGreaterThan(0);
  } finally {
    looker.disconnect();
    await redis.stop();
  }
  return undefined;
});

import { randomUUID } from 'node:crypto';
import { failureOf } from '@tenon/core/testing';
import { createResources, type ResourceEvent } from '@tenon/resources';
import { redis } from '@tenon/resources/drivers/redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startRedis } from '../../../../scripts/services/redis.ts';
import type { PrivateServer } from '../../../../scripts/services/service.ts';
import { inTenant } from '../support/open-resources.ts';
import { expectWorking, openProxy, PATIENCE, startLoad, watchRejections } from './open-orders.ts';

let server: PrivateServer | undefined;
let reason = '';

beforeAll(async () => {
  const started = await startRedis();
  if (started.available) ({ server } = started);
  else ({ reason } = started);
});
afterAll(() => server?.stop());

/** How many connections the server has, that of the question left out. */
async function connectionsTo(url: string): Promise<number> {
  const admin = new Redis(url);
  try {
    return (
      String(await admin.call('CLIENT', 'LIST', 'TYPE', 'NORMAL'))
        .trim()
        .split('\n').length - 1
    );
  } finally {
    admin.disconnect();
  }
}

describe('a Redis', () => {
  watchRejections();

  it('that is killed, and then falls silent, under load: work says so, and goes on when it is back', async (context) => {
    const own = server ?? context.skip(reason);
    const proxy = await openProxy(own.url);
    const token = redis('cache', {
      url: proxy.url,
      keyPrefix: `faults-${randomUUID()}:`,
      commandTimeoutMs: 300,
      connectTimeoutMs: 300,
      reconnectInitialMs: 20,
      reconnectMaxMs: 80,
      pool: { createBackoff: { initialMs: 20, maxMs: 100 } },
      health: { intervalMs: 100, timeoutMs: 400, failureThreshold: 2, maxDelayMs: 200, maxAttempts: Infinity },
    });
    const resources = createResources({ define: [token] });
    onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
    const events: ResourceEvent[] = [];
    resources.onEvent((event) => void events.push(event));
    const count = (type: ResourceEvent['type']): number => events.filter((event) => event.type === type).length;
    const work = (): Promise<unknown> =>
      inTenant('acme', async () => {
        await using cache = await resources.acquire(token);
        await cache.set('key', 'value');
        return await cache.get('key');
      });
    const load = startLoad(20, work);
    await expectWorking(load);

    await own.kill9();
    await expect.poll(() => load.codes.size, PATIENCE).toBeGreaterThan(0);
    await own.restart();
    await expectWorking(load);

    await proxy.set({ fault: 'black-hole' });
    const quarantined = count('quarantined');
    await expect.poll(() => count('quarantined'), PATIENCE).toBeGreaterThan(quarantined);
    expect((await failureOf(work())).code).toBe('RESOURCE_UNAVAILABLE');
    await proxy.set({ fault: 'pass' });
    const backMs = Date.now();
    await expectWorking(load);
    // The look that was under way, and one that met a connection which was begun in the silence.
    expect(events.filter(({ type, atMs }) => type === 'quarantined' && atMs > backMs).length).toBeLessThan(3);
    await load.stop();

    expect(load.uncoded).toEqual([]);
    const expected = ['RESOURCE_CONNECTION_LOST', 'RESOURCE_INITIALIZATION_FAILED', 'RESOURCE_TIMEOUT'];
    const others = [...load.codes].filter((code) => ![...expected, 'RESOURCE_UNAVAILABLE'].includes(code));
    expect(others).toEqual([]);
    expect(await resources.close({ timeoutMs: 5_000 })).toMatchObject({ forced: 0, left: 0 });
    // Those that the silence kept from saying goodbye end with the proxy, that stood for the network.
    await proxy.close();
    await expect.poll(() => connectionsTo(own.url), PATIENCE).toBe(0);
  });
});

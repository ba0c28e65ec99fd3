import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../../scripts/services/postgres.ts';
import type { PrivateServer } from '../../../../scripts/services/service.ts';
import { openOrders, PATIENCE, watchRejections, type Orders } from './open-orders.ts';

let server: PrivateServer | undefined;
let reason = '';

beforeAll(async () => {
  const started = await startPostgres();
  if (started.available) ({ server } = started);
  else ({ reason } = started);
});
beforeEach((context) => {
  if (server === undefined) context.skip(reason);
});
afterAll(() => server?.stop());

/** Several connections that lie idle, and nobody who would borrow one. */
async function openIdle(own: PrivateServer, health: object, registry: object = {}): Promise<Orders> {
  const orders = openOrders(
    own.url,
    { pool: { max: 4, createBackoff: { initialMs: 20, maxMs: 100 } }, health },
    registry,
  );
  const held = await Promise.all([orders.acquire(), orders.acquire(), orders.acquire()]);
  for (const { lease } of held) lease.release();
  await expect.poll(() => orders.resources.list()[0]?.pool.idle).toBe(3);
  return orders;
}

async function expectStatus(orders: Orders, status: string): Promise<void> {
  await expect.poll(() => orders.resources.health().worst, PATIENCE).toBe(status);
}

describe('a PostgreSQL that is killed while its connections lie idle', () => {
  watchRejections();

  it.each([
    // Those say that they ended: neither a look nor a round is anywhere near.
    ['by what its connections tell', { intervalMs: 86_400_000, initialDelayMs: 50 }, {}],
    ['with the next regular look', { intervalMs: 200, initialDelayMs: 86_400_000 }, {}],
  ])('is unhealthy without any borrower, %s, and healthy again by itself', async (_, health, registry) => {
    const own = server as PrivateServer;
    const orders = await openIdle(own, health, registry);
    await orders.resources.check();
    await expectStatus(orders, 'healthy');

    await own.kill9();
    await expectStatus(orders, 'unhealthy');
    expect(orders.resources.list()[0]?.health).toMatchObject({
      reason: expect.stringMatching(/^no instance can be made: /),
    });
    await own.restart();
    await expectStatus(orders, 'healthy');

    // Nobody has asked for it, it was never quarantined, and whoever comes now is served at once.
    expect(orders.events.filter(({ type }) => type === 'acquired')).toHaveLength(3);
    expect(orders.events.filter(({ type }) => type === 'quarantined')).toEqual([]);
    await orders.run();
    expect(await orders.resources.close()).toMatchObject({ forced: 0, left: 0 });
    await expect.poll(() => orders.backends(), PATIENCE).toEqual([]);
  });
});

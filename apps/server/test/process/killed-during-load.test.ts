import { describeDrivers } from '@tenon/database/testing';
import { describe, expect, it, vi } from 'vitest';
import { createProducts, signIn } from './support/api-client.ts';
import { checkOrders } from './support/check-orders.ts';
import { startOrderLoad } from './support/order-load.ts';
import { openPlace } from './support/place.ts';
import { startServerProcess } from './support/server-process.ts';

const CONNECTIONS = 24;
const ACKNOWLEDGED_BEFORE_THE_KILL = 150;
const STOCK = 1_000_000;

describe.concurrent.each(describeDrivers())('a server that is killed in the middle of a load, on %s', (driver) => {
  it('has lost no acknowledged order and has none in part, and repeating the rest makes each once', async () => {
    await using place = await openPlace(driver);
    await using first = startServerProcess(place.settings);
    const url = await first.ready();
    const { accessToken: token } = await signIn(url);
    const products = await createProducts(
      url,
      token,
      Array.from({ length: 8 }, () => STOCK),
    );

    const load = startOrderLoad({ url, token, products, connections: CONNECTIONS });
    await vi.waitUntil(() => load.acknowledged() >= ACKNOWLEDGED_BEFORE_THE_KILL, { timeout: 30_000, interval: 1 });
    first.kill('SIGKILL');
    await load.finished;
    expect(await first.exit()).toEqual({ code: null, signal: 'SIGKILL' });
    const broken = load.attempts.filter(({ outcome }) => outcome.kind === 'broken');
    expect(broken).toHaveLength(CONNECTIONS);

    await using second = startServerProcess(place.settings);
    const again = await second.ready();
    const { accessToken } = await signIn(again);
    await checkOrders({
      url: again,
      token: accessToken,
      attempts: load.attempts,
      initialStock: STOCK,
      mostUnanswered: CONNECTIONS,
    });
  });
});

describe.concurrent('two servers on one embedded database', () => {
  it('cannot be: the second is refused by name and harms nothing', async () => {
    await using place = await openPlace('pglite');
    await using first = startServerProcess(place.settings);
    const url = await first.ready();
    await using second = startServerProcess(place.settings);
    expect(await second.exit()).toEqual({ code: 1, signal: null });
    expect(second.output()).toContain('DATABASE_DIRECTORY_LOCKED');
    expect(second.output()).toContain(`in use by process ${first.pid}`);
    await signIn(url);
  });
});

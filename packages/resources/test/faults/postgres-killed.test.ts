import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../../scripts/services/postgres.ts';
import type { PrivateServer } from '../../../../scripts/services/service.ts';
import { expectWorking, openOrders, PATIENCE, startLoad, watchRejections } from './open-orders.ts';

const WORKERS = 20;
const MAX = 8;
const BACKOFF_MS = 200;

let server: PrivateServer | undefined;
let reason = '';

beforeAll(async () => {
  const started = await startPostgres();
  if (started.available) ({ server } = started);
  else ({ reason } = started);
});
afterAll(() => server?.stop());

describe('a PostgreSQL that is killed under load', () => {
  watchRejections();

  it('leaves nothing behind, and is used again with the first try after its restart', async (context) => {
    const own = server ?? context.skip(reason);
    const orders = openOrders(own.url, { pool: { max: MAX, createBackoff: { initialMs: 20, maxMs: BACKOFF_MS } } });
    const load = startLoad(WORKERS, () => orders.run());
    await expectWorking(load);

    await own.kill9();
    const failedMs = (): readonly number[] =>
      orders.events
        .filter((each) => each.type === 'pool' && each.event.type === 'create-failed')
        .map(({ atMs }) => atMs);
    // Until the back-off has grown to its longest.
    await expect.poll(() => failedMs().length, PATIENCE).toBeGreaterThan(5);
    await own.restart();
    const restartedMs = Date.now();
    await expectWorking(load);
    await load.stop();

    // One may have been under way when it came back; what comes after that and the longest wait works.
    expect(failedMs().filter((atMs) => atMs > restartedMs).length).toBeLessThanOrEqual(1);
    expect(load.uncoded).toEqual([]);
    expect([...load.codes].toSorted()).toEqual(
      expect.arrayContaining(['RESOURCE_INITIALIZATION_FAILED', 'RESOURCE_UNAVAILABLE']),
    );
    const expected = ['RESOURCE_CONNECTION_LOST', 'RESOURCE_INITIALIZATION_FAILED', 'RESOURCE_UNAVAILABLE'];
    expect([...load.codes].filter((code) => !expected.includes(code))).toEqual([]);
    const size = (): number => orders.resources.list()[0]?.pool.size ?? -1;
    // A look may have one of its own, for a moment.
    await expect.poll(async () => (await orders.backends()).length - size(), PATIENCE).toBe(0);
    expect(size()).toBeLessThanOrEqual(MAX);
    expect(await orders.resources.close()).toMatchObject({ forced: 0, left: 0 });
    await expect.poll(() => orders.backends(), PATIENCE).toEqual([]);
  });
});

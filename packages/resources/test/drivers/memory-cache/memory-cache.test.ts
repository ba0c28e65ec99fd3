import { createTestClock, failureOf, type TestClock } from '@tenon/core/testing';
import { createResources, type Borrowed, type Resources, type ResourceToken } from '@tenon/resources';
import { memoryCache, type MemoryCacheFace, type MemoryCacheOptions } from '@tenon/resources/drivers/memory-cache';
import { resourceContract } from '@tenon/resources/testing';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inTenant } from '../../support/open-resources.ts';

interface Open {
  readonly cache: Borrowed<MemoryCacheFace<unknown>>;
  readonly resources: Resources;
  readonly token: ResourceToken<MemoryCacheFace<unknown>>;
  readonly clock: TestClock;
  readonly poolClock: TestClock;
}

async function open(options: MemoryCacheOptions = {}): Promise<Open> {
  const clock = createTestClock();
  const poolClock = createTestClock();
  const token = memoryCache<unknown>('cache', { clock, ...options });
  const resources = createResources({ define: [token], clock: poolClock, idleResourceMs: Infinity });
  onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
  const cache = await inTenant('acme', () => resources.acquire(token));
  return { cache, resources, token, clock, poolClock };
}

const strategies = ['lru', 'lfu', 'fifo'] as const;

describe('the memory cache driver', () => {
  it.each(
    resourceContract(
      async () => ({
        token: memoryCache<string>('cache'),
        work: async (cache) => {
          cache.set('key', 'value');
          return cache.get('key');
        },
        close: () => Promise.resolve(),
      }),
      { hasServer: false, hasLogin: false },
    ),
  )('keeps the contract: $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it('defines what it is told to', () => {
    expect(memoryCache('cache', { version: '2.1.0' }).version).toBe('2.1.0');
    expect(memoryCache('cache')).toMatchObject({ version: '1.0.0', technology: 'memory-cache' });
  });

  it('holds 1,000 entries unless it is told otherwise', async () => {
    const { cache } = await open();
    for (let index = 0; index < 2_000; index += 1) cache.set(String(index), index);
    expect(cache.statistics()).toMatchObject({ entries: 1_000, evictions: 1_000 });
  });

  it('refuses settings that it cannot keep', async () => {
    for (const options of [
      { maxEntries: 0 },
      { maxEntries: 10_000_001 },
      { maxEntries: 1.5 },
      { ttlMs: 0 },
      { loadTimeoutMs: 0 },
      { strategy: 'random' as never },
    ]) {
      const failure = await failureOf(() => createResources({ define: [memoryCache('cache', options)] }));
      expect(failure.code).toBe('RESOURCE_CONFIGURATION_INVALID');
    }
  });
});

describe.each(strategies)('a memory cache that puts out by %s', (strategy) => {
  it('keeps values as they are, null and false among them, and refuses undefined', async () => {
    const { cache } = await open({ strategy });
    const value = { deep: [1] };
    for (const [key, one] of [
      ['object', value],
      ['null', null],
      ['false', false],
      ['', 0],
    ] as const) {
      cache.set(key, one);
      expect(cache.get(key)).toBe(one);
      expect(cache.has(key)).toBe(true);
    }
    expect((await failureOf(() => cache.set('x', undefined))).code).toBe('RESOURCE_VALUE_INVALID');
    expect(cache.get('none')).toBeUndefined();
    expect(cache.has('none')).toBe(false);
    expect([cache.delete('object'), cache.delete('object')]).toEqual([true, false]);
    expect(cache.get('object')).toBeUndefined();
    cache.clear();
    expect(cache.statistics().entries).toBe(0);
    expect(cache.get('null')).toBeUndefined();
  });

  it('forgets values when their time is over, and not before', async () => {
    const { cache, clock } = await open({ strategy, ttlMs: 1_000 });
    cache.set('default', 1);
    cache.set('brief', 1, { ttlMs: 10 });
    cache.set('ever', 1, { ttlMs: Infinity });
    await clock.advance(9);
    expect(cache.get('brief')).toBe(1);
    await clock.advance(1);
    expect(cache.has('brief')).toBe(false);
    expect(cache.get('brief')).toBeUndefined();
    expect(cache.get('default')).toBe(1);
    cache.set('default', 2);
    await clock.advance(999);
    expect(cache.get('default')).toBe(2);
    await clock.advance(1);
    expect(cache.delete('default')).toBe(false);
    await clock.advance(1e12);
    expect(cache.get('ever')).toBe(1);
    for (const ttlMs of [0, -1, Number.NaN]) {
      expect((await failureOf(() => cache.set('x', 1, { ttlMs }))).code).toBe('RESOURCE_VALUE_INVALID');
      expect((await failureOf(cache.getOrLoad('y', async () => 1, { ttlMs }))).code).toBe('RESOURCE_VALUE_INVALID');
    }
    expect(cache.statistics()).toMatchObject({ expirations: 1 });
  });

  it('never holds more entries than it may, whatever is done', async () => {
    const { cache } = await open({ strategy, maxEntries: 5 });
    const step = fc.record({ operation: fc.constantFrom('set', 'get', 'delete', 'has'), key: fc.nat({ max: 20 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
        cache.clear();
        const model = new Map<string, number>();
        for (const [index, { operation, key }] of steps.entries()) {
          const name = String(key);
          if (operation === 'set') {
            cache.set(name, index);
            model.set(name, index);
          } else if (operation === 'delete') {
            cache.delete(name);
            model.delete(name);
          } else if (operation === 'has') cache.has(name);
          const got = operation === 'get' ? cache.get(name) : undefined;
          expect([undefined, model.get(name)]).toContain(got);
          expect(cache.statistics().entries).toBeLessThanOrEqual(5);
          expect(cache.statistics().entries).toBeLessThanOrEqual(model.size);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('costs as much for 100,000 entries as for 1,000, by a factor that a linear search would not have', async () => {
    const nanosecondsEach = async (maxEntries: number): Promise<number> => {
      const { cache } = await open({ strategy, maxEntries });
      for (let index = 0; index < maxEntries; index += 1) cache.set(`k${index}`, index);
      const rounds = 20_000;
      const startedMs = performance.now();
      for (let index = 0; index < rounds; index += 1) {
        cache.set(`n${index}`, index);
        cache.get(`k${index % maxEntries}`);
      }
      expect(cache.statistics()).toMatchObject({ entries: maxEntries, evictions: rounds });
      return ((performance.now() - startedMs) * 1e6) / rounds;
    };
    await nanosecondsEach(1_000);
    const small = Math.min(await nanosecondsEach(1_000), await nanosecondsEach(1_000));
    const large = Math.min(await nanosecondsEach(100_000), await nanosecondsEach(100_000));
    expect(large / small).toBeLessThan(25);
  });
});

describe('what a full memory cache puts out', () => {
  const left = (cache: MemoryCacheFace<unknown>): string =>
    ['a', 'b', 'c', 'd'].filter((key) => cache.has(key)).join('');

  it('is by lru the entry that was used longest ago, and looking is no use', async () => {
    const { cache } = await open({ maxEntries: 3 });
    for (const key of ['a', 'b', 'c']) cache.set(key, 1);
    cache.get('a');
    cache.has('b');
    cache.set('d', 1);
    expect(left(cache)).toBe('acd');
    cache.set('c', 2);
    cache.set('b', 1);
    cache.set('a', 1);
    expect(left(cache)).toBe('abc');
  });

  it('is by lfu the entry that was used least often, of several the one used longest ago', async () => {
    const { cache } = await open({ maxEntries: 3, strategy: 'lfu' });
    for (const key of ['a', 'b', 'c']) cache.set(key, 1);
    for (const key of ['a', 'a', 'b', 'c', 'c']) cache.get(key);
    cache.set('d', 1);
    expect(left(cache)).toBe('acd');
    cache.set('b', 1);
    expect(left(cache)).toBe('abc');
    cache.delete('c');
    cache.set('d', 1);
    expect(left(cache)).toBe('abd');
    cache.get('b');
    cache.set('c', 1);
    expect(left(cache)).toBe('abc');
  });

  it('is by fifo the entry that was added first, however often it was used or written', async () => {
    const { cache } = await open({ maxEntries: 3, strategy: 'fifo' });
    for (const key of ['a', 'b', 'c']) cache.set(key, 1);
    cache.get('a');
    cache.set('a', 2);
    cache.set('d', 1);
    expect(left(cache)).toBe('bcd');
  });
});

describe('a memory cache', () => {
  it('is each tenant’s own, and as narrow as it says', async () => {
    const { cache, resources, token } = await open();
    cache.set('key', 'of acme');
    const other = await inTenant('evil', () => resources.acquire(token));
    expect(other.get('key')).toBeUndefined();
    expect(other.statistics().entries).toBe(0);
    expect(await other.getOrLoad('key', async () => 'of evil')).toBe('of evil');
    other.clear();
    expect(cache.get('key')).toBe('of acme');

    const narrow = await open({ isolation: 'workflow' });
    const [one, two] = await Promise.all(
      ['w1', 'w2'].map((workflow) => narrow.resources.acquire(narrow.token, { tenant: 'acme', workflow })),
    );
    one?.set('key', 1);
    expect(two?.get('key')).toBeUndefined();
  });

  it('is still there when nobody had it for long, unless its pool says otherwise', async () => {
    for (const [pool, expected] of [
      [undefined, 1],
      [{ idleTimeoutMs: 1_000 }, undefined],
      [{ maxLifetimeMs: 1_000 }, undefined],
    ] as const) {
      const { cache, resources, token, poolClock } = await open(pool === undefined ? {} : { pool });
      cache.set('key', 1);
      await inTenant('acme', async () => {
        cache.lease.release();
        await poolClock.advance(7_200_000);
        await using again = await resources.acquire(token);
        expect(again.get('key')).toBe(expected);
      });
    }
  });

  it('counts what it does, unless it is told not to', async () => {
    const { cache } = await open({ maxEntries: 1 });
    expect(cache.statistics()).toEqual({
      entries: 0, hits: 0, misses: 0, hitRate: 0, writes: 0, evictions: 0, expirations: 0, loads: 0, loadFailures: 0,
    }); // prettier-ignore
    cache.set('a', 1);
    cache.set('b', 1);
    cache.get('b');
    cache.get('b');
    cache.get('b');
    cache.get('a');
    await expect(cache.getOrLoad('c', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(cache.statistics()).toEqual({
      entries: 1, hits: 3, misses: 2, hitRate: 0.6, writes: 2, evictions: 1, expirations: 0, loads: 1, loadFailures: 1,
    }); // prettier-ignore
    const { cache: quiet } = await open({ statistics: false });
    quiet.set('a', 1);
    quiet.get('a');
    expect(quiet.statistics()).toMatchObject({ entries: 1, hits: 0, writes: 0, hitRate: 0 });
  });

  it('loads a value once for all who ask at the same time, and keeps it', async () => {
    const { cache, clock } = await open();
    const loading = Promise.withResolvers<string>();
    const keys: string[] = [];
    const load = ({ key }: { readonly key: string }): Promise<string> => {
      keys.push(key);
      return loading.promise;
    };
    const waiting = Array.from({ length: 50 }, () => cache.getOrLoad('key', load, { ttlMs: 100 }));
    const other = cache.getOrLoad('other', async () => 'other');
    loading.resolve('loaded');
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['loaded']));
    expect(await other).toBe('other');
    expect(await cache.getOrLoad('key', load)).toBe('loaded');
    expect(keys).toEqual(['key']);
    await clock.advance(100);
    await cache.getOrLoad('key', load);
    expect(keys).toHaveLength(2);
  });

  it('keeps no failure and no undefined', async () => {
    const { cache } = await open();
    let tries = 0;
    const flaky = async (): Promise<string | undefined> => {
      tries += 1;
      if (tries === 1) throw new Error('down');
      return tries === 2 ? undefined : 'there';
    };
    const both = await Promise.allSettled([cache.getOrLoad('key', flaky), cache.getOrLoad('key', flaky)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await cache.getOrLoad('key', flaky)).toBeUndefined();
    expect(await cache.getOrLoad('key', flaky)).toBe('there');
    expect(tries).toBe(3);
  });

  it.each([
    ['delete', (cache: MemoryCacheFace<unknown>) => cache.delete('key'), undefined],
    ['clear', (cache: MemoryCacheFace<unknown>) => cache.clear(), undefined],
    ['set', (cache: MemoryCacheFace<unknown>) => cache.set('key', 'newer'), 'newer'],
  ] as const)('does not keep what was loaded before a %s', async (_, change, expected) => {
    const { cache } = await open();
    const loading = Promise.withResolvers<string>();
    const old = cache.getOrLoad('key', () => loading.promise);
    change(cache);
    loading.resolve('old');
    expect(await old).toBe('old');
    expect(cache.get('key')).toBe(expected);
    expect(await cache.getOrLoad('key', async () => 'fresh')).toBe(expected ?? 'fresh');
  });

  it('ends the wait of a caller who gives up, and of no other', async () => {
    const { cache } = await open();
    const loading = Promise.withResolvers<string>();
    const stop = new AbortController();
    const patient = cache.getOrLoad('key', () => loading.promise);
    const leaving = failureOf(cache.getOrLoad('key', () => loading.promise, { signal: stop.signal }));
    stop.abort();
    expect((await leaving).code).toBe('RESOURCE_CANCELLED');
    expect((await failureOf(cache.getOrLoad('key', () => loading.promise, { signal: stop.signal }))).code).toBe(
      'RESOURCE_CANCELLED',
    );
    loading.resolve('value');
    expect(await patient).toBe('value');
  });

  it('waits no longer for a load than it may, and tells the load', async () => {
    const { cache, clock } = await open({ loadTimeoutMs: 500 });
    let signal: AbortSignal | undefined;
    const hanging = failureOf(
      cache.getOrLoad('key', (context) => {
        ({ signal } = context);
        return new Promise<string>(() => undefined);
      }),
    );
    await clock.advance(499);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(await hanging).toMatchObject({ code: 'RESOURCE_TIMEOUT', retryable: true, details: { timeoutMs: 500 } });
    expect(signal?.aborted).toBe(true);
    expect(await cache.getOrLoad('key', async () => 'now')).toBe('now');
    expect(clock.pending()).toBe(0);
  });

  it('ends loads when it is closed, and lets nobody in after the lease', async () => {
    const { cache, resources } = await open();
    cache.set('key', 1);
    const hanging = failureOf(cache.getOrLoad('other', () => new Promise<string>(() => undefined)));
    await resources.close({ timeoutMs: 0 });
    expect((await hanging).code).toBe('RESOURCE_CANCELLED');
    for (const work of [
      () => cache.get('key'),
      () => cache.has('key'),
      () => cache.set('key', 2),
      () => cache.delete('key'),
      () => cache.clear(),
      () => cache.statistics(),
      () => cache.getOrLoad('key', async () => 1),
    ]) {
      await expect((async () => work())()).rejects.toMatchObject({
        code: expect.stringMatching(/^(LEASE_RELEASED|POOL_CLOSED)$/),
      });
    }
  });
});

import { runInContext } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { apiKey, type CacheOptions, type CacheStatistics, type StoredCredential } from '@tenon/credentials';
import { describe, expect, it } from 'vitest';
import { aMoment, createGate } from '../audit/spied-audit.ts';
import { openVault, type OpenVault, type OpenVaultOptions } from '../vault/support/open-vault.ts';
import { spyStorage } from '../vault/support/spied-storage.ts';

const scope = 'org:acme';
const reference = (at: number | string) => ({ scope, id: `id-${at}` });
const first = reference(0);

interface Cached extends OpenVault {
  /** Stores values, and forgets what was counted. */
  readonly filled: (count: number) => Promise<void>;
  readonly read: (at: number | string) => Promise<string | undefined>;
  readonly cache: () => CacheStatistics;
  /** How often storage was read. */
  readonly reads: () => number;
}

function open(cache: CacheOptions | undefined = {}, more: OpenVaultOptions = {}): Cached {
  const build: OpenVaultOptions['build'] = (builder) => builder.cache(cache);
  const opened = openVault({ auditMode: 'none', build, ...more });
  const { vault, storage } = opened;
  return {
    ...opened,
    async filled(count) {
      for (let at = 0; at < count; at += 1) await vault.store(reference(at), apiKey(`value-${at}`));
      storage.reset();
    },
    read: async (at) => (await vault.retrieve(reference(at)))?.secret.reveal(),
    cache() {
      const { cache: statistics } = vault.statistics();
      if (statistics === undefined) throw new Error('there is no cache');
      return statistics;
    },
    reads: () => storage.calls.filter((one) => one === 'get').length,
  };
}

describe('whether there is a cache', () => {
  it('is decided by who asks for one: without, every reading goes to storage', async () => {
    const { vault, storage } = openVault({ auditMode: 'none' });
    await vault.store(first, apiKey('x'));
    storage.reset();
    await vault.retrieve(first);
    await vault.retrieve(first);
    expect(storage.calls).toEqual(['get', 'get']);
    expect(vault.statistics()).toEqual({ cache: undefined });
  });

  it('is off with enabled: false, whatever else is said', async () => {
    const { vault, filled, read, reads } = open({ enabled: false, maxEntries: 10 });
    await filled(1);
    await read(0);
    await read(0);
    expect(reads()).toBe(2);
    expect(vault.statistics()).toEqual({ cache: undefined });
    vault.clearCache();
    vault.clearCacheFor(first);
  });

  it('is on with options, and with either of the short ways to give one', async () => {
    for (const build of [
      (builder) => builder.cache({ enabled: true }),
      (builder) => builder.cacheTtl(1_000),
      (builder) => builder.cacheMaxEntries(7),
    ] satisfies OpenVaultOptions['build'][]) {
      const { filled, read, reads } = open(undefined, { build });
      await filled(1);
      expect([await read(0), await read(0)]).toEqual(['value-0', 'value-0']);
      expect(reads()).toBe(1);
    }
  });

  it('is refused over a storage that others change, unless they can be heard', () => {
    const storage = spyStorage({ name: 'cluster', isShared: true });
    const invalidation = { publish: () => undefined, subscribe: () => () => undefined };
    expect(() => open({}, { storage })).toThrow(
      expect.objectContaining({ code: 'CREDENTIALS_OPTIONS_INVALID', message: expect.stringContaining('cluster') }),
    );
    expect(() => open({ enabled: false }, { storage })).not.toThrow();
    const build: OpenVaultOptions['build'] = (builder) => builder.cache({}).invalidation(invalidation);
    expect(() => open({}, { storage, build })).not.toThrow();
  });

  it.each<[string, CacheOptions]>([
    ['cache.ttlMs', { ttlMs: 0 }],
    ['cache.ttlMs', { ttlMs: 86_400_001 }],
    ['cache.idleTtlMs', { idleTtlMs: 1.5 }],
    ['cache.maxEntries', { maxEntries: 0 }],
    ['cache.maxEntries', { maxEntries: 1_000_001 }],
    ['cache.eviction', { eviction: 'fifo' as 'lru' }],
  ])('is refused with a wrong %s', (option, options) => {
    expect(() => open(options)).toThrow(
      expect.objectContaining({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option } }),
    );
  });
});

describe('how long an entry is good', () => {
  it('is counted from its reading, and not extended by use', async () => {
    const { clock, filled, read, reads } = open({ ttlMs: 1_000 });
    await filled(1);
    await read(0);
    for (let step = 0; step < 9; step += 1) {
      await clock.advance(100);
      await read(0);
    }
    await clock.advance(99);
    await read(0);
    expect(reads()).toBe(1);
    await clock.advance(1);
    await read(0);
    expect(reads()).toBe(2);
  });

  it('is counted from when its reading began', async () => {
    const { clock, storage, filled, read, reads } = open({ ttlMs: 1_000 });
    await filled(1);
    const gate = createGate();
    storage.before(() => gate.opened);
    const slow = read(0);
    await clock.advance(400);
    gate.open();
    await slow;
    await clock.advance(599);
    await read(0);
    expect(reads()).toBe(1);
    await clock.advance(1);
    await read(0);
    expect(reads()).toBe(2);
  });

  it('ends when it was not used for its idle time, which each use begins anew', async () => {
    const { clock, filled, read, reads } = open({ ttlMs: 10_000, idleTtlMs: 1_000 });
    await filled(1);
    await read(0);
    for (let step = 0; step < 5; step += 1) {
      await clock.advance(999);
      await read(0);
    }
    expect(reads()).toBe(1);
    await clock.advance(1_000);
    await read(0);
    expect(reads()).toBe(2);
  });

  it('ends with its time also when it is in use, and with its idle time before', async () => {
    const { clock, filled, read, reads } = open({ ttlMs: 2_500, idleTtlMs: 1_000 });
    await filled(1);
    await read(0);
    for (const [stepMs, expected] of [
      [900, 1],
      [900, 1],
      [700, 2],
      [1_000, 3],
    ] as const) {
      await clock.advance(stepMs);
      await read(0);
      expect(reads()).toBe(expected);
    }
  });

  it('is five minutes when nothing is said, with no idle time of its own', async () => {
    const { clock, filled, read, reads } = open();
    await filled(1);
    await read(0);
    await clock.advance(299_999);
    await read(0);
    expect(reads()).toBe(1);
    await clock.advance(1);
    await read(0);
    expect(reads()).toBe(2);
  });

  it('is as long as it says, also when nobody asks for a while', async () => {
    const { clock, filled, read, reads } = open({ ttlMs: 3_600_000 });
    await filled(1);
    await read(0);
    await clock.advance(3_599_999);
    await read(0);
    expect(reads()).toBe(1);
  });

  it('does not change when the clock of the machine is set', async () => {
    const { clock, filled, read, reads } = open({ ttlMs: 1_000 });
    await filled(1);
    await read(0);
    clock.setNow(clock.now() + 86_400_000);
    await read(0);
    expect(reads()).toBe(1);
  });
});

describe('how many there are', () => {
  it.each(['lru', 'lfu'] as const)(
    'never is more than the most with %s, and what went is counted',
    async (eviction) => {
      const { filled, read, cache } = open({ maxEntries: 10, eviction });
      await filled(100);
      for (let at = 0; at < 100; at += 1) {
        await read(at);
        expect(cache().entries).toBe(Math.min(10, at + 1));
      }
      expect(cache()).toMatchObject({ maxEntries: 10, evictions: 90, isFull: true, utilization: 1 });
    },
  );

  it('never is more although many come at the same time', async () => {
    const { filled, read, cache } = open({ maxEntries: 10 });
    await filled(100);
    await Promise.all(Array.from({ length: 100 }, (_, at) => read(at)));
    expect(cache()).toMatchObject({ entries: 10, evictions: 90 });
  });

  it('is a thousand at most when nothing is said', () => {
    expect(open().cache()).toEqual({
      hits: 0,
      misses: 0,
      evictions: 0,
      entries: 0,
      maxEntries: 1_000,
      hitRate: 0,
      isFull: false,
      utilization: 0,
    });
  });

  it('is kept by giving up the least recently used, when nothing else is said', async () => {
    const kept = async (eviction?: 'lru' | 'lfu') => {
      const { filled, read, reads } = open({ maxEntries: 2, ...(eviction === undefined ? {} : { eviction }) });
      await filled(3);
      // The first is used often, but longest ago.
      for (const at of [0, 0, 0, 1, 2]) await read(at);
      const before = reads();
      await read(0);
      return reads() === before;
    };
    expect(await kept()).toBe(false);
    expect(await kept('lru')).toBe(false);
    expect(await kept('lfu')).toBe(true);
  });

  it('is kept by giving up what was used longest ago, not what came first', async () => {
    const { filled, read, reads } = open({ maxEntries: 2 });
    await filled(3);
    for (const at of [0, 1, 0, 2]) await read(at);
    expect(reads()).toBe(3);
    await read(0);
    expect(reads()).toBe(3);
    await read(1);
    expect(reads()).toBe(4);
  });

  it('has room again where an entry’s time is over, although it was used more often than any other', async () => {
    const { clock, filled, read, reads, cache } = open({ maxEntries: 2, eviction: 'lfu', ttlMs: 1_000 });
    await filled(4);
    for (let use = 0; use < 50; use += 1) {
      await read(0);
      await read(1);
    }
    await clock.advance(1_000);
    for (const at of [2, 3, 2, 3]) await read(at);
    expect(reads()).toBe(4);
    expect(cache().evictions).toBe(0);
  });
});

describe('what is counted', () => {
  it('is each look-up once, as a hit or a miss', async () => {
    const { filled, read, cache, vault } = open();
    await filled(2);
    await read(0);
    await read(0);
    await read(1);
    await read('missing');
    await vault.validate(first);
    expect(cache()).toMatchObject({ hits: 2, misses: 3, hitRate: 0.4, entries: 2, utilization: 0.002, isFull: false });
  });

  it('is exact with many at the same time', async () => {
    const { filled, read, cache, reads } = open();
    await filled(10);
    const all = () => Promise.all(Array.from({ length: 1_000 }, (_, at) => read(at % 10)));
    await all();
    expect(cache()).toMatchObject({ hits: 0, misses: 1_000 });
    expect(reads()).toBe(10);
    await all();
    expect(cache()).toMatchObject({ hits: 1_000, misses: 1_000, hitRate: 0.5 });
    expect(reads()).toBe(10);
  });
});

describe('several who want the same at the same time', () => {
  it('share one reading', async () => {
    const { filled, read, reads } = open();
    await filled(1);
    const values = await Promise.all(Array.from({ length: 100 }, () => read(0)));
    expect(new Set(values)).toEqual(new Set(['value-0']));
    expect(reads()).toBe(1);
  });

  it('share its failure, which is not kept', async () => {
    const { storage, filled, vault, reads, read } = open();
    await filled(1);
    storage.before(() => {
      throw new Error('away');
    });
    const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(vault.retrieve(first))));
    expect(codes).toEqual(Array.from({ length: 5 }, () => 'CREDENTIAL_STORAGE_FAILED'));
    expect(reads()).toBe(1);
    storage.reset();
    expect(await read(0)).toBe('value-0');
  });

  it('do not keep that there was nothing', async () => {
    const { vault, read, cache } = open();
    expect(await read(0)).toBeUndefined();
    expect(cache().entries).toBe(0);
    await vault.store(first, apiKey('x'));
    expect(await read(0)).toBe('x');
  });

  it('are not given up with the one who began', async () => {
    const { storage, filled, vault, read, reads } = open();
    await filled(1);
    const gate = createGate();
    storage.before(() => gate.opened);
    const caller = new AbortController();
    const began = runInContext({ signal: caller.signal }, () => codeOf(vault.retrieve(first)));
    const joined = read(0);
    await aMoment();
    caller.abort();
    expect(await began).toBe('CREDENTIAL_ABORTED');
    gate.open();
    expect(await joined).toBe('value-0');
    expect(reads()).toBe(1);
  });

  it('may give up one by one', async () => {
    const { storage, filled, vault, read } = open();
    await filled(1);
    const gate = createGate();
    storage.before(() => gate.opened);
    const began = read(0);
    const caller = new AbortController();
    const joined = runInContext({ signal: caller.signal }, () => codeOf(vault.retrieve(first)));
    await aMoment();
    caller.abort();
    expect(await joined).toBe('CREDENTIAL_ABORTED');
    gate.open();
    expect(await began).toBe('value-0');
  });
});

describe('after a change', () => {
  const changes: [string, (opened: Cached) => Promise<unknown>][] = [
    ['store', ({ vault }) => vault.store(first, apiKey('new'))],
    ['storeMany', ({ vault }) => vault.storeMany([{ reference: first, material: apiKey('new') }])],
    ['rotate', ({ vault }) => vault.rotate(first, apiKey('new'))],
    ['delete', ({ vault }) => vault.delete(first)],
    ['deleteMany', ({ vault }) => vault.deleteMany([first])],
  ];

  it.each(changes)('by %s, what is new is read', async (name, change) => {
    for (const hasBatches of [false, true]) {
      const opened = open({}, { hasBatches });
      await opened.filled(1);
      await opened.read(0);
      await change(opened);
      expect(await opened.read(0)).toBe(name.startsWith('delete') ? undefined : 'new');
    }
  });

  it.each(changes)(
    'by %s that the storage may have made although it failed, what is new is read',
    async (name, change) => {
      for (const hasBatches of [false, true]) {
        const opened = open({}, { hasBatches });
        await opened.filled(1);
        await opened.read(0);
        opened.storage.after((operation) => {
          if (!operation.startsWith('get')) throw new Error('the answer was lost');
        });
        await change(opened).catch(() => undefined);
        expect(await opened.read(0)).toBe(name.startsWith('delete') ? undefined : 'new');
      }
    },
  );

  it.each(changes)('by %s, a reading that began before it is not kept', async (name, change) => {
    const opened = open();
    await opened.filled(1);
    const gate = createGate();
    // The old value has been read, and is on its way.
    opened.storage.after((operation) => (operation === 'get' ? gate.opened : undefined));
    const slow = opened.read(0);
    await aMoment();
    opened.storage.after(() => undefined);
    await change(opened);
    gate.open();
    expect(await slow).toBe('value-0');
    expect(await opened.read(0)).toBe(name.startsWith('delete') ? undefined : 'new');
  });

  it('nobody who asks later is given what a reading from before brings', async () => {
    const { vault, storage, filled, read } = open();
    await filled(1);
    const gate = createGate();
    storage.after((operation) => (operation === 'get' ? gate.opened : undefined));
    const slow = read(0);
    await aMoment();
    storage.after(() => undefined);
    await vault.store(first, apiKey('new'));
    const later = read(0);
    await aMoment();
    gate.open();
    expect([await slow, await later, await read(0)]).toEqual(['value-0', 'new', 'new']);
  });

  it('of the versions, what is new is read', async () => {
    const { vault, filled, read } = open();
    await filled(1);
    await vault.rotate(first, apiKey('new'));
    await read(0);
    await vault.rollBack(first);
    expect(await read(0)).toBe('value-0');
    expect(await codeOf(vault.retrieve(first, { version: 1 }))).toBe('none');
    await vault.revokePrevious(first);
    expect(await vault.retrieve(first, { version: 1 })).toBeUndefined();
  });

  it('of one credential, the others stay', async () => {
    const { vault, filled, read, reads, cache } = open();
    await filled(3);
    for (const at of [0, 1, 2]) await read(at);
    await vault.delete(first);
    expect(cache().entries).toBe(2);
    const before = reads();
    await read(1);
    expect(reads()).toBe(before);
  });
});

describe('forgetting by hand', () => {
  it('forgets everything', async () => {
    const { vault, filled, read, reads, cache } = open();
    await filled(3);
    for (const at of [0, 1, 2]) await read(at);
    vault.clearCache();
    expect(cache()).toMatchObject({ entries: 0, evictions: 0 });
    for (const at of [0, 1, 2]) await read(at);
    expect(reads()).toBe(6);
  });

  it('forgets one, and nothing else', async () => {
    const { vault, filled, read, reads } = open();
    await filled(2);
    for (const at of [0, 1]) await read(at);
    vault.clearCacheFor(first);
    for (const at of [0, 1]) await read(at);
    expect(reads()).toBe(3);
  });

  it('does not keep what is being read meanwhile', async () => {
    const { vault, storage, filled, read, cache } = open();
    await filled(2);
    const gate = createGate();
    storage.before(() => gate.opened);
    const both = [read(0), read(1)];
    await aMoment();
    vault.clearCacheFor(first);
    gate.open();
    await Promise.all(both);
    expect(cache().entries).toBe(1);
    const second = createGate();
    storage.before(() => second.opened);
    const slow = read(0);
    await aMoment();
    vault.clearCache();
    second.open();
    await slow;
    expect(cache().entries).toBe(0);
  });
});

it('keeps the tenants apart', async () => {
  const { vault } = open({}, { tenant: 'none' });
  const as = <T>(tenant: string, work: () => Promise<T>): Promise<T> => runInContext({ tenant }, work);
  for (const tenant of ['acme', 'globex']) await as(tenant, () => vault.store(first, apiKey(`of ${tenant}`)));
  for (const tenant of ['acme', 'globex', 'acme', 'globex']) {
    expect((await as(tenant, () => vault.retrieve(first)))?.secret.reveal()).toBe(`of ${tenant}`);
  }
  expect(await as('initech', () => vault.retrieve(first))).toBeUndefined();
});

it('holds what storage gave, envelopes and names, and nothing that was opened', async () => {
  const inner = spyStorage();
  const given: StoredCredential[] = [];
  const storage = spyStorage({
    inner: {
      ...inner,
      name: inner.name,
      isShared: false,
      async get(key, options) {
        const record = await inner.get(key, options);
        if (record !== undefined) given.push(record);
        return record;
      },
    },
  });
  const { vault } = open({}, { storage });
  const secret = 'correct horse battery staple';
  await vault.store(first, apiKey(secret));
  given.splice(0);
  // The second comes out of the cache, which has nothing but what storage gave.
  for (const _ of [1, 2]) expect((await vault.retrieve(first))?.secret.reveal()).toBe(secret);
  expect(given).toHaveLength(1);
  const seen = [...everythingIn(given[0])];
  expect(seen.filter((one) => one instanceof Uint8Array)).toHaveLength(1);
  for (const one of seen) {
    const bytes = one instanceof Uint8Array ? Buffer.from(one) : Buffer.from(String(one));
    expect(bytes.includes(secret)).toBe(false);
    expect(bytes.includes(Buffer.from(secret).toString('base64'))).toBe(false);
  }
});

/** Every value that can be reached from one, keys and symbols included. */
function* everythingIn(value: unknown, seen = new Set<unknown>()): Generator {
  if (seen.has(value)) return;
  seen.add(value);
  yield value;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  for (const key of Reflect.ownKeys(value)) {
    yield key.toString();
    yield* everythingIn(Reflect.get(value, key), seen);
  }
}

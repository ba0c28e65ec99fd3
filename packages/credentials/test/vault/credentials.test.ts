import { silentLogger } from '@tenon/core';
import { codeOf, createTestClock, failureOf } from '@tenon/core/testing';
import {
  apiKey,
  credentials,
  type CacheInvalidation,
  type CredentialVault,
  type InvalidationListener,
} from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';
import { describe, expect, it } from 'vitest';
import { createListAudit, createMemoryLogger, openVault, type LogLine } from './support/open-vault.ts';
import { spyStorage } from './support/spied-storage.ts';

const reference = { scope: 'org:acme', id: 'key' };
const unavailable = () => Promise.reject(new Error('away'));

/** A builder as plain JavaScript sees it. */
type Loose = {
  [step in 'storage' | 'keys' | 'tenant' | 'defaultScope' | 'kind' | 'audit' | 'retry']: (given: unknown) => Loose;
} & {
  batchConcurrency(given: unknown): Loose;
  operationTimeout(given: unknown): Loose;
  cacheTtl(given: unknown): Loose;
  cacheMaxEntries(given: unknown): Loose;
  cache(given: unknown): Loose;
  build(): CredentialVault;
};
const loose = (): Loose => credentials() as unknown as Loose;
const complete = (): Loose => loose().storage(memoryStorage()).keys(KeyRing.generate());

describe('the builder', () => {
  it('builds in one chain, in any order of its steps', async () => {
    const ring = KeyRing.generate();
    const storage = memoryStorage();
    const vault = credentials()
      .batchConcurrency(5)
      .keys(ring)
      .cacheTtl(1_000)
      .tenant('main')
      .cacheMaxEntries(10)
      .logger(silentLogger)
      .storage(storage)
      .defaultScope('org:acme')
      .build();
    await vault.store({ id: 'key' }, apiKey('x'));
    const other = credentials().tenant('main').storage(storage).keys(ring).build();
    expect((await other.retrieve(reference))?.secret.reveal()).toBe('x');
  });

  it('takes the last of several settings of one thing', async () => {
    const { vault } = openVault({
      build: (builder) =>
        builder
          .defaultScope('org:first')
          .defaultScope('org:last')
          .cacheMaxEntries(5)
          .cacheMaxEntries(7)
          .cache({ maxEntries: 9, ttlMs: 1 })
          .cacheTtl(1_000)
          .tenant('first')
          .tenant('main'),
    });
    expect(vault.statistics().cache?.maxEntries).toBe(9);
    expect((await vault.store({ id: 'key' }, apiKey('x'))).scope).toBe('org:last');
  });

  it('is never changed by a step: what was begun together goes on apart', async () => {
    const base = credentials().storage(memoryStorage()).keys(KeyRing.generate()).tenant('main');
    const one = base.defaultScope('org:one').build();
    const two = base.defaultScope('org:two').cache({}).build();
    const none = base.build();
    expect((await one.store({ id: 'key' }, apiKey('x'))).scope).toBe('org:one');
    expect((await two.store({ id: 'key' }, apiKey('x'))).scope).toBe('org:two');
    expect(await codeOf(none.store({ id: 'key' }, apiKey('x')))).toBe('CREDENTIAL_SCOPE_REQUIRED');
    expect([one, two, none].map((vault) => vault.statistics().cache !== undefined)).toEqual([false, true, false]);
    expect(Object.isFrozen(base)).toBe(true);
  });

  it('gives a vault that is frozen, and whose views are', () => {
    const { vault } = openVault();
    for (const one of [vault, vault.within('org:acme'), vault.asAdministrator('x')]) {
      expect(Object.isFrozen(one)).toBe(true);
    }
  });
});

describe('a builder in plain JavaScript', () => {
  it.each<[string, () => Loose]>([
    ['storage', () => loose().keys(KeyRing.generate())],
    ['storage', () => loose()],
    ['storage', () => complete().storage(undefined)],
    ['storage', () => complete().storage(null)],
    ['storage', () => complete().storage({})],
    ['keys', () => loose().storage(memoryStorage())],
    ['keys', () => complete().keys(undefined)],
    ['keys', () => complete().keys('base64 of a key')],
    ['tenant', () => complete().tenant('')],
    ['tenant', () => complete().tenant('x'.repeat(65))],
    ['tenant', () => complete().tenant('a|b')],
    ['tenant', () => complete().tenant(7)],
    ['defaultScope', () => complete().defaultScope('')],
    ['defaultScope', () => complete().defaultScope('acme')],
    ['defaultScope', () => complete().defaultScope(7)],
    ['kind', () => complete().kind(undefined)],
    ['kind', () => complete().kind({ definition: { name: 'No name' } })],
    ['audit.audit', () => complete().audit({})],
    ['audit.mode', () => complete().audit({ audit: createListAudit([]), mode: 'require' })],
    ['audit.timeoutMs', () => complete().audit({ audit: createListAudit([]), timeoutMs: 0 })],
    ['batchConcurrency', () => complete().batchConcurrency(0)],
    ['batchConcurrency', () => complete().batchConcurrency(101)],
    ['batchConcurrency', () => complete().batchConcurrency(1.5)],
    ['batchConcurrency', () => complete().batchConcurrency('10')],
    ['operationTimeout', () => complete().operationTimeout(0)],
    ['operationTimeout', () => complete().operationTimeout(60_001)],
    ['operationTimeout', () => complete().operationTimeout(Number.POSITIVE_INFINITY)],
    ['retry.attempts', () => complete().retry({ attempts: 0 })],
    ['retry.attempts', () => complete().retry({ attempts: 11 })],
    ['retry.baseDelayMs', () => complete().retry({ baseDelayMs: 0 })],
    ['retry.baseDelayMs', () => complete().retry({ baseDelayMs: 10_001 })],
    ['retry.maxDelayMs', () => complete().retry({ maxDelayMs: 0 })],
    ['retry.maxDelayMs', () => complete().retry({ maxDelayMs: 30_001 })],
    ['cache.ttlMs', () => complete().cacheTtl(0)],
    ['cache.ttlMs', () => complete().cacheTtl(86_400_001)],
    ['cache.idleTtlMs', () => complete().cache({ idleTtlMs: 0 })],
    ['cache.maxEntries', () => complete().cacheMaxEntries(0)],
    ['cache.maxEntries', () => complete().cacheMaxEntries(1_000_001)],
    ['cache.eviction', () => complete().cache({ eviction: 'random' })],
  ])('is told what is wrong with %s', async (option, make) => {
    const failure = await failureOf(() => make().build());
    expect(failure).toMatchObject({ code: 'CREDENTIALS_OPTIONS_INVALID', details: { option } });
    expect(failure.message).toContain(option);
    expect(failure.message).not.toContain('base64 of a key');
  });

  it.each<[string, () => Loose]>([
    ['tenants of 1 and 64 characters', () => complete().tenant('x').tenant('x'.repeat(64))],
    ['1 in a batch', () => complete().batchConcurrency(1)],
    ['2 in a batch', () => complete().batchConcurrency(2)],
    ['99 in a batch', () => complete().batchConcurrency(99)],
    ['100 in a batch', () => complete().batchConcurrency(100)],
    ['a timeout of 1 ms', () => complete().operationTimeout(1)],
    ['a timeout of 60,000 ms', () => complete().operationTimeout(60_000)],
    ['the least retry', () => complete().retry({ attempts: 1, baseDelayMs: 1, maxDelayMs: 1 })],
    ['the most retry', () => complete().retry({ attempts: 10, baseDelayMs: 10_000, maxDelayMs: 30_000 })],
    ['the smallest cache', () => complete().cache({ ttlMs: 1, idleTtlMs: 1, maxEntries: 1 })],
    ['the largest cache', () => complete().cache({ ttlMs: 86_400_000, idleTtlMs: 86_400_000, maxEntries: 1_000_000 })],
  ])('may set %s', async (_, make) => {
    expect(await codeOf(() => make().build())).toBe('none');
  });
});

describe('without further settings a vault', () => {
  it('has no cache: every read is one of the storage', async () => {
    const { vault, storage } = openVault();
    await vault.store(reference, apiKey('x'));
    storage.reset();
    await vault.retrieve(reference);
    await vault.retrieve(reference);
    expect(storage.calls).toEqual(['get', 'get']);
    expect(vault.statistics()).toEqual({ cache: undefined });
    vault.clearCache();
    vault.clearCacheFor(reference);
  });

  it('works on 10 of a batch at a time', async () => {
    const { vault, storage } = openVault();
    storage.before(() => new Promise((resolve) => setImmediate(resolve)));
    await vault.retrieveMany(Array.from({ length: 35 }, (_, index) => ({ ...reference, id: `${index}` })));
    expect(storage.mostInFlight).toBe(10);
  });

  it('waits 5,000 ms for the storage', async () => {
    const { vault, storage, clock } = openVault();
    storage.before(() => new Promise(() => undefined));
    let ended = false;
    const failed = failureOf(vault.retrieve(reference)).finally(() => (ended = true));
    await clock.advance(4_999);
    expect(ended).toBe(false);
    await clock.advance(1);
    expect(await failed).toMatchObject({ code: 'CREDENTIAL_STORAGE_TIMEOUT', details: { timeoutMs: 5_000 } });
  });

  it('keeps 1,000 credentials for 5 minutes once it has a cache', async () => {
    const { vault, storage, clock } = openVault({ build: (builder) => builder.cache({}) });
    await vault.store(reference, apiKey('x'));
    await vault.retrieve(reference);
    storage.reset();
    expect(vault.statistics().cache).toMatchObject({ maxEntries: 1_000, entries: 1 });
    await clock.advance(299_999);
    await vault.retrieve(reference);
    expect(storage.calls).toEqual([]);
    await clock.advance(1);
    await vault.retrieve(reference);
    expect(storage.calls).toEqual(['get']);
  });
});

describe('a setting of the builder', () => {
  it.each<[string, Parameters<typeof openVault>[0]]>([
    ['cacheTtl', { build: (builder) => builder.cacheTtl(1_000) }],
    ['cache with ttlMs', { build: (builder) => builder.cache({ ttlMs: 1_000 }) }],
    ['cache with idleTtlMs', { build: (builder) => builder.cache({ idleTtlMs: 1_000 }) }],
  ])('%s says how long an entry is good', async (_, options) => {
    const { vault, storage, clock } = openVault(options ?? {});
    await vault.store(reference, apiKey('x'));
    await vault.retrieve(reference);
    storage.reset();
    await clock.advance(999);
    await vault.validate(reference);
    expect(storage.calls).toEqual([]);
    await clock.advance(1_000);
    await vault.retrieve(reference);
    expect(storage.calls).toEqual(['get']);
  });

  it('cacheMaxEntries says how many there are', async () => {
    const { vault } = openVault({ build: (builder) => builder.cacheMaxEntries(2) });
    for (const id of ['a', 'b', 'c']) {
      await vault.store({ ...reference, id }, apiKey('x'));
      await vault.retrieve({ ...reference, id });
    }
    expect(vault.statistics().cache).toMatchObject({ entries: 2, maxEntries: 2, evictions: 1, isFull: true });
  });

  it.each(['lru', 'lfu'] as const)('cache with eviction %s says which one goes', async (eviction) => {
    const { vault, storage } = openVault({ build: (builder) => builder.cache({ eviction, maxEntries: 2 }) });
    for (const id of ['a', 'b', 'c']) await vault.store({ ...reference, id }, apiKey('x'));
    for (const id of ['a', 'a', 'a', 'b', 'c']) await vault.retrieve({ ...reference, id });
    storage.reset();
    await vault.retrieve({ ...reference, id: 'a' });
    expect(storage.calls).toEqual(eviction === 'lru' ? ['get'] : []);
  });

  it('cache with enabled: false means none, and a later one switches it on again', () => {
    const isOn = (build: Parameters<typeof openVault>[0]) => openVault(build).vault.statistics().cache !== undefined;
    expect(isOn({ build: (builder) => builder.cache({ enabled: false }) })).toBe(false);
    expect(isOn({ build: (builder) => builder.cacheTtl(5).cache({ enabled: false }) })).toBe(false);
    expect(isOn({ build: (builder) => builder.cache({ enabled: false }).cacheTtl(5) })).toBe(true);
    expect(isOn({ build: (builder) => builder.cache({ enabled: false }).cacheMaxEntries(5) })).toBe(true);
    expect(isOn({ build: (builder) => builder.cache({ enabled: false }).cache({ ttlMs: 5 }) })).toBe(true);
  });

  it.each([1, 3, 100])('batchConcurrency(%d) says how many are worked on at a time', async (concurrency) => {
    const { vault, storage } = openVault({ build: (builder) => builder.batchConcurrency(concurrency) });
    storage.before(() => new Promise((resolve) => setImmediate(resolve)));
    await vault.retrieveMany(Array.from({ length: 120 }, (_, index) => ({ ...reference, id: `${index}` })));
    expect(storage.mostInFlight).toBe(concurrency);
  });

  it('operationTimeout says how long the storage may take', async () => {
    const { vault, storage, clock } = openVault({ build: (builder) => builder.operationTimeout(70) });
    storage.before(() => new Promise(() => undefined));
    const failed = failureOf(vault.retrieve(reference));
    await clock.advance(70);
    expect(await failed).toMatchObject({ code: 'CREDENTIAL_STORAGE_TIMEOUT', details: { timeoutMs: 70 } });
  });

  it('tenant makes a context needless', async () => {
    const ofOne = openVault({ tenant: 'main' }).vault;
    expect(await codeOf(ofOne.retrieve(reference))).toBe('none');
    expect(await codeOf(openVault({ tenant: 'none' }).vault.retrieve(reference))).toBe('TENANT_REQUIRED');
  });

  it('clock is whose time counts', async () => {
    const clock = createTestClock(0);
    const { vault } = openVault({ build: (builder) => builder.clock(clock) });
    expect((await vault.store(reference, apiKey('x'))).createdAt).toEqual(new Date(0));
  });

  it('logger is who is told', async () => {
    const lines: LogLine[] = [];
    const { vault } = openVault({ build: (builder) => builder.logger(createMemoryLogger(lines)) });
    await vault.store(reference, apiKey('x'));
    expect(lines).toMatchObject([{ message: 'credential stored' }]);
  });

  it('audit in the mode observe does not hold anything up, required does', async () => {
    const away = { append: unavailable, query: async () => [] };
    const observing = openVault({ auditMode: 'none', build: (builder) => builder.audit({ audit: away }) });
    expect(await codeOf(observing.vault.store(reference, apiKey('x')))).toBe('none');
    const requiring = openVault({
      auditMode: 'none',
      build: (builder) => builder.audit({ audit: away, mode: 'required' }),
    });
    expect(await codeOf(requiring.vault.store(reference, apiKey('x')))).toBe('CREDENTIAL_AUDIT_UNAVAILABLE');
    expect(requiring.storage.calls).toEqual([]);
  });
});

describe('a cache on a storage that others may use too', () => {
  it('is refused without a way to hear of their changes', async () => {
    const open = () => openVault({ isShared: true, name: 'postgres', build: (builder) => builder.cacheTtl(1_000) });
    const failure = await failureOf(open);
    expect(failure.code).toBe('CREDENTIALS_OPTIONS_INVALID');
    expect(failure.message).toContain('"postgres"');
    expect(failure.message).toContain('invalidation()');
    expect(await codeOf(() => openVault({ isShared: true }))).toBe('none');
    expect(
      await codeOf(() => openVault({ isShared: true, build: (builder) => builder.cache({ enabled: false }) })),
    ).toBe('none');
  });

  it('hears of changes of others, and tells of its own', async () => {
    const listeners = new Set<InvalidationListener>();
    const told: string[] = [];
    const invalidation: CacheInvalidation = {
      publish(key) {
        told.push(key);
        for (const listener of listeners) listener.changed(key);
      },
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const ring = KeyRing.generate();
    const inner = memoryStorage();
    const process = () =>
      openVault({
        storage: spyStorage({ inner, isShared: true }),
        ring,
        build: (builder) => builder.cache({}).invalidation(invalidation),
      });
    const [one, two] = [process(), process()];
    await one.vault.store(reference, apiKey('old'));
    expect((await two.vault.retrieve(reference))?.secret.reveal()).toBe('old');
    await one.vault.store(reference, apiKey('new'));
    expect((await two.vault.retrieve(reference))?.secret.reveal()).toBe('new');
    await one.vault.delete(reference);
    expect(await two.vault.retrieve(reference)).toBeUndefined();
    expect(told).toEqual(Array.from({ length: 3 }, () => 'main|org:acme|key'));

    await one.vault.store(reference, apiKey('again'));
    await two.vault.retrieve(reference);
    for (const listener of listeners) listener.missed();
    two.storage.reset();
    await two.vault.retrieve(reference);
    expect(two.storage.calls).toEqual(['get']);
    await two.vault.close();
    expect(listeners.size).toBe(1);
  });
});

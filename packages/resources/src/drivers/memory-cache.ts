import type { Clock } from '@tenon/core';
import {
  Type,
  type Static,
  type TBoolean,
  type TInteger,
  type TLiteral,
  type TNumber,
  type TObject,
  type TOptional,
  type TUnion,
} from 'typebox';
import { defineResource } from '../definition/define-resource.ts';
import type { ExposeContext, PoolSettings } from '../definition/resource-definition.ts';
import type { ResourceToken } from '../definition/resource-token.ts';
import type { ScopeLevel } from '../scope/resource-scope.ts';
import { MemoryCache, type CacheEntry } from './memory-cache/cache.ts';
import type { MemoryCacheFace } from './memory-cache/cache-face.ts';
import type { EvictionStore } from './memory-cache/eviction-store.ts';
import { createFifoStore } from './memory-cache/fifo-store.ts';
import { createLfuStore } from './memory-cache/lfu-store.ts';
import { createLruStore } from './memory-cache/lru-store.ts';

export type {
  CacheLoadOptions,
  CacheWriteOptions,
  MemoryCacheFace,
  MemoryCacheStatistics,
} from './memory-cache/cache-face.ts';

type Schema = TObject<{
  maxEntries: TOptional<TInteger>;
  ttlMs: TOptional<TNumber>;
  strategy: TOptional<TUnion<[TLiteral<'lru'>, TLiteral<'lfu'>, TLiteral<'fifo'>]>>;
  loadTimeoutMs: TOptional<TInteger>;
  statistics: TOptional<TBoolean>;
}>;

const schema: Schema = Type.Object(
  {
    maxEntries: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
    ttlMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    strategy: Type.Optional(Type.Union([Type.Literal('lru'), Type.Literal('lfu'), Type.Literal('fifo')])),
    loadTimeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600_000 })),
    statistics: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** The settings of a memory cache. None is required. */
export interface MemoryCacheSettings {
  /** The most entries of one tenant, 1 to 10,000,000. Default 1,000. */
  readonly maxEntries?: number;
  /** After how long a value goes, in milliseconds, more than 0. Default: never. */
  readonly ttlMs?: number;
  /** Which entry is put out for another one: the one used longest ago (`lru`, default), least often (`lfu`), or added first (`fifo`). */
  readonly strategy?: 'lru' | 'lfu' | 'fifo';
  /** How long loading a value may take, in milliseconds, 1 to 3,600,000. Default 30,000. */
  readonly loadTimeoutMs?: number;
  /** Whether hits and the like are counted. Default `true`. */
  readonly statistics?: boolean;
}

/** What {@link memoryCache} takes. */
export interface MemoryCacheOptions extends MemoryCacheSettings {
  /** Down to which level of the scope there are caches of their own. Default `tenant`. */
  readonly isolation?: ScopeLevel;
  /** `idleTimeoutMs` and `maxLifetimeMs`: how long a cache lives that nobody has borrowed, and at all. Default for both: as long as its resource. */
  readonly pool?: PoolSettings;
  /** Of the definition. Default `1.0.0`. */
  readonly version?: string;
  /** Default: that of the registry. */
  readonly clock?: Clock;
}

/**
 * Defines a cache in the memory of this process: one for each tenant. It needs `lru-cache`.
 *
 * @typeParam Value - what is kept: anything but `undefined`
 * @param name - as that of {@link defineResource}
 * @example
 * ```ts
 * const users = memoryCache<User>('users', { maxEntries: 10_000, ttlMs: 60_000 });
 *
 * await using cache = await resources.acquire(users);
 * const user = await cache.getOrLoad(id, () => readUser(id));
 * ```
 */
export function memoryCache<Value>(
  name: string,
  options: MemoryCacheOptions = {},
): ResourceToken<MemoryCacheFace<Value>, Static<Schema>> {
  const { isolation = 'tenant', pool, version, clock, ...settings } = options;
  return defineResource({
    name,
    technology: 'memory-cache',
    schema,
    config: settings,
    use: 'shared',
    isolation,
    ...(version === undefined ? {} : { version }),
    // What fills a cache is worth more than the little that it costs.
    pool: { idleTimeoutMs: Infinity, maxLifetimeMs: Infinity, ...pool },
    create: ({ config, ...context }) =>
      new MemoryCache({
        resource: name,
        store: storeFor(config.strategy ?? 'lru', config.maxEntries ?? 1_000),
        ttlMs: config.ttlMs ?? Infinity,
        loadTimeoutMs: config.loadTimeoutMs ?? 30_000,
        hasStatistics: config.statistics ?? true,
        clock: clock ?? context.clock,
      }),
    destroy: (cache) => cache.end(),
    expose: (cache, context) => createFace<Value>(cache, context),
  });
}

function storeFor(strategy: 'lru' | 'lfu' | 'fifo', maxEntries: number): EvictionStore<CacheEntry> {
  const create = {
    lru: createLruStore<CacheEntry>,
    lfu: createLfuStore<CacheEntry>,
    fifo: createFifoStore<CacheEntry>,
  };
  return create[strategy](maxEntries);
}

/** What one borrower has of it. That values are of their type rests on this face alone writing them. */
function createFace<Value>(cache: MemoryCache, context: ExposeContext): MemoryCacheFace<Value> {
  return {
    get(key) {
      context.assertHeld();
      return cache.get(key) as Value | undefined;
    },
    has(key) {
      context.assertHeld();
      return cache.has(key);
    },
    set(key, value, options) {
      context.assertHeld();
      cache.set(key, value, options);
    },
    delete(key) {
      context.assertHeld();
      return cache.delete(key);
    },
    clear() {
      context.assertHeld();
      cache.clear();
    },
    statistics() {
      context.assertHeld();
      return cache.statistics();
    },
    async getOrLoad<Loaded extends Value | undefined>(
      key: string,
      load: (context: { readonly key: string; readonly signal: AbortSignal }) => Promise<Loaded>,
      options?: Parameters<MemoryCacheFace<Value>['getOrLoad']>[2],
    ) {
      context.assertHeld();
      return (await cache.getOrLoad(key, load, options)) as Value | Loaded;
    },
  };
}

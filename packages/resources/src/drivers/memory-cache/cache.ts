import {
  createSingleFlight,
  deadlineAfter,
  isCodedError,
  type Clock,
  type Flight,
  type SingleFlight,
} from '@tenon/core';
import { resourceError, type ResourceError } from '../../errors.ts';
import type { CacheLoadOptions, CacheWriteOptions, MemoryCacheStatistics } from './cache-face.ts';
import type { EvictionStore } from './eviction-store.ts';

/** One value with its end, on the clock's monotonic scale. */
export interface CacheEntry {
  readonly value: unknown;
  readonly endsMs: number;
}

/** What {@link MemoryCache} works with. */
export interface MemoryCacheParts {
  readonly resource: string;
  readonly store: EvictionStore<CacheEntry>;
  readonly ttlMs: number;
  readonly loadTimeoutMs: number;
  readonly hasStatistics: boolean;
  readonly clock: Clock;
}

type CountName = Exclude<keyof MemoryCacheStatistics, 'entries' | 'hitRate'>;

/** One tenant's cache. */
export class MemoryCache {
  readonly #parts: MemoryCacheParts;
  readonly #loads: SingleFlight<string, unknown> = createSingleFlight();
  readonly #ended = new AbortController();
  readonly #counts: Record<CountName, number> = {
    hits: 0,
    misses: 0,
    writes: 0,
    evictions: 0,
    expirations: 0,
    loads: 0,
    loadFailures: 0,
  };

  constructor(parts: MemoryCacheParts) {
    this.#parts = parts;
  }

  get(key: string): unknown {
    const { store, clock } = this.#parts;
    const entry = store.get(key);
    if (entry === undefined) this.#count('misses');
    else if (entry.endsMs > clock.monotonicMs()) {
      this.#count('hits');
      return entry.value;
    } else {
      store.delete(key);
      this.#count('expirations');
      this.#count('misses');
    }
    return undefined;
  }

  has(key: string): boolean {
    const entry = this.#parts.store.peek(key);
    return entry !== undefined && entry.endsMs > this.#parts.clock.monotonicMs();
  }

  set(key: string, value: unknown, options: CacheWriteOptions = {}): void {
    this.#loads.forget(key);
    this.#keep(key, value, options);
  }

  delete(key: string): boolean {
    this.#loads.forget(key);
    const isThere = this.has(key);
    this.#parts.store.delete(key);
    return isThere;
  }

  clear(): void {
    this.#loads.forgetAll();
    this.#parts.store.clear();
  }

  statistics(): MemoryCacheStatistics {
    const { hits, misses } = this.#counts;
    const asked = hits + misses;
    return { ...this.#counts, entries: this.#parts.store.size, hitRate: asked === 0 ? 0 : hits / asked };
  }

  async getOrLoad(
    key: string,
    load: (context: { readonly key: string; readonly signal: AbortSignal }) => Promise<unknown>,
    { signal, ...write }: CacheLoadOptions = {},
  ): Promise<unknown> {
    const found = this.get(key);
    if (found !== undefined) return found;
    checkTtl(this.#parts.resource, write.ttlMs);
    const loading = this.#loads.run(key, (flight) => this.#load(key, load, write, flight));
    return signal === undefined ? loading : untilAborted(this.#parts.resource, loading, signal);
  }

  /** Forgets all, and ends what is being loaded. */
  end(): void {
    this.#ended.abort(cancelled(this.#parts.resource, 'the cache has ended'));
    this.clear();
  }

  async #load(
    key: string,
    load: (context: { readonly key: string; readonly signal: AbortSignal }) => Promise<unknown>,
    write: CacheWriteOptions,
    flight: Flight,
  ): Promise<unknown> {
    this.#count('loads');
    let value: unknown;
    try {
      value = await this.#runLoad(key, load);
    } catch (error) {
      this.#count('loadFailures');
      throw error;
    }
    // After a change of the key meanwhile, what was loaded may be older than that.
    if (value !== undefined && !flight.isForgotten) this.#keep(key, value, write);
    return value;
  }

  async #runLoad(
    key: string,
    load: (context: { readonly key: string; readonly signal: AbortSignal }) => Promise<unknown>,
  ): Promise<unknown> {
    const { resource, loadTimeoutMs, clock } = this.#parts;
    const deadline = deadlineAfter(loadTimeoutMs, { clock, name: `a load of cache "${resource}"` });
    const signal = AbortSignal.any([deadline.signal, this.#ended.signal]);
    try {
      return await abortable(load({ key, signal }), signal);
    } catch (error) {
      if (deadline.signal.aborted && isCodedError(error, 'DEADLINE_EXCEEDED')) throw timedOut(resource, loadTimeoutMs);
      throw error;
    } finally {
      deadline.cancel();
    }
  }

  #keep(key: string, value: unknown, { ttlMs = this.#parts.ttlMs }: CacheWriteOptions): void {
    const { store, clock, resource } = this.#parts;
    checkTtl(resource, ttlMs);
    if (value === undefined) throw invalid(resource, 'a value must be something: use delete() to take it away');
    this.#count('writes');
    store.set(key, { value, endsMs: clock.monotonicMs() + ttlMs }, () => this.#count('evictions'));
  }

  #count(what: CountName): void {
    if (this.#parts.hasStatistics) this.#counts[what] += 1;
  }
}

function checkTtl(resource: string, ttlMs: number | undefined): void {
  if (ttlMs !== undefined && !(ttlMs > 0)) throw invalid(resource, '"ttlMs" must be more than 0');
}

const invalid = (resource: string, why: string): ResourceError =>
  resourceError('RESOURCE_VALUE_INVALID', `cache "${resource}" cannot keep this: ${why}`, { details: { resource } });

const timedOut = (resource: string, timeoutMs: number): ResourceError =>
  resourceError('RESOURCE_TIMEOUT', `a load of cache "${resource}" took longer than ${timeoutMs} ms`, {
    retryable: true,
    details: { resource, timeoutMs },
  });

const cancelled = (resource: string, why: string): ResourceError =>
  resourceError('RESOURCE_CANCELLED', `the wait for a value of cache "${resource}" was ended: ${why}`, {
    details: { resource },
  });

function untilAborted<T>(resource: string, work: Promise<T>, signal: AbortSignal): Promise<T> {
  const own = new AbortController();
  const stop = (): void => own.abort(cancelled(resource, 'its caller gave up'));
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return abortable(work, own.signal).finally(() => signal.removeEventListener('abort', stop));
}

/** The work, or the reason of the signal, whichever comes first. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const stop = (): void => aborted.reject(signal.reason);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
    aborted.promise.catch(() => undefined);
  }
}

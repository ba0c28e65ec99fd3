import { createSingleFlight, type Clock } from '@tenon/core';
import { credentialError } from '../errors.ts';
import { parseKeyText } from '../identity/credential-key.ts';
import { aborted, callersSignal } from '../storage/guarded-call.ts';
import { beforeAbort } from './before-abort.ts';
import { forAll } from './for-all.ts';
import { createFreshEntries } from './fresh-entries.ts';

/** What a vault's cache is told. */
export interface CacheOptions {
  /** Default `true` once options are given; a vault without any has no cache. */
  readonly enabled?: boolean;
  /** How long an entry is good from when it was read from storage, in milliseconds, 1 to 86,400,000. Default 300,000. */
  readonly ttlMs?: number;
  /** How long an entry is good after it was last used, in milliseconds, 1 to 86,400,000. Default: as long as `ttlMs`. */
  readonly idleTtlMs?: number;
  /** Most entries, 1 to 1,000,000. Default 1,000. */
  readonly maxEntries?: number;
  /** Which entry goes when there is no room: the least recently, or the least often used. Default `lru`. */
  readonly eviction?: 'lru' | 'lfu';
}

/** The cache at this moment. */
export interface CacheStatistics {
  readonly hits: number;
  readonly misses: number;
  /** Entries that went because there was no room. */
  readonly evictions: number;
  readonly entries: number;
  readonly maxEntries: number;
  /** Hits of all look-ups, 0 to 1; 0 without any. */
  readonly hitRate: number;
  readonly isFull: boolean;
  /** Entries of the most there can be, 0 to 1. */
  readonly utilization: number;
}

/** Values by key, as fresh as promised. */
export interface CredentialCache<Value> {
  /**
   * What `load` gives, kept. Loads of one key at one time are one load; `undefined` and failures are not kept. A caller that gives up
   * leaves the others what they wait for.
   *
   * @param key - the text form of a credential's key
   * @throws what `load` throws; `CREDENTIAL_ABORTED` when the caller gives up
   */
  load(key: string, load: () => Promise<Value | undefined>): Promise<Value | undefined>;
  /** The value, if it is there and fresh. Counts as a look-up. */
  peek(key: string): Value | undefined;
  /** Forgets a key: what is being loaded for it now is not kept either. */
  drop(key: string): void;
  clear(): void;
  statistics(): CacheStatistics;
}

/** @throws `CREDENTIALS_OPTIONS_INVALID` naming the option */
export function createCredentialCache<Value>(options: CacheOptions, clock: Clock): CredentialCache<Value> {
  const limits = checkOptions(options);
  const entries = createFreshEntries<Value>(limits, options.eviction ?? 'lru', clock);
  const loads = createSingleFlight<string, Value | undefined>();
  const counts = { hits: 0, misses: 0 };

  const share = (key: string, load: () => Promise<Value | undefined>): Promise<Value | undefined> =>
    loads.run(key, async (flight) => {
      const startedAtMs = clock.monotonicMs();
      const value = await forAll(load);
      // After a write since the load began, what it gave may be what was there before.
      if (value !== undefined && !flight.isForgotten) entries.insert(key, value, startedAtMs);
      return value;
    });

  return {
    peek(key) {
      const value = entries.get(key);
      if (value === undefined) counts.misses += 1;
      else counts.hits += 1;
      return value;
    },
    async load(key, load) {
      const signal = callersSignal();
      if (signal === undefined) return share(key, load);
      if (signal.aborted) throw aborted(parseKeyText(key), signal.reason);
      return beforeAbort(share(key, load), signal).catch((error: unknown) => {
        throw signal.aborted ? aborted(parseKeyText(key), signal.reason) : error;
      });
    },
    drop(key) {
      entries.remove(key);
      loads.forget(key);
    },
    clear() {
      entries.clear();
      loads.forgetAll();
    },
    statistics: () => toStatistics(counts, entries.size(), entries.evictions(), limits.maxEntries),
  };
}

function toStatistics(
  { hits, misses }: { readonly hits: number; readonly misses: number },
  entries: number,
  evictions: number,
  maxEntries: number,
): CacheStatistics {
  const lookups = hits + misses;
  return Object.freeze({
    hits,
    misses,
    evictions,
    entries,
    maxEntries,
    hitRate: lookups === 0 ? 0 : hits / lookups,
    isFull: entries >= maxEntries,
    utilization: entries / maxEntries,
  });
}

const DAY_MS = 86_400_000;

function checkOptions({ ttlMs = 300_000, idleTtlMs = ttlMs, maxEntries = 1_000, eviction = 'lru' }: CacheOptions) {
  assertWhole('ttlMs', ttlMs, DAY_MS);
  assertWhole('idleTtlMs', idleTtlMs, DAY_MS);
  assertWhole('maxEntries', maxEntries, 1_000_000);
  if (eviction !== 'lru' && eviction !== 'lfu') {
    throw credentialError('CREDENTIALS_OPTIONS_INVALID', 'cache.eviction must be "lru" or "lfu"', {
      details: { option: 'cache.eviction' },
    });
  }
  return { ttlMs, idleTtlMs, maxEntries };
}

function assertWhole(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw credentialError('CREDENTIALS_OPTIONS_INVALID', `cache.${name} must be a whole number from 1 to ${max}`, {
    details: { option: `cache.${name}` },
  });
}

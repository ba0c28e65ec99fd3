/** How a value is written into a memory cache. */
export interface CacheWriteOptions {
  /** After how long the value goes, in milliseconds, more than 0; `Infinity`: never. Default: the `ttlMs` of the cache. */
  readonly ttlMs?: number;
}

/** What {@link MemoryCacheFace.getOrLoad} takes. */
export interface CacheLoadOptions extends CacheWriteOptions {
  /** Ends the wait of this caller; others go on waiting for the same value. */
  readonly signal?: AbortSignal;
}

/** What a memory cache has done since it was made, and what it holds. */
export interface MemoryCacheStatistics {
  /** Entries, those included whose time is over and that nobody has asked for since. */
  readonly entries: number;
  readonly hits: number;
  readonly misses: number;
  /** Of hits and misses, the part of hits, 0 to 1; 0 without any. */
  readonly hitRate: number;
  /** Values written. */
  readonly writes: number;
  /** Entries that were put out for others. */
  readonly evictions: number;
  /** Entries whose time was over when somebody asked for them. */
  readonly expirations: number;
  /** Loads that were begun, and those of them that failed. */
  readonly loads: number;
  readonly loadFailures: number;
}

/**
 * What borrowers of a memory cache get: the tenant's own cache. Values are kept as they are, not copied: do not change them. Each operation throws
 * `LEASE_RELEASED` after the lease.
 *
 * @typeParam Value - anything but `undefined`
 */
export interface MemoryCacheFace<Value> {
  get(key: string): Value | undefined;
  /** Whether there is a value. Counts neither as a use nor in the statistics. */
  has(key: string): boolean;
  set(key: string, value: Value, options?: CacheWriteOptions): void;
  /** @returns whether there was a value. What is being loaded for the key is not kept */
  delete(key: string): boolean;
  /** Forgets all. What is being loaded is not kept. */
  clear(): void;
  statistics(): MemoryCacheStatistics;
  /**
   * The value of a key, or else what `load` gives, which is kept. Callers at the same time share one load. Failures and `undefined` are not kept.
   *
   * @param load - its signal aborts when it takes longer than `loadTimeoutMs`, or when the cache ends
   * @throws what `load` throws, to all who wait for it; `RESOURCE_TIMEOUT`; `RESOURCE_CANCELLED` to the caller whose signal aborts
   */
  getOrLoad<Loaded extends Value | undefined>(
    key: string,
    load: (context: { readonly key: string; readonly signal: AbortSignal }) => Promise<Loaded>,
    options?: CacheLoadOptions,
  ): Promise<Value | Loaded>;
}

/** How long a value stays. */
export interface WriteOptions {
  /**
   * After how many milliseconds the value is gone: a whole number from 1 to 3,155,760,000,000 (100 years). Default: it stays
   * until it is deleted. A write without it also ends the time limit of the value that it replaces.
   */
  readonly ttlMs?: number;
}

/**
 * Small binary values by name, with a time limit and with writes that depend on what is there. For counters, locks, tokens
 * that are good once, and what a process must find again; not a cache (nothing is dropped before its time) and not a place
 * for records (there is no listing, no query and no transaction over several keys).
 *
 * Obligations of a driver:
 *
 * - **Keys** are 1 to 512 bytes of UTF-8 without NUL, compared byte by byte: no trimming, folding or normalising.
 * - **Values** are bytes, empty ones included, up to the driver's `maxValueBytes` (16 MiB by default). They come back as they
 *   went in. What is given and what is returned is never shared with the store: either side may change its copy.
 * - **Missing and expired are one thing.** From the moment that its time limit passes, a value is absent to every operation,
 *   whether or not its space has been reclaimed yet.
 * - **Each operation is atomic** for all users of the same store, in other processes too where the store outlives one. Of any
 *   number of `setIfAbsent` on an absent key exactly one is told `true`, and a loop of `get` and `compareAndSet` loses nothing.
 * - **A resolved write can be read** by whoever asks next through the same store, and lasts as long as the driver promises.
 * - **Arguments are checked before anything happens**, in all drivers alike; a refused operation changes nothing.
 *
 * Every operation rejects with `KV_KEY_INVALID`, `KV_VALUE_INVALID` or `KV_TTL_INVALID` for a bad argument, `KV_CLOSED` after
 * {@link KeyValueStore.close}, `KV_UNAVAILABLE` (retryable) when what keeps the values cannot be reached, `KV_FULL` (retryable)
 * when it has no room, `KV_ABORTED` when the driver heeds the context's signal and that fired, and `KV_FAILED` for anything else.
 * After `KV_UNAVAILABLE` and `KV_ABORTED` a write may or may not have happened.
 */
export interface KeyValueStore {
  /** The value, or `undefined` when there is none. */
  get(key: string): Promise<Uint8Array | undefined>;

  /** Writes a value, whatever was there. */
  set(key: string, value: Uint8Array, options?: WriteOptions): Promise<void>;

  /** Removes a value. Resolves to `true` when there was one. */
  delete(key: string): Promise<boolean>;

  /** Writes a value only where there is none. Resolves to `true` when it was written. */
  setIfAbsent(key: string, value: Uint8Array, options?: WriteOptions): Promise<boolean>;

  /**
   * Replaces or removes a value only when it is what the caller last saw. Resolves to `true` when it was, and the change is
   * made; to `false`, changing nothing, when somebody else was faster.
   *
   * @param expected - the bytes that must be there; `undefined`: nothing may be there
   * @param next - the bytes to write; `undefined`: remove
   * @param options - the time limit of `next`; the one of `expected` is not carried over
   */
  compareAndSet(
    key: string,
    expected: Uint8Array | undefined,
    next: Uint8Array | undefined,
    options?: WriteOptions,
  ): Promise<boolean>;

  /**
   * Lets go of what the store itself opened; a client or database that was passed in stays open. Waits for nothing that others
   * hold. Idempotent; every later operation rejects with `KV_CLOSED`.
   */
  close(): Promise<void>;
}

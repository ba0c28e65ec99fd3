import { systemClock, type Clock } from '@tenon/core';
import {
  assertKey,
  assertValue,
  checkedOption,
  DEFAULT_MAX_VALUE_BYTES,
  LARGEST_MAX_VALUE_BYTES,
  readTtl,
} from '../entry-limits.ts';
import { kvError } from '../errors.ts';
import type { KeyValueStore, WriteOptions } from '../key-value-store.ts';

/** What {@link createMemoryStore} takes. */
export interface MemoryStoreOptions {
  /** What time limits are measured by: its monotonic scale. Default: the machine's clock. */
  readonly clock?: Clock;
  /** Most values held at once, 1 to 10,000,000. Default 100,000. */
  readonly maxEntries?: number;
  /** Most bytes of keys and values held at once, 1 KiB to 64 GiB. Default 256 MiB. */
  readonly maxBytes?: number;
  /** Largest single value in bytes, 1 to 268,435,456. Default 16,777,216. */
  readonly maxValueBytes?: number;
}

/** A {@link KeyValueStore} that says how full it is. */
export interface MemoryStore extends KeyValueStore {
  /** Values held, with those that have expired and were not swept away yet. */
  entryCount(): number;
  /** Bytes of keys and values held, as `maxBytes` counts them. */
  byteCount(): number;
}

interface Entry {
  readonly value: Uint8Array;
  readonly bytes: number;
  /** On the clock's monotonic scale. */
  readonly expiresAtMs: number;
}

// Each write looks at this many old entries. More than one per write, so that the sweep gains on any rate of writes.
const SWEPT_PER_WRITE = 4;

/**
 * A store in the memory of this process: gone when it ends, unseen by others. It holds no timer. Expired values go when they
 * are met, and a few are looked for at each write. When it is full of values that are still good, new ones are refused
 * with `KV_FULL`: dropping a live counter or lock in silence would be worse.
 *
 * @throws `KV_OPTIONS_INVALID` naming the option
 * @example
 * ```ts
 * const store = createMemoryStore();
 * await store.setIfAbsent('job:42', new Uint8Array([1]), { ttlMs: 30_000 }); // true for one caller
 * ```
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new InMemoryStore(options);
}

class InMemoryStore implements MemoryStore {
  readonly #clock: Clock;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #maxValueBytes: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #sweeper: IterableIterator<[string, Entry]> | undefined;
  // No entry expires before this moment, so that a full store is searched only when the search can find something.
  #earliestExpiryMs = Infinity;
  #closed = false;

  constructor(options: MemoryStoreOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#maxEntries = checkedOption('maxEntries', options.maxEntries ?? 100_000, 1, 10_000_000);
    this.#maxBytes = checkedOption('maxBytes', options.maxBytes ?? 256 * 1024 ** 2, 1024, 64 * 1024 ** 3);
    this.#maxValueBytes = checkedOption(
      'maxValueBytes',
      options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES,
      1,
      LARGEST_MAX_VALUE_BYTES,
    );
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#check(key);
    const entry = this.#find(key);
    return entry === undefined ? undefined : new Uint8Array(entry.value);
  }

  async set(key: string, value: Uint8Array, options?: WriteOptions): Promise<void> {
    this.#check(key);
    assertValue(value, this.#maxValueBytes);
    this.#write(key, value, readTtl(options));
  }

  async delete(key: string): Promise<boolean> {
    this.#check(key);
    if (this.#find(key) === undefined) return false;
    this.#remove(key);
    return true;
  }

  async setIfAbsent(key: string, value: Uint8Array, options?: WriteOptions): Promise<boolean> {
    this.#check(key);
    assertValue(value, this.#maxValueBytes);
    const ttlMs = readTtl(options);
    if (this.#find(key) !== undefined) return false;
    this.#write(key, value, ttlMs);
    return true;
  }

  async compareAndSet(
    key: string,
    expected: Uint8Array | undefined,
    next: Uint8Array | undefined,
    options?: WriteOptions,
  ): Promise<boolean> {
    this.#check(key);
    if (expected !== undefined) assertValue(expected, this.#maxValueBytes);
    if (next !== undefined) assertValue(next, this.#maxValueBytes);
    const ttlMs = readTtl(options);
    const current = this.#find(key)?.value;
    const matches =
      current === undefined || expected === undefined ? current === expected : Buffer.compare(current, expected) === 0;
    if (!matches) return false;
    if (next === undefined) this.#remove(key);
    else this.#write(key, next, ttlMs);
    return true;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#entries.clear();
    this.#sweeper = undefined;
    this.#bytes = 0;
    return Promise.resolve();
  }

  entryCount(): number {
    return this.#entries.size;
  }

  byteCount(): number {
    return this.#bytes;
  }

  #check(key: string): void {
    if (this.#closed) throw kvError('KV_CLOSED', 'the key-value store has been closed');
    assertKey(key);
  }

  #find(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAtMs > this.#clock.monotonicMs()) return entry;
    this.#remove(key);
    return undefined;
  }

  #write(key: string, value: Uint8Array, ttlMs: number | undefined): void {
    const now = this.#clock.monotonicMs();
    this.#sweepSome(now);
    const bytes = Buffer.byteLength(key) + value.byteLength;
    if (!this.#hasRoom(key, bytes)) {
      this.#sweepAll(now);
      if (!this.#hasRoom(key, bytes)) {
        throw kvError(
          'KV_FULL',
          'the key-value store in memory is full; raise maxEntries or maxBytes, or set time limits',
          {
            retryable: true,
            details: { entries: this.#entries.size, bytes: this.#bytes },
          },
        );
      }
    }
    this.#remove(key);
    const expiresAtMs = ttlMs === undefined ? Infinity : now + ttlMs;
    this.#earliestExpiryMs = Math.min(this.#earliestExpiryMs, expiresAtMs);
    this.#entries.set(key, { value: new Uint8Array(value), bytes, expiresAtMs });
    this.#bytes += bytes;
  }

  #hasRoom(key: string, bytes: number): boolean {
    const replaced = this.#entries.get(key);
    const entries = this.#entries.size + (replaced === undefined ? 1 : 0);
    return entries <= this.#maxEntries && this.#bytes - (replaced?.bytes ?? 0) + bytes <= this.#maxBytes;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  // A Map's iterator stays valid while entries come and go, so one walk can be spread over many writes.
  #sweepSome(now: number): void {
    for (let looked = 0; looked < SWEPT_PER_WRITE; looked += 1) {
      this.#sweeper ??= this.#entries.entries();
      const { done, value } = this.#sweeper.next();
      if (done === true) {
        this.#sweeper = undefined;
        return;
      }
      if (value[1].expiresAtMs <= now) this.#remove(value[0]);
    }
  }

  #sweepAll(now: number): void {
    if (now < this.#earliestExpiryMs) return;
    this.#earliestExpiryMs = Infinity;
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAtMs <= now) this.#remove(key);
      else this.#earliestExpiryMs = Math.min(this.#earliestExpiryMs, entry.expiresAtMs);
    }
  }
}

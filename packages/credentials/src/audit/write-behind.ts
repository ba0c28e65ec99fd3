import { AsyncLocalStorage } from 'node:async_hooks';
import { deadlineAfter, sleep, toError, type Clock, type Logger } from '@tenon/core';
import { beforeAbort } from '../cache/before-abort.ts';
import type { AuditRecord } from './audit-record.ts';

/** Keeps records, in time or not at all as far as the caller can know. */
export type AppendRecords = (records: readonly AuditRecord[], signal?: AbortSignal) => Promise<void>;

/** Most records that are written at once. */
export const BATCH = 500;

// Past this, an audit that does not answer would take the memory of the process.
const MAX_WAITING = 10_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
// By then it is the record that cannot be written, or the audit has been away for minutes.
const TRIES_ALONE = 5;
// Halving a batch takes nine; more in a row are no accident.
const TRIES_AT_CLOSE = 12;

/**
 * Writes records behind the work that they tell of, many at a time and in the order in which they came.
 *
 * A batch that fails is tried again, after waits that double up to 10 seconds, and smaller each time: in the end the one record that
 * cannot be written is alone, and is lost. While the audit is away up to 10,000 records wait; those beyond are lost. What is lost is logged.
 */
export class WriteBehind {
  readonly #append: AppendRecords;
  readonly #clock: Clock;
  readonly #logger: Logger;
  // Not in the context of whoever came first: that may be a transaction, or be aborted.
  readonly #outside = AsyncLocalStorage.snapshot();
  #waiting: AuditRecord[] = [];
  #writing: Promise<void> | undefined;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #closing = false;
  #added = 0;
  #settled = 0;
  #size = BATCH;
  #failures = 0;
  #triesAlone = 0;
  #overflowed = 0;
  #waiters: { readonly upTo: number; readonly resolve: () => void }[] = [];

  constructor(append: AppendRecords, clock: Clock, logger: Logger) {
    this.#append = append;
    this.#clock = clock;
    this.#logger = logger;
  }

  add(record: AuditRecord): void {
    if (this.#stop.signal.aborted) {
      this.#logger.error({ records: 1, reason: 'the vault was closed' }, 'records of the audit are lost');
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      this.#overflowed += 1;
      if (this.#overflowed === 1)
        this.#logger.error({}, 'the audit is too slow: records are lost until it has caught up');
      return;
    }
    this.#waiting.push(record);
    this.#added += 1;
    void this.#start();
  }

  /** Waits until all that has been added is kept, or a try to do so has failed; later ones are made without anybody waiting. */
  settled(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ upTo: this.#added, resolve });
      this.#wake.abort();
      void this.#start();
    });
  }

  /** Writes what waits, for so long at most; what cannot be written by then is lost. */
  async close(timeoutMs: number): Promise<void> {
    this.#closing = true;
    const deadline = deadlineAfter(timeoutMs, { clock: this.#clock });
    this.#wake.abort();
    await beforeAbort(this.#start(), deadline.signal).catch(() => undefined);
    deadline.cancel();
    this.#lose(this.#waiting.length, 'the vault was closed');
    this.#stop.abort();
    this.#tellOverflow();
  }

  #start(): Promise<void> {
    return (this.#writing ??= this.#outside(() => this.#writeAll()));
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve(); // what comes at the same time goes together
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      const batch = this.#waiting.slice(0, this.#size);
      try {
        await this.#append(batch, this.#stop.signal);
        this.#kept(batch.length);
      } catch (error) {
        this.#failed(batch.length, toError(error));
        await this.#pause();
      }
    }
    this.#writing = undefined;
  }

  #kept(count: number): void {
    this.#size = BATCH;
    this.#failures = 0;
    this.#triesAlone = 0;
    this.#settle(count);
    this.#tellOverflow();
  }

  #failed(count: number, error: Error): void {
    if (this.#stop.signal.aborted) return;
    this.#failures += 1;
    this.#logger.warn({ err: error, waiting: this.#waiting.length }, 'records of the audit could not be written yet');
    if (this.#closing && this.#failures >= TRIES_AT_CLOSE) {
      this.#lose(this.#waiting.length, 'the audit cannot be written');
    } else if (count > 1) {
      this.#size = Math.ceil(count / 2);
    } else if (this.#closing || (this.#triesAlone += 1) >= TRIES_ALONE) {
      this.#triesAlone = 0;
      this.#lose(1, 'it cannot be written');
    }
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  #lose(count: number, reason: string): void {
    if (count === 0) return;
    this.#logger.error({ records: count, reason }, 'records of the audit are lost');
    this.#settle(count);
  }

  #settle(count: number): void {
    this.#waiting = this.#waiting.slice(count);
    this.#settled += count;
    const isDone = ({ upTo }: { readonly upTo: number }): boolean => upTo <= this.#settled;
    for (const { resolve } of this.#waiters.filter(isDone)) resolve();
    this.#waiters = this.#waiters.filter((waiter) => !isDone(waiter));
  }

  #tellOverflow(): void {
    if (this.#overflowed === 0) return;
    this.#logger.error({ records: this.#overflowed, reason: 'too many waited' }, 'records of the audit are lost');
    this.#overflowed = 0;
  }

  async #pause(): Promise<void> {
    if (this.#closing || this.#waiting.length === 0) return;
    this.#wake = new AbortController();
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#failures - 1));
    await sleep(this.#clock, waitMs, this.#wake.signal, { keepAlive: false }).catch(() => undefined);
  }
}

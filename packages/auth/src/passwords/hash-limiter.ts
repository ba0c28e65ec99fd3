import { CodedError, type Clock } from '@tenon/core';
import { authError } from '../errors.ts';

/** What a {@link HashLimiter} is made with. */
export interface HashLimiterConfig {
  /** Works that run at once. */
  readonly concurrency: number;
  /** Works that may wait. */
  readonly queueMax: number;
  readonly clock: Clock;
}

interface Waiter {
  start(): void;
  refuse(reason: unknown): void;
}

const MIN_RETRY_AFTER_MS = 1_000;

/**
 * Lets only a few password hashes run at once, and only so many wait. A hash takes a thread of libuv's pool, which file
 * system and DNS share: without a limit, a storm of sign-ins would stop everything else. Beyond the queue it refuses at
 * once, which costs nothing.
 */
export class HashLimiter {
  readonly #config: HashLimiterConfig;
  readonly #queue = new Set<Waiter>();
  #running = 0;
  #shed = 0;
  #closed = false;
  // A running mean of how long one work takes, for the advice when to come back.
  #meanMs = 250;

  constructor(config: HashLimiterConfig) {
    this.#config = config;
  }

  /** Works that run, works that wait, and callers refused since the start. */
  get counts(): { readonly running: number; readonly waiting: number; readonly shed: number } {
    return { running: this.#running, waiting: this.#queue.size, shed: this.#shed };
  }

  /**
   * Runs work as soon as it is its turn; first come, first served.
   *
   * @param signal - takes the caller out of the queue; work that runs already goes on
   * @throws `AUTH_OVERLOADED` when the queue is full, `AUTH_CLOSED` after {@link HashLimiter.close}, `ABORTED`
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#closed) throw closed();
    if (this.#running < this.#config.concurrency) this.#running += 1;
    else await this.#wait(signal);
    const startMs = this.#config.clock.monotonicMs();
    try {
      return await work();
    } finally {
      this.#meanMs += (this.#config.clock.monotonicMs() - startMs - this.#meanMs) / 8;
      this.#release();
    }
  }

  /** Refuses new work and all that waits. What runs finishes. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#queue) waiter.refuse(closed());
    this.#queue.clear();
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.#queue.size >= this.#config.queueMax) {
      this.#shed += 1;
      const turns = (this.#queue.size + 1) / this.#config.concurrency;
      throw authError('AUTH_OVERLOADED', 'too many passwords are being checked at this moment; try again shortly', {
        retryable: true,
        retryAfterMs: Math.max(MIN_RETRY_AFTER_MS, Math.ceil(turns * this.#meanMs)),
      });
    }
    return new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#queue.delete(waiter);
        waiter.refuse(aborted(signal));
      };
      const waiter: Waiter = {
        start() {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
        refuse(reason) {
          signal?.removeEventListener('abort', leave);
          reject(reason);
        },
      };
      this.#queue.add(waiter);
      if (signal?.aborted === true) leave();
      else signal?.addEventListener('abort', leave, { once: true });
    });
  }

  #release(): void {
    const [next] = this.#queue;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    // The place is handed over, so that nobody who comes now can take it first.
    this.#queue.delete(next);
    next.start();
  }
}

function closed(): Error {
  return authError('AUTH_CLOSED', 'auth has been closed');
}

function aborted(signal: AbortSignal | undefined): Error {
  return new CodedError('ABORTED', 'the caller left before its password was checked', { cause: signal?.reason });
}

import { CodedError, createSemaphore, type Clock, type Semaphore } from '@tenon/core';
import { authError } from '../errors.ts';

/** What a {@link HashLimiter} is made with. */
export interface HashLimiterConfig {
  /** Works that run at once. */
  readonly concurrency: number;
  /** Works that may wait. */
  readonly queueMax: number;
  readonly clock: Clock;
}

const MIN_RETRY_AFTER_MS = 1_000;

/**
 * Lets only a few password hashes run at once, and only so many wait. A hash takes a thread of libuv's pool, which file
 * system and DNS share: without a limit, a storm of sign-ins would stop everything else. Beyond the queue it refuses at
 * once, which costs nothing.
 */
export class HashLimiter {
  readonly #config: HashLimiterConfig;
  readonly #turns: Semaphore;
  readonly #closing = new AbortController();
  #shed = 0;
  // A running mean of how long one work takes, for the advice when to come back.
  #meanMs = 250;

  constructor(config: HashLimiterConfig) {
    this.#config = config;
    this.#turns = createSemaphore(config.concurrency);
  }

  /** Works that run, works that wait, and callers refused since the start. */
  get counts(): { readonly running: number; readonly waiting: number; readonly shed: number } {
    return { running: this.#turns.running, waiting: this.#turns.waiting, shed: this.#shed };
  }

  /**
   * Runs work as soon as it is its turn; first come, first served.
   *
   * @param signal - takes the caller out of the queue; work that runs already goes on
   * @throws `AUTH_OVERLOADED` when the queue is full, `AUTH_CLOSED` after {@link HashLimiter.close}, `ABORTED`
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const closing = this.#closing.signal;
    if (closing.aborted) throw closed();
    this.#assertRoom();
    let hasBegun = false;
    const begin = (): Promise<T> => {
      hasBegun = true;
      return this.#measured(work);
    };
    try {
      return await this.#turns.run(begin, signal === undefined ? closing : AbortSignal.any([signal, closing]));
    } catch (error) {
      if (hasBegun) throw error;
      throw closing.aborted ? closed() : aborted(signal);
    }
  }

  /** Refuses new work and all that waits. What runs finishes. */
  close(): void {
    this.#closing.abort();
  }

  #assertRoom(): void {
    const { concurrency, queueMax } = this.#config;
    const { running, waiting } = this.#turns;
    if (running < concurrency || waiting < queueMax) return;
    this.#shed += 1;
    const turns = (waiting + 1) / concurrency;
    throw authError('AUTH_OVERLOADED', 'too many passwords are being checked at this moment; try again shortly', {
      retryable: true,
      retryAfterMs: Math.max(MIN_RETRY_AFTER_MS, Math.ceil(turns * this.#meanMs)),
    });
  }

  async #measured<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#config;
    const startMs = clock.monotonicMs();
    try {
      return await work();
    } finally {
      this.#meanMs += (clock.monotonicMs() - startMs - this.#meanMs) / 8;
    }
  }
}

function closed(): Error {
  return authError('AUTH_CLOSED', 'auth has been closed');
}

function aborted(signal: AbortSignal | undefined): Error {
  return new CodedError('ABORTED', 'the caller left before its password was checked', { cause: signal?.reason });
}

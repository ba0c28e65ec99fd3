import { coreError } from '../errors.ts';

/** Lets so much work run at a time; the rest waits in the order in which it came. */
export interface Semaphore {
  /** How much runs. */
  readonly running: number;
  /** How much waits. */
  readonly waiting: number;
  /**
   * Runs work when there is a place for it, in this very turn if there is one now. Work that fails gives its place back like work that
   * succeeds.
   *
   * @param signal - takes who waits out of the queue; work that runs already goes on
   * @returns what the work comes to
   * @throws what the work throws; `ABORTED` when the signal fires first, its reason is the cause
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/**
 * Makes a semaphore (Dijkstra, EWD 74, 1965). It is fair: a place goes from hand to hand, so that nobody who comes now is faster than
 * who waits. To wait, and to leave the queue, cost the same however long it is.
 *
 * For a dependency that has to be told when it is overloaded, `bulkhead` of `@tenon/resilience` is the better one: its queue has an end,
 * and a place in it too.
 *
 * @param permits - how much runs at a time: a whole number, 1 or more
 * @throws RangeError when `permits` is none
 * @example
 * ```ts
 * const atOnce = createSemaphore(4);
 * const pages = await Promise.all(addresses.map((address) => atOnce.run(() => load(address), signal)));
 * ```
 */
export function createSemaphore(permits: number): Semaphore {
  if (!Number.isInteger(permits) || permits < 1) {
    throw new RangeError(`a semaphore needs a whole number of permits, 1 or more, and not ${permits}`);
  }
  const queue = new TurnQueue();
  let running = 0;
  const leave = (): void => {
    const next = queue.shift();
    if (next === undefined) running -= 1;
    else next.admit();
  };
  return {
    get running() {
      return running;
    },
    get waiting() {
      return queue.size;
    },
    async run(work, signal) {
      if (signal?.aborted === true) throw aborted(signal);
      if (running < permits) running += 1;
      else await queue.wait(signal);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}

interface Turn {
  readonly admit: () => void;
  before: Turn | undefined;
  after: Turn | undefined;
}

/** Who waits, in order. A list of links: the first of a large Set is found ever more slowly, once many before it are gone. */
class TurnQueue {
  size = 0;
  #first: Turn | undefined;
  #last: Turn | undefined;

  wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#unlink(turn);
        reject(aborted(signal));
      };
      const admit = (): void => {
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      const turn: Turn = { admit, before: this.#last, after: undefined };
      if (this.#last === undefined) this.#first = turn;
      else this.#last.after = turn;
      this.#last = turn;
      this.size += 1;
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  shift(): Turn | undefined {
    const first = this.#first;
    if (first !== undefined) this.#unlink(first);
    return first;
  }

  #unlink(turn: Turn): void {
    const { before, after } = turn;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    this.size -= 1;
  }
}

function aborted(signal: AbortSignal | undefined): Error {
  return coreError('ABORTED', 'the wait for a turn was aborted by its caller', { cause: signal?.reason });
}

import { createSemaphore, type Semaphore } from './semaphore.ts';
import { createTaskTracker } from './task-tracker.ts';

/** Runs one piece of work at a time, in the order in which they came. */
export interface Mutex {
  /**
   * Runs work when all that came before is over, in this very turn if nothing is under way. Work that fails lets the next one run like
   * work that succeeds. Work that waits for its own mutex waits for ever.
   *
   * @param signal - takes who waits out of the queue; work that runs already goes on
   * @returns what the work comes to
   * @throws what the work throws; `ABORTED` when the signal fires first, its reason is the cause
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Runs one piece of work at a time for each key, in the order in which they came; that of different keys side by side. */
export interface KeyedMutex<Key> {
  /** Like {@link Mutex.run}, among the work of one key. */
  run<T>(key: Key, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** How many keys have work that runs or waits. */
  readonly size: number;
  /** Resolves when nothing runs or waits, also of what comes meanwhile. */
  idle(): Promise<void>;
}

/**
 * Makes a mutex of this process. What several processes must not do at once takes a lock of the database or of the key-value store.
 *
 * @example
 * ```ts
 * const changes = createMutex();
 * await changes.run(async () => save(change(await load())));
 * ```
 */
export function createMutex(): Mutex {
  const turn = createSemaphore(1);
  return { run: (work, signal) => turn.run(work, signal) };
}

/**
 * Makes a mutex for each key that has work, and keeps nothing of the others.
 *
 * @typeParam Key - compared as the keys of a `Map` are
 * @example
 * ```ts
 * const changes = createKeyedMutex<string>();
 * await changes.run(account.id, async () => save(change(await load(account.id))));
 * ```
 */
export function createKeyedMutex<Key>(): KeyedMutex<Key> {
  const locks = new Map<Key, Semaphore>();
  const underWay = createTaskTracker();
  const inTurn = async <T>(key: Key, work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
    const lock = locks.get(key) ?? createSemaphore(1);
    locks.set(key, lock);
    try {
      return await lock.run(work, signal);
    } finally {
      // Another one may be there by now: taken away with work under way, it would let a third run beside it.
      if (lock.running === 0 && locks.get(key) === lock) locks.delete(key);
    }
  };
  return {
    run: (key, work, signal) => underWay.run(() => inTurn(key, work, signal)),
    get size() {
      return locks.size;
    },
    idle: () => underWay.idle(),
  };
}

import type { AcquireOptions } from '../pool/pool.ts';

/** Those who wait for an instance, so that they can be sent away when it is not lent any more. */
export interface WaitingRoom {
  readonly size: number;
  /**
   * Waits.
   *
   * @throws what the work throws, or what they were sent away with
   */
  wait<T>(options: AcquireOptions, work: (options: AcquireOptions) => Promise<T>): Promise<T>;
  sendAway(reason: Error): void;
}

/** Makes an empty one. */
export function createWaitingRoom(): WaitingRoom {
  const waiting = new Set<AbortController>();
  return {
    get size() {
      return waiting.size;
    },
    async wait(options, work) {
      const own = new AbortController();
      const { signal } = options;
      const leave = (): void => own.abort(signal?.reason);
      if (signal?.aborted === true) leave();
      else signal?.addEventListener('abort', leave, { once: true });
      waiting.add(own);
      try {
        return await work({ ...options, signal: own.signal });
      } catch (error) {
        throw own.signal.aborted && signal?.aborted !== true ? own.signal.reason : error;
      } finally {
        waiting.delete(own);
        signal?.removeEventListener('abort', leave);
      }
    },
    sendAway(reason) {
      for (const each of waiting) each.abort(reason);
    },
  };
}

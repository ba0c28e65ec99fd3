import { coreError } from './errors.ts';

/** A timer that has not fired yet. */
export interface Timer {
  /** Takes the timer back. Safe to call at any time, any number of times. */
  cancel(): void;
}

/** How a timer behaves. */
export interface TimerOptions {
  /**
   * Whether the process lives on for it, because somebody waits for it and for nothing else. Default `false`: the timers of work in
   * the background end with the process.
   */
  readonly keepAlive?: boolean;
}

/**
 * Time as an input. Every part of Tenon that waits or compares times takes a clock, so that tests move time by hand.
 *
 * Obligations of an implementation: `monotonicMs` never goes back; `schedule` fires at most once, never synchronously;
 * its timers keep the process alive only when they are asked to.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. May jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since an arbitrary start; only differences mean something. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs` milliseconds, however many; `Infinity` is never. */
  schedule(callback: () => void, delayMs: number, options?: TimerOptions): Timer;
}

// Past 31 bits, setTimeout fires at once instead of in 25 days.
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(callback: () => void, delayMs: number, options?: TimerOptions): Timer {
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      const isLast = !(leftMs > LONGEST_TIMEOUT_MS);
      handle = isLast
        ? setTimeout(callback, leftMs)
        : setTimeout(() => arm(leftMs - LONGEST_TIMEOUT_MS), LONGEST_TIMEOUT_MS);
      if (options?.keepAlive !== true) handle.unref();
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
});

/**
 * Waits on a clock. The process lives on meanwhile, unless `keepAlive` is `false`.
 *
 * @param clock - whose time to wait for
 * @param delayMs - how long, in milliseconds
 * @param signal - ends the wait early
 * @param options - `keepAlive`: default `true`
 * @throws `ABORTED` when the signal fires first; its reason is the cause
 */
export function sleep(
  clock: Clock,
  delayMs: number,
  signal?: AbortSignal,
  { keepAlive = true }: TimerOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      timer.cancel();
      reject(coreError('ABORTED', 'the wait was aborted by its caller', { cause: signal?.reason }));
    };
    const wake = (): void => {
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    const timer = clock.schedule(wake, delayMs, { keepAlive });
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

import { systemClock, type Clock } from './clock.ts';
import type { CodedError } from './coded-error.ts';
import { coreError } from './errors.ts';

/** A moment by which work must be finished. It is absolute, so it stays right however many layers it passes. */
export interface Deadline {
  /** The moment, on the clock's monotonic scale. */
  readonly atMs: number;
  /** Aborts at the moment, or when the parent signal does. Its reason is the error that {@link Deadline.check} throws. */
  readonly signal: AbortSignal;
  /** Milliseconds left, never below zero. */
  remainingMs(): number;
  /** @throws `DEADLINE_EXCEEDED` when the moment has passed, or `ABORTED` when the parent was aborted */
  check(): void;
  /** Releases the timer. Call it when the work is done. */
  cancel(): void;
}

/** What {@link deadlineAfter} takes. */
export interface DeadlineOptions {
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Ends the deadline early, for example the client's disconnect. */
  readonly signal?: AbortSignal;
  /** What the work is called in the error's message. Default `the operation`. */
  readonly name?: string;
}

/**
 * Sets a deadline some time from now.
 *
 * @param ms - the time allowed, in milliseconds
 */
export function deadlineAfter(ms: number, options: DeadlineOptions = {}): Deadline {
  const clock = options.clock ?? systemClock;
  const name = options.name ?? 'the operation';
  const atMs = clock.monotonicMs() + ms;
  const controller = new AbortController();
  const exceeded = (): CodedError =>
    coreError('DEADLINE_EXCEEDED', `${name} did not finish within ${ms} ms`, {
      retryable: true,
      details: { timeoutMs: ms },
    });
  const follow = (): void => {
    timer.cancel();
    controller.abort(coreError('ABORTED', `${name} was aborted by its caller`, { cause: options.signal?.reason }));
  };
  const timer = clock.schedule(() => {
    options.signal?.removeEventListener('abort', follow);
    controller.abort(exceeded());
  }, ms);
  if (options.signal?.aborted) follow();
  else options.signal?.addEventListener('abort', follow, { once: true });

  return {
    atMs,
    signal: controller.signal,
    remainingMs: () => Math.max(0, atMs - clock.monotonicMs()),
    check(): void {
      if (controller.signal.aborted) throw controller.signal.reason;
      if (clock.monotonicMs() >= atMs) throw exceeded();
    },
    cancel(): void {
      timer.cancel();
      options.signal?.removeEventListener('abort', follow);
    },
  };
}

import type { Deadline } from '@tenon/core';

/**
 * What the work is given: one object for each attempt. Nothing in it exists before it is asked for: work that never reads `signal`
 * costs no `AbortController`.
 */
export interface Call {
  /** Which try this is: 1 for the first, 2 for the first retry. */
  readonly attempt: number;
  /** 0 for the attempt itself, 1 for the first hedge beside it. */
  readonly hedge: number;
  /**
   * Aborts when the caller gives up, a timeout passes, or another hedge was faster. Its reason is the caller's own, or the error of
   * the strategy. Hand it to everything that the work waits for.
   */
  readonly signal: AbortSignal;
  /** The moment by which this attempt must be finished: the earliest of all that apply, `atMs` is `Infinity` when none does. */
  readonly deadline: Deadline;
}

/** What is guarded. It may be called several times, so it starts the call itself and takes no promise that runs already. */
export type Work<T> = (call: Call) => T | PromiseLike<T>;

/** What one run may say for itself. */
export interface RunOptions<T = unknown> {
  /** Ends the run early: at once, and with the signal's own reason. Default: the signal of the current context. */
  readonly signal?: AbortSignal | undefined;
  /** The moment by which the caller needs the answer; its signal ends the run too. Default: the deadline of the current context. */
  readonly deadline?: Deadline | undefined;
  /**
   * Whether running the work twice is as good as once. Only then is it tried again after a timeout, or hedged.
   * Default: what the strategy says, and `false` there.
   */
  readonly idempotent?: boolean;
  /**
   * Takes a result that came after the run had given up on it: close here what was opened too late. What it throws is ignored, as
   * nobody waits for it.
   */
  readonly onLateResult?: (value: T) => void;
}

/** Something that runs work under guard: a strategy alone, or a pipeline of several. */
export interface Runner<Alternative = never> {
  /**
   * Runs the work.
   *
   * @param work - what to do; its error reaches the caller as it is
   * @returns what the work returns, or what a fallback gives instead
   * @throws the work's own error, the reason of the caller's signal, or an error of a strategy (see {@link ResilienceErrorCode})
   */
  run<T>(work: Work<T>, options?: RunOptions<T>): Promise<T | Alternative>;
}

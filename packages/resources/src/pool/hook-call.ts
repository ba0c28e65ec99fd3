import type { Clock, Timer } from '@tenon/core';
import type { PoolHookContext } from './pool-options.ts';

/** What becomes of a call. Exactly one of `done` and `failed` is called; the late ones only after an abandoned call. */
export interface HookOutcome<Result> {
  done(result: Result): void;
  /** @param wasAbandoned - true when the hook has not answered yet */
  failed(error: unknown, wasAbandoned: boolean): void;
  late?(result: Result): void;
  lateFailure?(): void;
}

/** What {@link HookCall} takes. */
export interface HookCallOptions<Result> {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly timeoutError: () => Error;
  readonly invoke: (context: PoolHookContext) => Result | PromiseLike<Result>;
  readonly outcome: HookOutcome<Result>;
}

/**
 * One call of a hook that has a time limit and can be given up. A hook that answers without a promise costs neither a timer nor a
 * turn; an AbortController is made only for a hook that reads its signal.
 */
export class HookCall<Result> {
  readonly #options: HookCallOptions<Result>;
  #controller: AbortController | undefined;
  #timer: Timer | undefined;
  #isOpen = true;
  #abandonedFor: unknown;

  constructor(options: HookCallOptions<Result>) {
    this.#options = options;
  }

  /** Calls the hook. Once. */
  start(): void {
    const { clock, timeoutMs, timeoutError, invoke, outcome } = this.#options;
    let answer: Result | PromiseLike<Result>;
    try {
      answer = invoke(this.#context());
    } catch (error) {
      if (this.#end()) outcome.failed(error, false);
      else outcome.lateFailure?.();
      return;
    }
    if (!isPromiseLike(answer)) {
      this.#answered(answer);
      return;
    }
    if (this.#isOpen && timeoutMs !== Infinity) {
      this.#timer = clock.schedule(() => this.abandon(timeoutError()), timeoutMs);
    }
    answer.then(
      (result) => this.#answered(result),
      (error: unknown) => {
        if (this.#end()) outcome.failed(error, false);
        else outcome.lateFailure?.();
      },
    );
  }

  /** Gives the call up: it has failed, its signal aborts, and what still comes is late. Does nothing after an answer. */
  abandon(reason: Error): void {
    if (!this.#end()) return;
    this.#abandonedFor = reason;
    this.#controller?.abort(reason);
    this.#options.outcome.failed(reason, true);
  }

  #answered(result: Result): void {
    if (this.#end()) this.#options.outcome.done(result);
    else this.#options.outcome.late?.(result);
  }

  #end(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    this.#timer?.cancel();
    return true;
  }

  #context(): PoolHookContext {
    const signal = (): AbortSignal => {
      if (this.#controller === undefined) {
        this.#controller = new AbortController();
        if (this.#abandonedFor !== undefined) this.#controller.abort(this.#abandonedFor);
      }
      return this.#controller.signal;
    };
    return {
      get signal() {
        return signal();
      },
    };
  }
}

function isPromiseLike<Result>(answer: Result | PromiseLike<Result>): answer is PromiseLike<Result> {
  return typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function';
}

import type { Clock, Deadline } from '@tenon/core';
import type { Call, RunOptions, Work } from './call.ts';
import { scopeDeadline } from './scope-deadline.ts';

/** Nothing else may be going on meanwhile, and the process must not end under whoever waits. */
const WAITED_FOR = { keepAlive: true } as const;

/** Who ended a scope: the caller (also by a deadline), a timeout, or a faster hedge. */
export type AbortCause = 'caller' | 'timeout' | 'superseded';

/** What all attempts of one run have in common. */
export interface Run {
  readonly work: Work<unknown>;
  readonly options: RunOptions;
  readonly clock: Clock;
}

/**
 * The working side of a {@link Call}. Scopes form a tree: a timeout, a retry and a hedge each put one beneath the scope they got, and
 * an abort goes from a scope to all beneath it.
 *
 * One wait at a time belongs to a scope (a sleep, a place in a queue, or the work itself), and an abort ends it by
 * {@link CallScope.waiter}. So every layer above unwinds at once, also when the work does not heed its signal.
 */
export class CallScope implements Call {
  readonly run: Run;
  readonly parent: CallScope | undefined;
  readonly attempt: number;
  readonly hedge: number;
  /** The moment of the earliest timeout or deadline, on the clock's monotonic scale. */
  readonly deadlineAtMs: number;
  /** Whether anything can abort this scope. If nothing can, nothing has to race the work. */
  readonly abortable: boolean;
  /** Set once, by the first abort. */
  aborted: AbortCause | undefined = undefined;
  reason: unknown = undefined;
  /** Ends the wait that is under way. */
  waiter: ((reason: unknown) => void) | undefined = undefined;
  /** Told when the work of this scope or of one beneath ends after its abort. */
  onLate: (() => void) | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #abortInContext: ((reason: unknown) => void) | undefined = undefined;
  #deadline: Deadline | undefined = undefined;
  #firstChild: CallScope | undefined = undefined;
  #nextSibling: CallScope | undefined = undefined;

  /** Makes a root, or use {@link CallScope.child}. */
  constructor(
    run: Run,
    parent: CallScope | undefined,
    attempt: number,
    hedge: number,
    deadlineAtMs: number,
    abortable: boolean,
  ) {
    this.run = run;
    this.parent = parent;
    this.attempt = attempt;
    this.hedge = hedge;
    this.deadlineAtMs = deadlineAtMs;
    this.abortable = abortable;
  }

  get signal(): AbortSignal {
    return (this.#controller ??= this.#openController()).signal;
  }

  get deadline(): Deadline {
    return (this.#deadline ??= scopeDeadline(this));
  }

  /** A scope beneath this one. Who makes it calls {@link CallScope.finish} on it. */
  child(
    attempt: number,
    hedge: number = this.hedge,
    deadlineAtMs: number = this.deadlineAtMs,
    abortable: boolean = this.abortable,
  ): CallScope {
    const child = new CallScope(this.run, this, attempt, hedge, deadlineAtMs, abortable);
    child.aborted = this.aborted;
    child.reason = this.reason;
    child.#nextSibling = this.#firstChild;
    this.#firstChild = child;
    return child;
  }

  /** Takes the scope out of its parent: what happens above is of no concern any more. */
  finish(): void {
    const { parent } = this;
    if (parent === undefined) return;
    if (parent.#firstChild === this) {
      parent.#firstChild = this.#nextSibling;
      return;
    }
    let one = parent.#firstChild;
    while (one !== undefined && one.#nextSibling !== this) one = one.#nextSibling;
    if (one !== undefined) one.#nextSibling = this.#nextSibling;
  }

  /** Ends the scope and all beneath it; the first reason stays. */
  abort(cause: AbortCause, reason: unknown): void {
    if (this.aborted !== undefined) return;
    this.aborted = cause;
    this.reason = reason;
    if (cause === 'timeout') this.#abortInContext?.(reason);
    else this.#controller?.abort(reason);
    for (let child = this.#firstChild; child !== undefined; child = child.#nextSibling) child.abort(cause, reason);
    const { waiter } = this;
    this.waiter = undefined;
    waiter?.(reason);
  }

  /** Waits, or rejects with the reason of the abort. */
  sleep(delayMs: number): Promise<void> {
    if (this.aborted !== undefined) return Promise.reject(this.reason);
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        this.waiter = undefined;
        resolve();
      };
      const timer = this.run.clock.schedule(wake, delayMs, WAITED_FOR);
      this.waiter = (reason) => {
        timer.cancel();
        reject(reason);
      };
    });
  }

  #openController(): AbortController {
    const controller = new AbortController();
    if (this.aborted !== undefined) {
      controller.abort(this.reason);
    } else if (this.abortable) {
      // One timer serves the calls of many contexts, and listeners must not see the tenant of another call: what follows a promise
      // runs in the context of this call, and costs a tenth of what binding a function to it does.
      const told = new Promise((resolve) => (this.#abortInContext = resolve));
      void told.then((reason) => controller.abort(reason));
    }
    return controller;
  }
}

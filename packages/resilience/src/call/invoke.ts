import type { CallScope } from './call-scope.ts';

/** One layer of a pipeline, bound to those within it. Never throws: it rejects. */
export type Step = (scope: CallScope) => Promise<unknown>;

/** The innermost step: calls the work. */
export function invoke(scope: CallScope): Promise<unknown> {
  if (scope.aborted !== undefined) return Promise.reject(scope.reason);
  return scope.abortable ? race(scope, nothing) : start(scope);
}

/**
 * Calls the work of a scope that may be aborted. This is the one place where work and abort race each other.
 *
 * @param ended - told that it is over, perhaps twice: by the abort, and when the work ends after it
 */
export function race(scope: CallScope, ended: () => void): Promise<unknown> {
  const working = start(scope);
  return new Promise((resolve, reject) => {
    const fail = (reason: unknown): void => {
      ended();
      // After an abort nobody waits, and that the aborted work fails is what was asked of it.
      reject(reason);
    };
    // The work may have ended its own run before it returned.
    if (scope.aborted === undefined) scope.waiter = fail;
    else fail(scope.reason);
    working.then((value) => {
      ended();
      scope.waiter = undefined;
      if (scope.aborted === undefined) resolve(value);
      else letGo(scope, value);
    }, fail);
  });
}

function nothing(): void {
  // Nobody has anything to put away.
}

function start(scope: CallScope): Promise<unknown> {
  try {
    return Promise.resolve(scope.run.work(scope));
  } catch (error) {
    return Promise.reject(error);
  }
}

function letGo(scope: CallScope, value: unknown): void {
  for (let one: CallScope | undefined = scope; one !== undefined; one = one.parent) one.onLate?.();
  try {
    scope.run.options.onLateResult?.(value);
  } catch {
    // The run is over; its outcome is told already.
  }
}

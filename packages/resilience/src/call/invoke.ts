import type { CallScope } from './call-scope.ts';

/** One layer of a pipeline, bound to those within it. Never throws: it rejects. */
export type Step = (scope: CallScope) => Promise<unknown>;

/** The innermost step: calls the work. This is the one place where work and abort race each other. */
export function invoke(scope: CallScope): Promise<unknown> {
  if (scope.aborted !== undefined) return Promise.reject(scope.reason);
  const working = start(scope);
  if (!scope.abortable) return working;
  return new Promise((resolve, reject) => {
    // The work may have ended its own run before it returned.
    if (scope.aborted === undefined) scope.waiter = reject;
    else reject(scope.reason);
    working.then((value) => {
      scope.waiter = undefined;
      if (scope.aborted === undefined) resolve(value);
      else letGo(scope, value);
      // After an abort nobody waits, and that the aborted work fails is what was asked of it.
    }, reject);
  });
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

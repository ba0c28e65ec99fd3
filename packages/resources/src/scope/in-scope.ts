import { currentContext, runInContext } from '@tenon/core';
import type { ResourceScope } from './resource-scope.ts';

/**
 * Runs work on instances as that of the tenant whose they are. Whoever happens to need them first must leave no trace in them: not its
 * tenant, not its deadline and not its signal, as they outlive it. Who it was is kept, for audit, when it is of that tenant itself.
 */
export function inScope<T>({ tenant }: ResourceScope, work: () => T): T {
  const current = currentContext();
  const { actor, requestId } = current?.tenant === tenant ? (current ?? {}) : {};
  return runInContext(
    {
      ...(tenant === undefined ? {} : { tenant }),
      ...(actor === undefined ? {} : { actor }),
      ...(requestId === undefined ? {} : { requestId }),
    },
    work,
  );
}

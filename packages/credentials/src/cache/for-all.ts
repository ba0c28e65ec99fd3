import { currentContext, runInContext } from '@tenon/core';

/**
 * Runs work that several wait for. It is not given up because the one that happened to begin it is; of that one's context it keeps
 * everything but what ends it.
 */
export function forAll<T>(work: () => Promise<T>): Promise<T> {
  const context = currentContext();
  if (context === undefined) return work();
  const { signal: _, deadline: __, ...rest } = context;
  return runInContext(rest, work);
}

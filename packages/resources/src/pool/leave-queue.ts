import type { ResourceError } from '../errors.ts';
import type { PoolLease } from './lease.ts';
import type { PoolCore } from './pool-core.ts';
import type { Waiter } from './waiter-queue.ts';

/** To be called for each waiter that has left the queue. */
export function dequeued<Instance>(core: PoolCore<Instance>, waiter: Waiter<PoolLease<Instance>>): void {
  waiter.stopListening?.();
  if (core.queue.size > 0) return;
  core.waitTimer?.cancel();
  core.waitTimer = undefined;
  core.waitDueMs = Infinity;
}

/** Ends a wait without a lease. */
export function rejectWaiter<Instance>(
  core: PoolCore<Instance>,
  waiter: Waiter<PoolLease<Instance>>,
  error: ResourceError,
): void {
  core.queue.remove(waiter);
  dequeued(core, waiter);
  core.figures.failedAcquisitions += 1;
  waiter.reject(error);
}

/** Ends all waits without a lease, each with an error of its own. */
export function rejectAll<Instance>(core: PoolCore<Instance>, makeError: () => ResourceError): void {
  for (const waiter of core.queue) rejectWaiter(core, waiter, makeError());
}

import { isCodedError } from '@tenon/core';
import { resourceError, type ResourceError } from '../errors.ts';
import { poolClosed, poolRevoked, type PoolLease } from './lease.ts';
import { rejectWaiter } from './leave-queue.ts';
import { holdsLeaseOf } from './nested-acquire.ts';
import type { AcquireOptions } from './pool.ts';
import type { PoolCore } from './pool-core.ts';
import { isDown, suspendedForMs, unavailable } from './supply.ts';
import type { Waiter } from './waiter-queue.ts';

/** Borrows at once or by waiting. Refuses what could only fail, without a place in the queue. */
export function acquireLease<Instance>(
  core: PoolCore<Instance>,
  options: AcquireOptions | undefined,
): Promise<PoolLease<Instance>> {
  const ended = options === undefined ? undefined : callerIsDone(core, options);
  const lease = ended === undefined ? core.tryLend() : undefined;
  if (lease !== undefined) return Promise.resolve(lease);
  const refusal = ended ?? refusalOf(core);
  if (refusal === undefined) return waitForLease(core, options ?? {});
  core.figures.failedAcquisitions += 1;
  return Promise.reject(refusal);
}

function waitForLease<Instance>(core: PoolCore<Instance>, options: AcquireOptions): Promise<PoolLease<Instance>> {
  const borrower = core.leaks?.borrower();
  return new Promise((resolve, reject) => {
    const waiter: Waiter<PoolLease<Instance>> = {
      resolve,
      reject,
      timeoutMs: Math.min(
        options.timeoutMs ?? core.config.acquireTimeoutMs,
        options.deadline?.remainingMs() ?? Infinity,
      ),
      sinceMs: undefined,
      borrower,
      stopListening: undefined,
      previous: undefined,
      next: undefined,
      isQueued: false,
    };
    core.queue.add(waiter);
    if (options.signal !== undefined || options.deadline !== undefined) listen(core, waiter, options);
    if (!core.willStampWaiters) {
      core.willStampWaiters = true;
      setImmediate(stampWaiters, core);
    }
    core.isStarted = true;
    core.replenish();
  });
}

function listen<Instance>(
  core: PoolCore<Instance>,
  waiter: Waiter<PoolLease<Instance>>,
  options: AcquireOptions,
): void {
  const signals = [options.signal, options.deadline?.signal].filter((signal) => signal !== undefined);
  const stop = (event: Event): void => {
    const { reason } = event.target as AbortSignal;
    const waitedMs = waiter.sinceMs === undefined ? 0 : core.clock.monotonicMs() - waiter.sinceMs;
    rejectWaiter(core, waiter, isOutOfTime(reason) ? timedOut(core, waitedMs, reason) : cancelled(core, reason));
    core.notify();
  };
  for (const signal of signals) signal.addEventListener('abort', stop, { once: true });
  waiter.stopListening = () => {
    for (const signal of signals) signal.removeEventListener('abort', stop);
  };
}

/**
 * Starts the time of those who came in this turn of the event loop and still wait. Under load most are served in the turn in which they came,
 * and cost neither a look at the clock nor a timer.
 */
function stampWaiters<Instance>(core: PoolCore<Instance>): void {
  core.willStampWaiters = false;
  if (core.queue.size === 0) return;
  const nowMs = core.clock.monotonicMs();
  let dueMs = Infinity;
  for (let waiter = core.queue.newest; waiter?.sinceMs === undefined; waiter = waiter.previous) {
    if (waiter === undefined) break;
    waiter.sinceMs = nowMs;
    dueMs = Math.min(dueMs, nowMs + waiter.timeoutMs);
  }
  if (dueMs < core.waitDueMs) armWaitTimer(core, dueMs, nowMs);
}

/** One timer for all who wait, for the earliest of their moments: most are served long before it, and cost none of their own. */
function armWaitTimer<Instance>(core: PoolCore<Instance>, dueMs: number, nowMs: number): void {
  core.waitTimer?.cancel();
  core.waitDueMs = dueMs;
  core.waitTimer = core.clock.schedule(() => {
    core.waitTimer = undefined;
    core.waitDueMs = Infinity;
    expireWaiters(core);
  }, dueMs - nowMs);
}

function expireWaiters<Instance>(core: PoolCore<Instance>): void {
  const nowMs = core.clock.monotonicMs();
  for (const waiter of core.queue) {
    const { sinceMs, timeoutMs } = waiter;
    if (sinceMs === undefined || sinceMs + timeoutMs > nowMs) continue;
    const waitedMs = nowMs - sinceMs;
    rejectWaiter(core, waiter, timedOut(core, waitedMs, core.lastCreateError));
    core.report({ type: 'acquire-timed-out', waitedMs, active: core.active });
  }
  let earliestMs = Infinity;
  for (const { sinceMs, timeoutMs } of core.queue) {
    if (sinceMs !== undefined) earliestMs = Math.min(earliestMs, sinceMs + timeoutMs);
  }
  if (earliestMs < core.waitDueMs) armWaitTimer(core, earliestMs, nowMs);
  core.notify();
}

function callerIsDone<Instance>(core: PoolCore<Instance>, options: AcquireOptions): ResourceError | undefined {
  if (options.signal?.aborted === true) return cancelled(core, options.signal.reason);
  const { deadline } = options;
  if (deadline === undefined) return undefined;
  const reason: unknown = deadline.signal.aborted ? deadline.signal.reason : undefined;
  if (deadline.remainingMs() === 0 || isOutOfTime(reason)) return timedOut(core, 0, reason);
  return reason === undefined ? undefined : cancelled(core, reason);
}

function refusalOf<Instance>(core: PoolCore<Instance>): ResourceError | undefined {
  const { config, queue } = core;
  if (core.isRevoked) return poolRevoked(config.name);
  if (core.state !== 'open') return poolClosed(config.name);
  if (isDown(core) && suspendedForMs(core) > 0) return unavailable(core);
  // A place that is not lent serves one who waits, as soon as its instance is made or checked; the others wait for a return.
  const waitingForReturn = queue.size - Math.max(0, core.max - core.active);
  if (waitingForReturn < 0) return undefined;
  if (config.nestedAcquire === 'refuse' && holdsLeaseOf(core)) return nested(core);
  if (waitingForReturn < config.maxWaiters) return undefined;
  core.report({ type: 'exhausted', waiting: queue.size });
  return exhausted(core);
}

function isOutOfTime(reason: unknown): boolean {
  return (
    isCodedError(reason, 'DEADLINE_EXCEEDED') || (reason instanceof DOMException && reason.name === 'TimeoutError')
  );
}

function timedOut<Instance>(core: PoolCore<Instance>, waitedMs: number, cause: unknown): ResourceError {
  const { name } = core.config;
  const message =
    `no instance of pool "${name}" came free within ${Math.round(waitedMs)} ms: ${core.active} of ${core.max} are lent; ` +
    'hold leases for less long, or raise "max"';
  return resourceError('RESOURCE_TIMEOUT', message, {
    cause,
    retryable: true,
    details: {
      pool: name,
      operation: 'acquire',
      timeoutMs: Math.round(waitedMs),
      active: core.active,
      max: core.max,
      waiters: core.queue.size,
    },
  });
}

function cancelled<Instance>(core: PoolCore<Instance>, cause: unknown): ResourceError {
  const { name } = core.config;
  return resourceError('RESOURCE_CANCELLED', `the wait for an instance of pool "${name}" was ended by its caller`, {
    cause,
    details: { pool: name },
  });
}

function nested<Instance>(core: PoolCore<Instance>): ResourceError {
  const { name } = core.config;
  const message =
    `work that holds a lease of pool "${name}" would have to wait for another one, maybe for ever; pass the instance on, ` +
    'or set "nestedAcquire" to "allow" and "max" to more than all such work can hold';
  return resourceError('POOL_NESTED_ACQUIRE', message, { details: { pool: name, active: core.active, max: core.max } });
}

function exhausted<Instance>(core: PoolCore<Instance>): ResourceError {
  const { name, maxWaiters } = core.config;
  return resourceError(
    'POOL_EXHAUSTED',
    `all instances of pool "${name}" are lent and ${core.queue.size} callers wait`,
    {
      retryable: true,
      retryAfterMs: 50,
      details: { pool: name, current: core.active, max: core.max, waiters: core.queue.size, maxWaiters },
    },
  );
}

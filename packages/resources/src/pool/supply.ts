import { isCodedError } from '@tenon/core';
import { resourceError, type ResourceError } from '../errors.ts';
import { emptyRecord } from './choosing/member-record.ts';
import { destroyLate } from './destroy-entry.ts';
import { makeEntry } from './entry.ts';
import { HookCall } from './hook-call.ts';
import type { PoolCore } from './pool-core.ts';
import { rejectAll, rejectWaiter } from './leave-queue.ts';
import { scheduleSweep } from './sweep.ts';

/** After so many instances in a row that were out of date before they were made, the next one is made after a while. */
const MAX_OUTDATED_IN_ROW = 5;

/** Starts as many `create` as are wanted, fit under `max`, and are allowed at once. A place is taken before anything is awaited. */
export function replenish<Instance>(core: PoolCore<Instance>): void {
  while (isMoreWanted(core) && core.entries.size + core.creating < core.max) {
    // After a failure one try at a time shows whether it is over.
    const atOnce = core.createFailuresInRow > 0 ? 1 : core.config.maxConcurrentCreates;
    if (core.creating >= atOnce) return;
    const suspendedMs = suspendedForMs(core);
    if (suspendedMs > 0) {
      core.retryTimer ??= core.clock.schedule(() => {
        core.retryTimer = undefined;
        core.replenish();
      }, suspendedMs);
      return;
    }
    startCreate(core);
  }
}

/** For how long no instance is made, in milliseconds; 0 when nothing stands in the way. */
export function suspendedForMs<Instance>(core: PoolCore<Instance>): number {
  return core.createFailuresInRow === 0 ? 0 : Math.max(0, core.retryAtMs - core.clock.monotonicMs());
}

/** Whether failures of `create` have come to the point where they are everybody's. */
export function isDown<Instance>(core: PoolCore<Instance>): boolean {
  return core.createFailuresInRow >= core.config.maxCreateFailures && core.usable === 0 && core.creating === 0;
}

/** What borrowers get while making instances is suspended. */
export function unavailable<Instance>(core: PoolCore<Instance>): ResourceError {
  const { name } = core.config;
  const retryAfterMs = Math.ceil(suspendedForMs(core));
  return resourceError(
    'RESOURCE_UNAVAILABLE',
    `pool "${name}" could not make an instance; try again in ${retryAfterMs} ms`,
    {
      cause: core.lastCreateError,
      retryable: true,
      retryAfterMs,
      details: { pool: name, failuresInRow: core.createFailuresInRow },
    },
  );
}

/** Gives up everything that is being made; what comes of it is destroyed. */
export function abandonCreates<Instance>(core: PoolCore<Instance>, reason: Error): void {
  for (const call of core.creates) call.abandon(reason);
}

function isMoreWanted<Instance>(core: PoolCore<Instance>): boolean {
  if (core.state === 'closed' || core.isRevoked) return false;
  if (core.queue.size > core.creating + core.checking) return true;
  if (core.state !== 'open') return false;
  let floor = core.isStarted ? core.min : 0;
  for (const { target } of core.warmUps) floor = Math.max(floor, target);
  return core.usable + core.creating < floor;
}

function startCreate<Instance>(core: PoolCore<Instance>): void {
  const { config, clock, generation } = core;
  const startedMs = clock.monotonicMs();
  const ended = (): void => {
    core.creating -= 1;
    core.creates.delete(call);
  };
  const abandonedEnded = (): void => {
    core.abandoned -= 1;
    core.notify();
  };
  const call = new HookCall<Instance>({
    clock,
    timeoutMs: config.createTimeoutMs,
    timeoutError: () =>
      resourceError(
        'RESOURCE_TIMEOUT',
        `"create" of pool "${config.name}" did not finish within ${config.createTimeoutMs} ms`,
        { retryable: true, details: { pool: config.name, operation: 'create', timeoutMs: config.createTimeoutMs } },
      ),
    invoke: (context) => config.create(context),
    outcome: {
      done(instance) {
        ended();
        accept(core, instance, generation, startedMs);
      },
      failed(error, wasAbandoned) {
        ended();
        if (wasAbandoned) core.abandoned += 1;
        failed(core, error);
      },
      late(instance) {
        core.figures.created += 1;
        core.figures.lateCreates += 1;
        destroyLate(core, instance, abandonedEnded);
      },
      lateFailure: abandonedEnded,
    },
  });
  core.creating += 1;
  core.creates.add(call);
  call.start();
}

function accept<Instance>(core: PoolCore<Instance>, instance: Instance, generation: number, startedMs: number): void {
  const { config } = core;
  const nowMs = core.clock.monotonicMs();
  const lifetimeMs = config.maxLifetimeMs * (1 - 0.05 * config.random());
  const record = core.chooser?.learn === undefined ? undefined : emptyRecord();
  const entry = makeEntry(instance, nowMs, nowMs + lifetimeMs, record);
  if (generation !== core.generation) entry.retired = 'invalidated';
  core.entries.add(entry);
  core.figures.created += 1;
  core.outdatedInRow = entry.retired === undefined ? 0 : core.outdatedInRow + 1;
  if (core.outdatedInRow < MAX_OUTDATED_IN_ROW) noFailure(core);
  else slowDown(core);
  scheduleSweep(core, nowMs);
  core.refreshFastPath();
  core.report({ type: 'created', durationMs: nowMs - startedMs });
  core.offer(entry);
  for (const warmUp of core.warmUps) if (core.usable >= warmUp.target) warmUp.settle(undefined);
  core.replenish();
  core.notify();
}

/** Making them works, as far as is known. */
function noFailure<Instance>(core: PoolCore<Instance>): void {
  core.createFailuresInRow = 0;
  core.backoffs = 0;
  core.retryAtMs = 0;
  core.lastCreateError = undefined;
}

/** Makes the next one only after a while: whatever invalidates each one while it is made would else keep the process busy for ever. */
function slowDown<Instance>(core: PoolCore<Instance>): void {
  core.createFailuresInRow += 1;
  core.lastCreateError = new Error(`the last ${core.outdatedInRow} instances were invalidated while they were made`);
  suspend(core);
}

function failed<Instance>(core: PoolCore<Instance>, error: unknown): void {
  const { config } = core;
  core.figures.createFailures += 1;
  // Given up by the pool itself, so that it says nothing about the next one.
  const isEnding = core.state === 'closed' || core.isRevoked || (core.state === 'draining' && core.queue.size === 0);
  if (isEnding) {
    core.notify();
    return;
  }
  core.createFailuresInRow += 1;
  core.lastCreateError = error;
  suspend(core);
  core.report({
    type: 'create-failed',
    error,
    failuresInRow: core.createFailuresInRow,
    retryInMs: suspendedForMs(core),
  });
  const failure = resourceError('RESOURCE_INITIALIZATION_FAILED', `pool "${config.name}" could not make an instance`, {
    cause: error,
    ...(isCodedError(error) && error.retryable ? { retryable: true, retryAfterMs: suspendedForMs(core) } : {}),
    details: { pool: config.name, failuresInRow: core.createFailuresInRow },
  });
  if (core.createFailuresInRow >= config.maxCreateFailures) {
    const waiter = core.queue.take('oldest');
    if (waiter !== undefined) rejectWaiter(core, waiter, failure);
    for (const warmUp of core.warmUps) warmUp.settle(failure);
    // Nobody is left who could bring anything back, and new borrowers are refused as well.
    if (isDown(core)) rejectAll(core, () => unavailable(core));
  }
  core.refreshFastPath();
  core.replenish();
  core.notify();
}

/** Exponential, as in "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015). Failures of tries made together count once. */
function suspend<Instance>(core: PoolCore<Instance>): void {
  if (suspendedForMs(core) > 0) return;
  const { initialMs, factor, maxMs, jitter } = core.config.createBackoff;
  const fullMs = Math.min(maxMs, initialMs * factor ** core.backoffs);
  core.backoffs += 1;
  core.retryAtMs = core.clock.monotonicMs() + fullMs * (1 - jitter * core.config.random());
}

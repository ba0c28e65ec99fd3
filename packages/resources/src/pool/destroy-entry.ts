import { resourceError, type ResourceError } from '../errors.ts';
import { settleEntry, type Entry } from './entry.ts';
import { HookCall } from './hook-call.ts';
import type { PoolCore } from './pool-core.ts';
import type { DestroyReason } from './pool-options.ts';

/**
 * Destroys an instance that is not in the list of the idle ones. Its place is free when the hook is done, has failed or is out of time.
 * A second call for the same instance does nothing.
 */
export function destroyEntry<Instance>(core: PoolCore<Instance>, entry: Entry<Instance>, reason: DestroyReason): void {
  if (entry.state === 'destroying') return;
  entry.state = 'destroying';
  entry.retired = reason;
  core.destroying += 1;
  callDestroy(core, entry.instance, reason, () => {
    core.entries.delete(entry);
    core.destroying -= 1;
    if (core.entries.size === 0) {
      core.sweepTimer?.cancel();
      core.sweepTimer = undefined;
      core.sweepDueMs = Infinity;
      core.idleSweepDueMs = Infinity;
    }
    settleEntry(entry);
    core.refreshFastPath();
    core.replenish();
    core.notify();
  });
}

/** Takes every idle instance that is to go out of the list, and then destroys them. */
export function destroyIdle<Instance>(
  core: PoolCore<Instance>,
  reasonFor: (entry: Entry<Instance>) => DestroyReason | undefined,
): void {
  const leaving: (readonly [Entry<Instance>, DestroyReason])[] = [];
  const staying: Entry<Instance>[] = [];
  for (const entry of core.idle) {
    const reason = reasonFor(entry);
    if (reason === undefined) {
      staying.push(entry);
    } else {
      // Nobody may find it in between, as the hook of the first may already borrow from the pool.
      entry.retired = reason;
      leaving.push([entry, reason]);
    }
  }
  if (leaving.length === 0) return;
  core.idle.splice(0, core.idle.length, ...staying);
  for (const [entry] of leaving) entry.state = 'checking';
  for (const [entry, reason] of leaving) core.destroy(entry, reason);
}

/** Destroys what `create` has made after it was given up. */
export function destroyLate<Instance>(core: PoolCore<Instance>, instance: Instance, ended: () => void): void {
  callDestroy(core, instance, 'late', ended);
}

function callDestroy<Instance>(
  core: PoolCore<Instance>,
  instance: Instance,
  reason: DestroyReason,
  ended: () => void,
): void {
  const { config, clock, figures } = core;
  new HookCall<void>({
    clock,
    timeoutMs: config.destroyTimeoutMs,
    timeoutError: () => destroyTimedOut(config.name, config.destroyTimeoutMs),
    invoke: (context) =>
      config.destroy(instance, {
        reason,
        get signal() {
          return context.signal;
        },
      }),
    outcome: {
      done: () => {
        figures.destroyed += 1;
        core.report({ type: 'destroyed', reason });
        ended();
      },
      failed: (error) => {
        figures.destroyed += 1;
        figures.destroyFailures += 1;
        core.report({ type: 'destroy-failed', reason, error });
        ended();
      },
    },
  }).start();
}

function destroyTimedOut(name: string, timeoutMs: number): ResourceError {
  return resourceError('RESOURCE_TIMEOUT', `"destroy" of pool "${name}" did not finish within ${timeoutMs} ms`, {
    details: { pool: name, operation: 'destroy', timeoutMs },
  });
}

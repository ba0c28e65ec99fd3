import { destroyEntry, destroyIdle } from './destroy-entry.ts';
import type { Entry } from './entry.ts';
import { rejectAll } from './leave-queue.ts';
import { poolClosed, poolRevoked } from './lease.ts';
import type { CloseOptions, CloseReport, DrainReport } from './pool.ts';
import type { PoolCore } from './pool-core.ts';
import { abandonCreates } from './supply.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

/** Destroys an instance although somebody may still use it. The lease is void: giving it back later does nothing. */
export function takeAway<Instance>(core: PoolCore<Instance>, entry: Entry<Instance>, reason: 'forced' | 'lost'): void {
  if (entry.state === 'borrowed') {
    core.active -= 1;
    core.figures.takenAway += 1;
  }
  entry.borrower = undefined;
  entry.controller?.abort(poolClosed(core.config.name));
  destroyEntry(core, entry, reason);
}

/** Ends all use at once. The fence is the flag: it is up before anybody is told. */
export function revoke<Instance>(core: PoolCore<Instance>): void {
  if (core.isRevoked || core.state === 'closed') return;
  core.isRevoked = true;
  const { name } = core.config;
  for (const entry of core.entries) entry.retired ??= 'revoked';
  destroyIdle(core, () => 'revoked');
  rejectAll(core, () => poolRevoked(name));
  abandonCreates(core, poolRevoked(name));
  for (const warmUp of core.warmUps) warmUp.settle(poolRevoked(name));
  stopRetrying(core);
  for (const { controller } of core.entries) controller?.abort(poolRevoked(name));
  core.report({ type: 'revoked' });
  core.notify();
}

/** Refuses new borrowers and waits for those who are there. */
export async function drain<Instance>(
  core: PoolCore<Instance>,
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
): Promise<DrainReport> {
  const returnedBefore = returns(core);
  if (core.state === 'open') startDraining(core);
  await until(core, timeoutMs, () => core.active === 0 && core.queue.size === 0 && core.checking === 0);
  return { returned: returns(core) - returnedBefore, left: core.active };
}

/** Drains, destroys and reports. */
export async function close<Instance>(core: PoolCore<Instance>, options: CloseOptions): Promise<CloseReport> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, mode = 'force' } = options;
  const { clock, config, figures } = core;
  const startedMs = clock.monotonicMs();
  const { destroyed: destroyedBefore, destroyFailures: failuresBefore } = figures;
  const returnedBefore = returns(core);
  await drain(core, timeoutMs);
  const returned = returns(core) - returnedBefore;
  core.state = 'closed';
  const closed = poolClosed(config.name);
  rejectAll(core, () => poolClosed(config.name));
  stopRetrying(core);
  abandonCreates(core, closed);
  const forced = mode === 'force' ? core.active : 0;
  for (const entry of core.entries) {
    if (mode === 'force' || entry.state === 'checking') takeAway(core, entry, 'forced');
    else {
      entry.retired ??= 'closed';
      entry.controller?.abort(closed);
    }
  }
  await until(core, Infinity, () => core.usable === core.active && core.destroying === 0);
  const leftMs = Math.max(0, timeoutMs - (clock.monotonicMs() - startedMs));
  await until(core, Math.min(leftMs, config.destroyTimeoutMs), () => core.abandoned === 0);
  core.leaks?.stop();
  const left = core.active + core.abandoned + figures.destroyFailures - failuresBefore;
  core.report({ type: 'closed', forced, left });
  return { returned, destroyed: figures.destroyed - destroyedBefore, forced, left };
}

function startDraining<Instance>(core: PoolCore<Instance>): void {
  core.state = 'draining';
  core.refreshFastPath();
  core.sweepTimer?.cancel();
  core.sweepTimer = undefined;
  const closed = poolClosed(core.config.name);
  for (const warmUp of core.warmUps) warmUp.settle(closed);
  if (core.queue.size === 0) {
    stopRetrying(core);
    abandonCreates(core, closed);
  }
  core.report({ type: 'draining', active: core.active, waiting: core.queue.size });
  destroyIdle(core, () => 'closed');
}

function stopRetrying<Instance>(core: PoolCore<Instance>): void {
  core.retryTimer?.cancel();
  core.retryTimer = undefined;
}

function returns<Instance>(core: PoolCore<Instance>): number {
  const { acquisitions, takenAway } = core.figures;
  return acquisitions - core.active - takenAway;
}

/** Waits until the pool is in a state, but not for ever. */
function until<Instance>(core: PoolCore<Instance>, timeoutMs: number, isReached: () => boolean): Promise<void> {
  if (isReached() || timeoutMs <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const giveUp = (): void => {
      core.watchers.delete(watcher);
      resolve();
    };
    const timer = timeoutMs === Infinity ? undefined : core.clock.schedule(giveUp, timeoutMs, { keepAlive: true });
    const watcher = {
      isReached,
      reached: () => {
        timer?.cancel();
        resolve();
      },
    };
    core.watchers.add(watcher);
  });
}

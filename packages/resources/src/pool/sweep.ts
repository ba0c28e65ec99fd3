import { destroyIdle } from './destroy-entry.ts';
import type { PoolCore } from './pool-core.ts';

/** An idle time is measured in looks, so that giving back need not read the clock: eviction comes at most one look late. */
const LOOKS_PER_IDLE_TIMEOUT = 8;

/**
 * Sees to it that the pool looks again when the first life time ends, or the idle ones are due for a look. There is one timer, and none for an
 * empty pool.
 */
export function scheduleSweep<Instance>(core: PoolCore<Instance>, nowMs: number): void {
  if (core.entries.size === 0 || core.state !== 'open') return;
  if (core.idleSweepDueMs === Infinity)
    core.idleSweepDueMs = nowMs + core.config.idleTimeoutMs / LOOKS_PER_IDLE_TIMEOUT;
  let dueMs = core.idleSweepDueMs;
  for (const entry of core.entries) if (entry.retired === undefined) dueMs = Math.min(dueMs, entry.expiresAtMs);
  if (dueMs === Infinity || dueMs >= core.sweepDueMs) return;
  core.sweepTimer?.cancel();
  core.sweepDueMs = dueMs;
  core.sweepTimer = core.clock.schedule(() => {
    core.sweepTimer = undefined;
    core.sweepDueMs = Infinity;
    sweep(core);
  }, dueMs - nowMs);
}

function sweep<Instance>(core: PoolCore<Instance>): void {
  const nowMs = core.clock.monotonicMs();
  for (const entry of core.entries) {
    if (entry.state !== 'destroying' && entry.expiresAtMs <= nowMs) entry.retired ??= 'expired';
  }
  let surplus = core.usable - core.min;
  const looksAtIdle = core.idleSweepDueMs <= nowMs;
  if (looksAtIdle) core.idleSweepDueMs = Infinity;
  destroyIdle(core, (entry) => {
    if (entry.retired !== undefined) {
      surplus -= 1;
      return entry.retired;
    }
    if (!looksAtIdle) return undefined;
    const isUnused = entry.sweptUses === entry.uses;
    entry.sweptUses = entry.uses;
    entry.sweptIdle = isUnused ? entry.sweptIdle + 1 : 0;
    if (entry.sweptIdle < LOOKS_PER_IDLE_TIMEOUT || surplus <= 0) return undefined;
    surplus -= 1;
    return 'idle';
  });
  scheduleSweep(core, nowMs);
}

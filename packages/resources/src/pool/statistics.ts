import { WAIT_BOUNDS_MS } from './figures.ts';
import type { PoolCore } from './pool-core.ts';

/** Figures of a pool. Counts are since it was created; everything is of this process. */
export interface PoolStatistics {
  readonly name: string;
  readonly state: 'open' | 'draining' | 'closed' | 'revoked';
  /** How often the pool was invalidated. */
  readonly generation: number;
  readonly min: number;
  readonly max: number;

  /** Instances that are or will be of use: active, idle and being checked. */
  readonly size: number;
  readonly active: number;
  readonly idle: number;
  readonly creating: number;
  /** Being validated or reset. */
  readonly checking: number;
  readonly destroying: number;
  readonly waiting: number;
  readonly peakActive: number;
  /** `active / max` at this moment. */
  readonly utilization: number;
  /** Running mean of `active / max` as some 256 acquires before have found it. */
  readonly recentUtilization: number;

  /** Leases given. */
  readonly acquisitions: number;
  /** Leases that came back. */
  readonly releases: number;
  /** Acquires that ended without a lease. */
  readonly failedAcquisitions: number;
  /** Acquires that had to wait and got a lease. A wait is timed from the end of the turn of the event loop in which it began. */
  readonly waits: number;
  readonly totalWaitMs: number;
  readonly averageWaitMs: number;
  /** Over all leases; one that was given at once took no time. */
  readonly averageAcquireMs: number;
  /** Counts by upper bound in milliseconds, the last without one. Not cumulative. */
  readonly waitHistogram: readonly { readonly upToMs: number; readonly count: number }[];

  readonly created: number;
  readonly createFailures: number;
  /** Made after nobody waited for it any more, and destroyed. */
  readonly lateCreates: number;
  readonly destroyed: number;
  readonly destroyFailures: number;
  /** Leases that were never given back. Counted with `maxHoldMs` alone. */
  readonly lost: number;
  /** Answers of `validate`; `lastAtMs` in epoch milliseconds. */
  readonly validations: {
    readonly total: number;
    readonly failed: number;
    readonly averageMs: number;
    readonly lastAtMs: number | undefined;
  };
}

/** Reads the figures of a pool. */
export function readStatistics<Instance>(core: PoolCore<Instance>): PoolStatistics {
  const { figures } = core;
  return {
    name: core.config.name,
    state: core.isRevoked && core.state !== 'closed' ? 'revoked' : core.state,
    generation: core.generation,
    min: core.min,
    max: core.max,
    size: core.usable,
    active: core.active,
    idle: core.idle.length,
    creating: core.creating,
    checking: core.checking,
    destroying: core.destroying,
    waiting: core.queue.size,
    peakActive: figures.peakActive,
    utilization: core.active / core.max,
    recentUtilization: figures.recentActive / core.max,
    acquisitions: figures.acquisitions,
    releases: figures.acquisitions - core.active - figures.takenAway,
    failedAcquisitions: figures.failedAcquisitions,
    waits: figures.waits,
    totalWaitMs: figures.totalWaitMs,
    averageWaitMs: mean(figures.totalWaitMs, figures.waits),
    averageAcquireMs: mean(figures.totalWaitMs, figures.acquisitions),
    waitHistogram: figures.waitCounts.map((count, index) => ({ upToMs: WAIT_BOUNDS_MS[index] ?? Infinity, count })),
    created: figures.created,
    createFailures: figures.createFailures,
    lateCreates: figures.lateCreates,
    destroyed: figures.destroyed,
    destroyFailures: figures.destroyFailures,
    lost: figures.lost,
    validations: {
      total: figures.validations,
      failed: figures.failedValidations,
      averageMs: mean(figures.totalValidationMs, figures.validations),
      lastAtMs: figures.lastValidationAtMs,
    },
  };
}

function mean(total: number, count: number): number {
  return count === 0 ? 0 : total / count;
}

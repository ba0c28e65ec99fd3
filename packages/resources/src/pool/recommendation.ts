import type { PoolStatistics } from './statistics.ts';

/** What the figures of a pool say. */
export interface PoolRecommendation {
  readonly action: 'grow' | 'shrink' | 'keep';
  /** The `max` to set. */
  readonly max: number;
  /** In words, with the figures it rests on. */
  readonly reason: string;
  /** From 1 (well) down to 0: less for little room, failures and waits. */
  readonly healthScore: number;
}

const BUSY = 0.8;
const QUIET = 0.3;
const LEAST_ACQUISITIONS = 256;

/** Recommends a half more when more than 80 % are in use and all have been, a quarter less when it is below 30 % and never were half. */
export function recommend(statistics: PoolStatistics): PoolRecommendation {
  const { max, recentUtilization, peakActive, acquisitions } = statistics;
  const healthScore = healthScoreOf(statistics);
  const percent = `${Math.round(recentUtilization * 100)} %`;
  if (acquisitions < LEAST_ACQUISITIONS) {
    return { action: 'keep', max, reason: `only ${acquisitions} acquires so far: too few to tell`, healthScore };
  }
  if (recentUtilization > BUSY && peakActive >= max) {
    const reason = `${percent} in use, and all ${max} have been; ${statistics.waits} acquires had to wait`;
    return { action: 'grow', max: Math.ceil(max * 1.5), reason, healthScore };
  }
  const smaller = Math.max(1, statistics.min, peakActive, Math.floor(max * 0.75));
  if (recentUtilization < QUIET && peakActive < max / 2 && smaller < max) {
    const reason = `${percent} in use, and never more than ${peakActive} of ${max}`;
    return { action: 'shrink', max: smaller, reason, healthScore };
  }
  return { action: 'keep', max, reason: `${percent} in use, at most ${peakActive} of ${max}`, healthScore };
}

/**
 * 1, less a half of what utilization is above 90 %, less 0.3 of the share of failed acquires, less a thousandth of each millisecond above 100
 * of the mean acquire (at most 0.2), less a five-hundredth of each above 50 of the mean wait (at most 0.2).
 */
function healthScoreOf(statistics: PoolStatistics): number {
  const { recentUtilization, acquisitions, failedAcquisitions, averageAcquireMs, averageWaitMs } = statistics;
  const asked = acquisitions + failedAcquisitions;
  const failureRate = asked === 0 ? 0 : failedAcquisitions / asked;
  const score =
    1 -
    Math.max(0, recentUtilization - 0.9) * 0.5 -
    failureRate * 0.3 -
    clamp((averageAcquireMs - 100) / 1_000, 0.2) -
    clamp((averageWaitMs - 50) / 500, 0.2);
  return Math.max(0, score);
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}

import type { TrendDirection } from './health-trend.ts';
import { healthScore, type HealthStatus } from './health-status.ts';

/** How one of several is. */
export interface HealthPart {
  readonly health: HealthStatus;
  /** Default `unknown`. */
  readonly trend?: TrendDirection;
  /** How much it counts in the score, 0 or more. Default 1. */
  readonly weight?: number;
}

/** How several resources together are. */
export interface HealthRollUp {
  /** As the worst of them: `unhealthy` when one is, `degraded` when one is, `healthy` when all are; `unknown` without any that was looked at. */
  readonly worst: HealthStatus['status'];
  /** As all of them, by their score: `healthy` from 0.9 on, `degraded` from 0.5 on, else `unhealthy`; `unknown` as above. */
  readonly weighted: HealthStatus['status'];
  /** The mean of their scores by weight, 0 to 1; those not looked at left out; 1 without any. */
  readonly score: number;
  /** As the worst of them: `worsening` when one is, `improving` when one is, `stable` when one is, else `unknown`. */
  readonly trend: TrendDirection;
  /** How many are how. */
  readonly counts: Readonly<Record<HealthStatus['status'], number>>;
}

/** From which score on several together are said to be well, or still of use. */
const HEALTHY_FROM = 0.9;
const DEGRADED_FROM = 0.5;

/** Looks at several together. */
export function rollUp(all: readonly HealthPart[]): HealthRollUp {
  const counts = { healthy: 0, degraded: 0, unhealthy: 0, unknown: 0 };
  for (const { health } of all) counts[health.status] += 1;
  const seen = all.filter(({ health }) => health.status !== 'unknown');
  const total = seen.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const score =
    total === 0 ? 1 : seen.reduce((sum, { health, weight = 1 }) => sum + healthScore(health) * weight, 0) / total;
  const worst = (['unhealthy', 'degraded', 'healthy'] as const).find((status) => counts[status] > 0) ?? 'unknown';
  const trends = new Set(all.map(({ trend }) => trend));
  const trend = (['worsening', 'improving', 'stable'] as const).find((each) => trends.has(each)) ?? 'unknown';
  return { worst, weighted: seen.length === 0 ? 'unknown' : statusOf(score), score, trend, counts };
}

function statusOf(score: number): HealthStatus['status'] {
  if (score >= HEALTHY_FROM) return 'healthy';
  return score >= DEGRADED_FROM ? 'degraded' : 'unhealthy';
}

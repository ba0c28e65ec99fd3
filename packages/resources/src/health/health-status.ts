/** How a resource is. */
export type HealthStatus =
  | { readonly status: 'healthy' }
  /** It works, but not as it should. `impact`: how much of it is lost, 0 to 1. */
  | { readonly status: 'degraded'; readonly reason: string; readonly impact: number }
  /** `recoverable`: whether to try it again. */
  | { readonly status: 'unhealthy'; readonly reason: string; readonly recoverable: boolean }
  /** Not looked at yet. */
  | { readonly status: 'unknown' };

/** One look at a resource. */
export interface HealthRecord {
  readonly health: HealthStatus;
  /** Milliseconds since the Unix epoch. */
  readonly checkedAtMs: number;
  /** How long the look took, in milliseconds. */
  readonly latencyMs: number;
  /** How many looks in a row found it unhealthy, this one included. */
  readonly failuresInRow: number;
}

/** Below this a degraded resource is still used. */
const USABLE_BELOW_IMPACT = 0.8;

/** Whether work should be sent to a resource. What nobody has looked at yet counts as usable. */
export function isUsable(health: HealthStatus): boolean {
  if (health.status === 'degraded') return health.impact < USABLE_BELOW_IMPACT;
  return health.status !== 'unhealthy';
}

/** Health as a number: 1 healthy, 0 unhealthy, 0.5 unknown, and what is left of a degraded one. */
export function healthScore(health: HealthStatus): number {
  if (health.status === 'degraded') return Math.min(1, Math.max(0, 1 - health.impact));
  return { healthy: 1, unhealthy: 0, unknown: 0.5 }[health.status];
}

import type { HealthRecord, HealthTrend, ResourceToken, ResourceView, TrendHalf } from '@tenon/resources';
import { Type, type Static } from 'typebox';

const nullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] });
const nullableNumber = Type.Unsafe<number | null>({ type: ['number', 'null'] });
const statuses = ['healthy', 'degraded', 'unhealthy', 'unknown'] as const;
const Direction = Type.Enum(['improving', 'stable', 'worsening', 'unknown'], {
  description: '`unknown`: fewer than 8 looks',
});

/** What a look has found. */
export const Health = Type.Object(
  {
    status: Type.Enum(statuses),
    reason: nullableText,
    checkedAt: Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time' }),
    latencyMs: nullableNumber,
  },
  { title: 'ResourceHealth' },
);

const Half = Type.Object(
  {
    looks: Type.Integer(),
    failureShare: Type.Number({ description: 'which part of them failed, 0 to 1' }),
    medianLatencyMs: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'of those that did not fail',
    }),
  },
  { title: 'ResourceTrendHalf' },
);

/** How one resource of the tenant is, and where that goes. */
export const HealthDetails = Type.Object(
  {
    name: Type.String(),
    technology: Type.String(),
    ...Health.properties,
    gate: Type.Enum(['open', 'closed', 'probing', 'given-up'], {
      description: 'whether it is lent: `closed` and `probing` in quarantine, `given-up` until somebody resumes it',
    }),
    trend: Type.Object({ direction: Direction, older: Half, newer: Half }, { title: 'ResourceTrend' }),
    history: Type.Array(Health, { description: 'the last looks, the newest first' }),
  },
  { title: 'ResourceHealthDetails' },
);

/** How all resources of the tenant are. */
export const HealthReport = Type.Object(
  {
    status: Type.Enum(statuses, { description: 'that of the worst' }),
    weightedStatus: Type.Enum(statuses, {
      description: 'by the score: `healthy` from 0.9 on, `degraded` from 0.5 on',
    }),
    score: Type.Number({ description: 'the mean of all by their weight, 0 to 1' }),
    trend: Direction,
    resources: Type.Array(
      Type.Object({ name: Type.String(), technology: Type.String(), health: Health, trend: Direction }),
    ),
  },
  { title: 'ResourcesHealth' },
);

const rounded = (milliseconds: number): number => Math.round(milliseconds * 1_000) / 1_000;

/** A look for people. */
export function toHealth(health: HealthRecord['health'], record?: HealthRecord): Static<typeof Health> {
  return {
    status: health.status,
    reason: 'reason' in health ? health.reason : null,
    checkedAt: record === undefined ? null : new Date(record.checkedAtMs).toISOString(),
    latencyMs: record === undefined ? null : rounded(record.latencyMs),
  };
}

/** Everything about the health of a resource; one that was never used has no view. */
export function toHealthDetails(
  { name, technology }: ResourceToken,
  view: ResourceView | undefined,
  history: readonly HealthRecord[],
): Static<typeof HealthDetails> {
  return {
    name,
    technology,
    ...toHealth(view?.health ?? { status: 'unknown' }, history[0]),
    gate: view?.gate.state ?? 'open',
    trend: toTrend(view?.trend),
    history: history.map((record) => toHealth(record.health, record)),
  };
}

function toTrend(trend: HealthTrend | undefined): Static<typeof HealthDetails>['trend'] {
  return { direction: trend?.direction ?? 'unknown', older: toHalf(trend?.older), newer: toHalf(trend?.newer) };
}

function toHalf(half: TrendHalf | undefined): Static<typeof Half> {
  const { looks = 0, failureShare = 0, medianLatencyMs } = half ?? {};
  return { looks, failureShare, medianLatencyMs: medianLatencyMs === undefined ? null : rounded(medianLatencyMs) };
}

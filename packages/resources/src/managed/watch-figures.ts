import { healthScore } from '../health/health-status.ts';
import { healthOf } from './health-of.ts';
import type { ManagedResource } from './managed-resource.ts';
import type { ResourceInstruments } from './resource-instruments.ts';

/** What a gauge shows: its name, what it says, its value for one managed resource, and what becomes of several with the same labels. */
type Figure = readonly [
  name: string,
  description: string,
  read: (managed: ManagedResource) => number | undefined,
  combine: (values: readonly number[]) => number,
];

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
/** One that does not work must not be lost among many that do. */
const worst = (values: readonly number[]): number => values.reduce((least, value) => Math.min(least, value), Infinity);
const fullest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);

const figures: readonly Figure[] = [
  ['resource_active_count', 'Leases that are out', ({ borrowers }) => borrowers, sum],
  ['resource_waiting_count', 'Acquires that wait', ({ waiting }) => waiting, sum],
  ['resource_active_instances', 'Instances that live', ({ maker }) => maker.living().length, sum],
  ['resource_pool_utilization', 'Share of the fullest pool that is lent, 0 to 1', utilizationOf, fullest],
  [
    'resource_health_score',
    'Health of the worst: 1 healthy, 0 unhealthy, what is left of a degraded one',
    scoreOf,
    worst,
  ],
  ['resource_health_trend', 'Where the health of the worst goes: -1 worsening, 0 stable, 1 improving', trendOf, worst],
];

/** Shows what there is now. What is not known is not shown. @param all - read whenever metrics are collected */
export function watchFigures(instruments: ResourceInstruments, all: () => readonly ManagedResource[]): void {
  for (const [name, description, read, combine] of figures) {
    const readings = () =>
      all().flatMap((managed) => {
        const value = read(managed);
        const { registration, scope } = managed;
        return value === undefined ? [] : [{ token: registration.token, tenant: scope.tenant, value }];
      });
    instruments.watch(name, description, readings, combine);
  }
}

/** What all share has no pool that could be full. */
function utilizationOf({ pool, registration }: ManagedResource): number | undefined {
  return registration.token.definition.use === 'shared' ? undefined : pool.statistics().utilization;
}

function scoreOf(managed: ManagedResource): number | undefined {
  const health = healthOf(managed);
  return health.status === 'unknown' ? undefined : healthScore(health);
}

function trendOf({ watch }: ManagedResource): number | undefined {
  return { worsening: -1, stable: 0, improving: 1, unknown: undefined }[watch.history.direction];
}

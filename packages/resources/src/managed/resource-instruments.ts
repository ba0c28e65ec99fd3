import type { Observation, Telemetry } from '@tenon/core';
import type { ResourceToken } from '../definition/resource-token.ts';

/** The labels of every figure. */
type Labels = Readonly<Record<'resource' | 'resource_type' | 'tenant', string>>;

/** The metrics of the resources of one registry. No instance, credential or scope is a label. */
export interface ResourceInstruments {
  acquired(token: ResourceToken, tenant: string | undefined, seconds: number): void;
  released(token: ResourceToken, tenant: string | undefined): void;
  created(token: ResourceToken, tenant: string | undefined): void;
  destroyed(token: ResourceToken, tenant: string | undefined): void;
  checked(token: ResourceToken, success: boolean): void;
  failed(token: ResourceToken, errorType: string): void;
  rotated(token: ResourceToken, outcome: string): void;
  /**
   * Starts to show a gauge for each resource and tenant, read when metrics are collected.
   *
   * @param combine - makes one value of those that have the same labels
   */
  watch(
    name: string,
    description: string,
    read: () => readonly ResourceReading[],
    combine: (values: readonly number[]) => number,
  ): void;
  /** Shows no gauge any more. An SDK keeps what it once read for ever, which must then lead to nothing. */
  stop(): void;
}

/** What a gauge shows of one managed resource. */
export interface ResourceReading {
  readonly token: ResourceToken;
  readonly tenant: string | undefined;
  readonly value: number;
}

/** From a tenth of a millisecond, far above what lending an idle instance takes, to ten seconds, far above what anybody should wait. */
const ACQUIRE_BUCKETS: readonly number[] = [0.0001, 0.001, 0.01, 0.1, 1, 10];

/** Past these, tenants are counted together: the number of time series must have an end. */
const MAX_TENANT_LABELS = 1_000;

/**
 * Registers the metrics.
 *
 * @param hasTenants - whether the tenant is a label. It is then the tenant's id for the first 1,000, and `other` for the rest
 */
export function createResourceInstruments(telemetry: Telemetry, hasTenants: boolean): ResourceInstruments {
  const acquisitions = telemetry.counter('resource_acquisitions_total', 'Leases given');
  const releases = telemetry.counter('resource_releases_total', 'Leases given back');
  const creations = telemetry.counter('resource_creations_total', 'Instances made');
  const destructions = telemetry.counter('resource_destructions_total', 'Instances ended');
  const checks = telemetry.counter('resource_health_checks_total', 'Looks at resources, by whether they work');
  const errors = telemetry.counter('resource_errors_total', 'Failures of acquires and hooks, by code');
  const rotations = telemetry.counter('resource_credential_rotations_total', 'Credentials changed in resources');
  const durations = telemetry.histogram(
    'resource_acquisition_duration_seconds',
    'How long acquires took',
    's',
    ACQUIRE_BUCKETS,
  );
  const known = new Set<string>();
  const readers = new Map<string, () => readonly ResourceReading[]>();

  const tenantLabel = (tenant: string | undefined): string => {
    if (!hasTenants) return '';
    if (tenant === undefined) return 'none';
    if (known.size < MAX_TENANT_LABELS) known.add(tenant);
    return known.has(tenant) ? tenant : 'other';
  };
  // Kept, as each borrowing needs them four times. There are no more of them than there are time series.
  const labelsOf = new WeakMap<ResourceToken, Map<string, Partial<Labels>>>();
  const labels = (token: ResourceToken, tenant?: string): Partial<Labels> => {
    const label = tenantLabel(tenant);
    const those = labelsOf.get(token) ?? new Map<string, Partial<Labels>>();
    const kept = those.get(label);
    if (kept !== undefined) return kept;
    const { name: resource, technology: resource_type } = token;
    const made = hasTenants ? { resource, resource_type, tenant: label } : { resource, resource_type };
    labelsOf.set(token, those.set(label, made));
    return made;
  };

  return {
    acquired(token, tenant, seconds) {
      const these = labels(token, tenant);
      acquisitions.add(1, these);
      durations.record(seconds, these);
    },
    released: (token, tenant) => releases.add(1, labels(token, tenant)),
    created: (token, tenant) => creations.add(1, labels(token, tenant)),
    destroyed: (token, tenant) => destructions.add(1, labels(token, tenant)),
    checked: ({ name, technology }, success) =>
      checks.add(1, { resource: name, resource_type: technology, success: String(success) }),
    failed: ({ name, technology }, errorType) =>
      errors.add(1, { resource: name, resource_type: technology, error_type: errorType }),
    rotated: ({ name, technology }, outcome) =>
      rotations.add(1, { resource: name, resource_type: technology, outcome }),
    watch(name, description, read, combine) {
      readers.set(name, read);
      telemetry.gauge(name, description, () => combined(readers.get(name)?.() ?? [], labels, combine));
    },
    stop: () => readers.clear(),
  };
}

/** One value for each set of labels. */
function combined(
  readings: readonly ResourceReading[],
  labels: (token: ResourceToken, tenant?: string) => Partial<Labels>,
  combine: (values: readonly number[]) => number,
): readonly Observation[] {
  const byLabels = Map.groupBy(
    readings.map(({ token, tenant, value }) => ({ value, attributes: labels(token, tenant) })),
    ({ attributes }) => JSON.stringify(attributes),
  );
  return [...byLabels.values()].map((same) => ({
    value: combine(same.map(({ value }) => value)),
    attributes: same[0]?.attributes ?? {},
  }));
}

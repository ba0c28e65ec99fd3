import { metrics, type ObservableResult } from '@opentelemetry/api';

/** A value that is read when metrics are collected. */
export interface Observed<Owner extends object> {
  readonly name: string;
  readonly description: string;
  readonly dependency: string;
  /** Whose value it is. The gauge does not keep it alive, and ends with it. */
  readonly owner: Owner;
  readonly read: (owner: Owner) => number;
}

/** Shows values as gauges, labelled with their dependency. */
export function observe<Owner extends object>(observed: Observed<Owner>): void {
  const { name, description, dependency, owner, read } = observed;
  const gauge = metrics.getMeter('@tenon/resilience').createObservableGauge(name, { description });
  const reference = new WeakRef(owner);
  const labels = { dependency };
  gauge.addCallback(function show(result: ObservableResult): void {
    const alive = reference.deref();
    if (alive === undefined) gauge.removeCallback(show);
    else result.observe(read(alive), labels);
  });
}

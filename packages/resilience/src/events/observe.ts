import { metrics, type Meter, type ObservableResult } from '@opentelemetry/api';

/** A value that is read when metrics are collected. */
export interface Observed<Owner extends object> extends GaugeFacts {
  readonly dependency: string;
  /** Whose value it is. The gauge does not keep it alive, and ends with it. */
  readonly owner: Owner;
  readonly read: (owner: Owner) => number;
}

interface GaugeFacts {
  readonly name: string;
  readonly description: string;
  /** What several owners of one dependency show together. `sum`: all of them. `most`: the highest. */
  readonly together: 'sum' | 'most';
}

const combine: Readonly<Record<GaugeFacts['together'], (one: number, other: number) => number>> = {
  sum: (one, other) => one + other,
  most: Math.max,
};

/** One owner's value. */
interface Shown {
  readonly dependency: string;
  isGone(): boolean;
  /** @returns `undefined` when the owner is gone */
  read(): number | undefined;
}

/** A gauge, and whose values it shows. */
interface SharedGauge {
  readonly shown: Set<Shown>;
  /** Those that are gone are looked for when there are this many. */
  sweepAt: number;
}

const FIRST_SWEEP = 64;

// An SDK keeps one value for each set of labels, the last one that it is told: whoever has the same must be told of together.
// They belong to the meter, and so to the SDK that the application has installed.
const gauges = new WeakMap<Meter, Map<string, SharedGauge>>();

/**
 * Shows values as gauges, labelled with their dependency. Of several owners of one dependency one value is shown: the label is all that
 * tells dependencies apart, so that their number has bounds.
 */
export function observe<Owner extends object>(observed: Observed<Owner>): void {
  const { dependency, owner, read } = observed;
  const reference = new WeakRef(owner);
  const gauge = gaugeOf(observed);
  gauge.shown.add({
    dependency,
    isGone: () => reference.deref() === undefined,
    read() {
      const alive = reference.deref();
      return alive === undefined ? undefined : read(alive);
    },
  });
  if (gauge.shown.size >= gauge.sweepAt) sweep(gauge);
}

function gaugeOf({ name, description, together }: GaugeFacts): SharedGauge {
  const meter = metrics.getMeter('@tenon/resilience');
  const known = gauges.get(meter) ?? new Map<string, SharedGauge>();
  gauges.set(meter, known);
  const made = known.get(name) ?? { shown: new Set(), sweepAt: FIRST_SWEEP };
  if (known.has(name)) return made;
  known.set(name, made);
  const gauge = meter.createObservableGauge(name, { description });
  gauge.addCallback(function show(result) {
    showAll(made, together, result);
    if (made.shown.size > 0) return;
    gauge.removeCallback(show);
    known.delete(name);
  });
  return made;
}

function showAll({ shown }: SharedGauge, together: GaugeFacts['together'], result: ObservableResult): void {
  const values = new Map<string, number>();
  for (const one of shown) {
    const value = one.read();
    const before = values.get(one.dependency);
    if (value === undefined) shown.delete(one);
    else values.set(one.dependency, before === undefined ? value : combine[together](before, value));
  }
  for (const [dependency, value] of values) result.observe(value, { dependency });
}

/** Where nobody collects metrics, what is gone would pile up. */
function sweep(gauge: SharedGauge): void {
  for (const one of gauge.shown) if (one.isGone()) gauge.shown.delete(one);
  gauge.sweepAt = Math.max(FIRST_SWEEP, 2 * gauge.shown.size);
}

type Labels = Readonly<Record<string, unknown>>;
type Callback = (result: { observe(value: number, labels: Labels): void }) => void;

/** Measurements as an SDK of OpenTelemetry would receive them. */
export interface RecordedMetrics {
  /** The sum of each counter. */
  counts(): Readonly<Record<string, number>>;
  /** Every set of labels that was met, once. */
  labels(): readonly Labels[];
  /** What the gauges show now, by name and dependency. */
  readGauges(): Readonly<Record<string, number>>;
  /** How many gauges are read. */
  gauges(): number;
  /** Takes the recorder out again. */
  stop(): void;
}

// Where all copies of the API in one process find the SDK that is installed.
const registry = Symbol.for('opentelemetry.js.api.1');

/** Installs as much of a meter provider as this package uses. Strategies made from then on are recorded. */
export function recordMetrics(): RecordedMetrics {
  const counts = new Map<string, number>();
  const labels = new Map<string, Labels>();
  const gauges = new Map<Callback, string>();
  const note = (some: Labels): void => void labels.set(JSON.stringify(some), some);
  const meter = {
    createCounter: (name: string) => ({
      add(value: number, some: Labels): void {
        note(some);
        counts.set(name, (counts.get(name) ?? 0) + value);
      },
    }),
    createObservableGauge: (name: string) => ({
      addCallback: (callback: Callback) => void gauges.set(callback, name),
      removeCallback: (callback: Callback) => void gauges.delete(callback),
    }),
  };
  const place = globalThis as { [registry]?: unknown };
  const before = place[registry];
  place[registry] = { version: '1.999.0', metrics: { getMeter: () => meter } };
  return {
    counts: () => Object.fromEntries(counts),
    labels: () => [...labels.values()],
    readGauges() {
      const shown: Record<string, number> = {};
      for (const [read, name] of gauges) {
        const observe = (value: number, some: Labels): void => {
          note(some);
          shown[`${name} ${String(some['dependency'])}`] = value;
        };
        read({ observe });
      }
      return shown;
    },
    gauges: () => gauges.size,
    stop() {
      place[registry] = before;
    },
  };
}

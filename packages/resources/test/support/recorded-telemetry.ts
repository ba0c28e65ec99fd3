import { AsyncLocalStorage } from 'node:async_hooks';

/** Spans and measurements as an SDK of OpenTelemetry would receive them. */
export interface RecordedTelemetry {
  readonly spans: readonly RecordedSpan[];
  readonly measurements: readonly Measurement[];
  /** What the gauges show now. */
  readGauges(): readonly Measurement[];
  /** Takes the recorder out again. */
  stop(): void;
}

export interface RecordedSpan {
  readonly name: string;
  /** The name of the span in which it began. */
  readonly parent: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  status?: unknown;
  ended: boolean;
}

export interface Measurement {
  readonly instrument: string;
  readonly value: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

type Observe = (value: number, attributes?: Measurement['attributes']) => void;

// Where all copies of the API in one process find the SDK that is installed.
const registry = Symbol.for('opentelemetry.js.api.1');

/** Installs as much of an SDK as `createTelemetry` of `@tenon/core` uses. Registries made from then on are recorded. */
export function recordTelemetry(): RecordedTelemetry {
  const spans: RecordedSpan[] = [];
  const measurements: Measurement[] = [];
  const gauges = new Map<string, (result: { observe: Observe }) => void>();
  const inside = new AsyncLocalStorage<string>();

  const startSpan = (name: string, { attributes = {} }: { attributes?: object } = {}): object => {
    const record: RecordedSpan = { name, parent: inside.getStore(), attributes: { ...attributes }, ended: false };
    spans.push(record);
    return {
      setAttribute: (key: string, value: unknown) => Object.assign(record.attributes, { [key]: value }),
      setStatus: (status: unknown) => (record.status = status),
      end: () => (record.ended = true),
    };
  };
  const tracer = {
    startSpan,
    startActiveSpan(name: string, options: { attributes: object }, work: (span: object) => unknown): unknown {
      const span = startSpan(name, options);
      return inside.run(name, () => work(span));
    },
  };
  const recordAs = (name: string) => {
    const take = (value: number, attributes: Measurement['attributes'] = {}): void =>
      void measurements.push({ instrument: name, value, attributes });
    return { add: take, record: take };
  };
  const meter = {
    createCounter: recordAs,
    createHistogram: recordAs,
    createObservableGauge: (name: string) => ({
      addCallback: (callback: (result: { observe: Observe }) => void) => void gauges.set(name, callback),
    }),
  };
  const place = globalThis as { [registry]?: unknown };
  const before = place[registry];
  place[registry] = {
    version: '1.999.0',
    trace: { getTracer: () => tracer },
    metrics: { getMeter: () => meter },
  };
  return {
    spans,
    measurements,
    readGauges() {
      const shown: Measurement[] = [];
      for (const [instrument, read] of gauges) {
        read({ observe: (value, attributes = {}) => void shown.push({ instrument, value, attributes }) });
      }
      return shown;
    },
    stop() {
      place[registry] = before;
    },
  };
}

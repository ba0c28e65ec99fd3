import { AsyncLocalStorage } from 'node:async_hooks';
import {
  context,
  metrics,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context as TraceContext,
  type ContextManager,
  type MetricOptions,
  type Meter,
  type ObservableCallback,
  type Span,
  type SpanStatus,
  type Tracer,
} from '@opentelemetry/api';
import { CodedError, createTelemetry } from '@tenon/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

interface RecordedSpan {
  readonly scope: string;
  readonly name: string;
  readonly attributes: Attributes;
  readonly parent: Span | undefined;
  readonly span: Span;
  status?: SpanStatus;
  ends: number;
}

interface RecordedInstrument {
  readonly scope: string;
  readonly kind: string;
  readonly name: string;
  readonly options: unknown;
  readonly values: unknown[];
  readonly callbacks: ObservableCallback[];
}

let spans: RecordedSpan[] = [];
let instruments: RecordedInstrument[] = [];

/** As much of an SDK as the port uses: it keeps what it is told. */
function recordingTracer(scope: string): Tracer {
  return {
    startActiveSpan(name: string, options: { attributes: Attributes }, work: (span: Span) => unknown) {
      const attributes = { ...options.attributes };
      const span = {
        setAttribute: (key: string, value: string) => Object.assign(attributes, { [key]: value }),
        setStatus: (status: SpanStatus) => (record.status = status),
        end: () => (record.ends += 1),
      } as unknown as Span;
      const record: RecordedSpan = { scope, name, attributes, parent: trace.getActiveSpan(), span, ends: 0 };
      spans.push(record);
      return context.with(trace.setSpan(context.active(), span), () => work(span));
    },
  } as unknown as Tracer;
}

function recordingMeter(scope: string): Meter {
  const create = (kind: string) => (name: string, options: unknown) => {
    const record: RecordedInstrument = { scope, kind, name, options, values: [], callbacks: [] };
    instruments.push(record);
    const keep = (value: unknown): void => void record.values.push(value);
    return { add: keep, record: keep, addCallback: (callback: ObservableCallback) => record.callbacks.push(callback) };
  };
  return {
    createCounter: create('counter'),
    createHistogram: create('histogram'),
    createObservableGauge: create('gauge'),
  } as unknown as Meter;
}

function contextManager(): ContextManager {
  const storage = new AsyncLocalStorage<TraceContext>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, thisArg, ...args) => storage.run(active, () => work.apply(thisArg as never, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}

function install(): void {
  context.setGlobalContextManager(contextManager());
  trace.setGlobalTracerProvider({ getTracer: recordingTracer });
  metrics.setGlobalMeterProvider({ getMeter: recordingMeter });
}

function uninstall(): void {
  context.disable();
  trace.disable();
  metrics.disable();
}

describe('a span', () => {
  beforeEach(() => {
    spans = [];
    install();
  });
  afterEach(uninstall);

  it('has scope, name and attributes, is active within the work, and ends with it', async () => {
    const telemetry = createTelemetry('@tenon/example');
    const result = await telemetry.span('load', { rows: 3 }, async (span) => {
      await Promise.resolve();
      expect(trace.getActiveSpan()).toBe(span);
      expect(spans[0]?.ends).toBe(0);
      return 'done';
    });
    expect(result).toBe('done');
    expect(spans).toMatchObject([{ scope: '@tenon/example', name: 'load', attributes: { rows: 3 }, ends: 1 }]);
    expect(spans[0]?.status).toBeUndefined();
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  it('is the parent of the spans inside it', async () => {
    const telemetry = createTelemetry('@tenon/example');
    await telemetry.span('outer', {}, () => telemetry.span('inner', {}, async () => undefined));
    const [outer, inner] = spans;
    expect(outer?.parent).toBeUndefined();
    expect(inner?.parent).toBe(outer?.span);
  });

  it('records the code of a coded error and never its message, and passes the error on', async () => {
    const error = new CodedError('PRODUCT_NOT_FOUND', 'product "hidden name" does not exist');
    const failed = createTelemetry('@tenon/example').span('load', {}, () => Promise.reject(error));
    await expect(failed).rejects.toBe(error);
    expect(spans).toMatchObject([
      {
        attributes: { 'error.type': 'PRODUCT_NOT_FOUND' },
        status: { code: SpanStatusCode.ERROR, message: 'PRODUCT_NOT_FOUND' },
        ends: 1,
      },
    ]);
    expect(JSON.stringify(spans)).not.toContain('hidden name');
  });

  it('records the class of any other error, also one thrown before the first await', async () => {
    const telemetry = createTelemetry('@tenon/example');
    const failures: (() => Promise<never>)[] = [
      async () => {
        throw new TypeError('hidden');
      },
      async () => {
        // Code of others does throw such things.
        throw 'hidden';
      },
    ];
    for (const fail of failures) {
      await expect(telemetry.span('load', {}, fail)).rejects.toBeDefined();
    }
    expect(spans.map((span) => span.attributes['error.type'])).toEqual(['TypeError', 'Error']);
    expect(spans.map((span) => span.ends)).toEqual([1, 1]);
    expect(JSON.stringify(spans)).not.toContain('hidden');
  });

  it('ends at once with work that gives no promise, and passes its result and its failure on as they are', () => {
    const telemetry = createTelemetry('@tenon/example');
    expect(telemetry.span('look', {}, () => 7)).toBe(7);
    const error = new RangeError('hidden');
    const fail = (): never => {
      throw error;
    };
    expect(() => telemetry.span('look', {}, fail)).toThrow(error);
    expect(spans.map((span) => span.ends)).toEqual([1, 1]);
    expect(spans.map((span) => span.attributes['error.type'])).toEqual([undefined, 'RangeError']);
  });
});

describe('metrics', () => {
  beforeEach(() => {
    instruments = [];
    install();
  });
  afterEach(uninstall);

  it('are a counter, a histogram of seconds, and a gauge that is read when collected', () => {
    const telemetry = createTelemetry('@tenon/example');
    telemetry.counter('requests', 'Requests served').add(2);
    telemetry.histogram('request.duration', 'Time to answer').record(0.25);
    let size = 3;
    telemetry.gauge('pool.size', 'Connections open', () => size);
    const scope = '@tenon/example';
    expect(instruments).toMatchObject([
      { scope, kind: 'counter', name: 'requests', options: { description: 'Requests served', unit: '1' }, values: [2] },
      {
        scope,
        kind: 'histogram',
        name: 'request.duration',
        options: { description: 'Time to answer', unit: 's' },
        values: [0.25],
      },
      { scope, kind: 'gauge', name: 'pool.size', options: { description: 'Connections open' } },
    ]);
    const observed: number[] = [];
    const collect = (): void => {
      void instruments[2]?.callbacks[0]?.({ observe: (value) => void observed.push(value) });
    };
    collect();
    size = 5;
    collect();
    expect(observed).toEqual([3, 5]);
  });

  it('have buckets for seconds, or those that are asked for, or for another unit none but those of the SDK', () => {
    const telemetry = createTelemetry('@tenon/example');
    telemetry.histogram('request.duration', 'Time to answer');
    telemetry.histogram('wait.duration', 'Time to wait', 's', [0.1, 1]);
    telemetry.histogram('size', 'Size of an answer', 'By');
    const bounds = instruments.map(({ options }) => (options as MetricOptions).advice?.explicitBucketBoundaries);
    expect(bounds).toEqual([expect.arrayContaining([0.005, 0.1, 10]), [0.1, 1], undefined]);
  });

  it('take another unit', () => {
    const telemetry = createTelemetry('@tenon/example');
    telemetry.counter('sent', 'Bytes sent', 'By');
    telemetry.histogram('size', 'Size of an answer', 'By');
    expect(instruments.map((instrument) => instrument.options)).toMatchObject([{ unit: 'By' }, { unit: 'By' }]);
  });
});

describe('without an SDK', () => {
  it('everything runs and records nothing', async () => {
    const telemetry = createTelemetry('@tenon/example');
    await expect(telemetry.span('load', {}, async () => 5)).resolves.toBe(5);
    telemetry.counter('requests', 'Requests').add(1);
    telemetry.histogram('duration', 'Duration').record(1);
    telemetry.gauge('size', 'Size', () => expect.unreachable());
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  it('an SDK that is installed after the telemetry was made, and before its first use, is found', async () => {
    const telemetry = createTelemetry('@tenon/late');
    spans = [];
    install();
    try {
      await telemetry.span('load', {}, async () => undefined);
      expect(spans).toMatchObject([{ scope: '@tenon/late' }]);
    } finally {
      uninstall();
    }
  });
});

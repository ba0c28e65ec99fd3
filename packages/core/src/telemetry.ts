import {
  metrics,
  SpanStatusCode,
  trace,
  type Attributes,
  type Counter,
  type Histogram,
  type Meter,
  type ObservableGauge,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { codeOfFailure } from './coded-error.ts';

/** What a gauge shows of one of several things. */
export interface Observation {
  readonly value: number;
  /** What tells them apart. Keep their number bounded. */
  readonly attributes: Attributes;
}

/** Spans and metrics of one package, over whatever OpenTelemetry SDK the application installed (or none). */
export interface Telemetry {
  /**
   * Runs work inside a span. The span records how it ended: a failure sets the status and the error's code, never its
   * message, which may hold a name that does not belong in a trace. It ends with the work: at once, or with the promise that the work
   * gives, which is passed on as it is.
   */
  span<T>(name: string, attributes: Attributes, work: (span: Span) => T): T;
  /** A counter that only goes up. */
  counter(name: string, description: string, unit?: string): Counter;
  /**
   * A distribution of values, by default of seconds.
   *
   * @param boundaries - the upper bounds of its buckets, rising, unless the application's SDK has views of its own. Default for seconds:
   *   from 5 ms to 10 s, as the semantic conventions advise for HTTP; for other units what the SDK has
   */
  histogram(name: string, description: string, unit?: string, boundaries?: readonly number[]): Histogram;
  /** A value, or one for each of several things, that is read when metrics are collected. */
  gauge(name: string, description: string, read: () => number | readonly Observation[]): ObservableGauge;
}

// SDKs have boundaries that are made for milliseconds: every duration in seconds would fall into the first bucket.
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * Gives a package its spans and metrics.
 *
 * The SDK is looked up at first use, not at import, so that the order of imports does not matter.
 *
 * @param scope - the instrumentation scope, for example `@tenon/database`
 */
export function createTelemetry(scope: string): Telemetry {
  let tracer: Tracer | undefined;
  let meter: Meter | undefined;
  const theTracer = (): Tracer => (tracer ??= trace.getTracer(scope));
  const theMeter = (): Meter => (meter ??= metrics.getMeter(scope));

  return {
    span(name, attributes, work) {
      return theTracer().startActiveSpan(name, { attributes }, (span) => {
        try {
          const result = work(span);
          if (result instanceof Promise) {
            // Whoever waits for it comes after this: the span has ended by then.
            result.then(
              () => span.end(),
              (error: unknown) => endFailed(span, error),
            );
          } else span.end();
          return result;
        } catch (error) {
          endFailed(span, error);
          throw error;
        }
      });
    },
    counter: (name, description, unit = '1') => theMeter().createCounter(name, { description, unit }),
    histogram(name, description, unit = 's', boundaries = unit === 's' ? SECONDS : undefined) {
      const advice = boundaries === undefined ? {} : { advice: { explicitBucketBoundaries: [...boundaries] } };
      return theMeter().createHistogram(name, { description, unit, ...advice });
    },
    gauge(name, description, read) {
      const gauge = theMeter().createObservableGauge(name, { description });
      gauge.addCallback((result) => {
        const seen = read();
        if (typeof seen === 'number') result.observe(seen);
        else for (const { value, attributes } of seen) result.observe(value, attributes);
      });
      return gauge;
    },
  };
}

function endFailed(span: Span, error: unknown): void {
  const type = codeOfFailure(error);
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: type });
  span.end();
}

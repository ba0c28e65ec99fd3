import { context, propagation, trace } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { currentContext, toError, type Logger } from '@tenon/core';

/** The spans of this process, on their way to where they are looked at. */
export interface Tracing {
  /** Sends what is left, as far as that can be done in a few seconds. */
  stop(): Promise<void>;
}

/** What {@link startTracing} takes. */
export interface TracingOptions {
  /** Address of an OTLP receiver for HTTP, for example `http://localhost:4318/v1/traces`. */
  readonly url: string;
  /** Which part of the requests is traced, 0 to 1. */
  readonly ratio: number;
  readonly version: string;
  readonly logger: Logger;
  /** Where spans go. Default: to `url`. */
  readonly exporter?: SpanExporter;
}

const STOP_MS = 3_000;

/**
 * Installs the OpenTelemetry tracing SDK for this process; every package's spans go through it. It is loaded only when it is asked
 * for.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const [sdk, { OTLPTraceExporter }, { AsyncLocalStorageContextManager }, { W3CTraceContextPropagator }, resources] =
    await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/core'),
      import('@opentelemetry/resources'),
    ]);
  const exporter = options.exporter ?? new OTLPTraceExporter({ url: options.url });
  const random = new sdk.RandomIdGenerator();
  const provider = new sdk.TracerProvider({
    resource: resources.resourceFromAttributes({ 'service.name': 'tenon', 'service.version': options.version }),
    // By the trace's own id, so that every process decides alike.
    sampler: new sdk.TraceIdRatioBasedSampler(options.ratio),
    idGenerator: {
      // A request without a caller's trace has one already, under which its log lines are found.
      generateTraceId: () => currentContext()?.traceparent?.split('-')[1] ?? random.generateTraceId(),
      generateSpanId: () => random.generateSpanId(),
    },
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  trace.disable();
  trace.setGlobalTracerProvider(provider);
  context.disable();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.disable();
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  return {
    async stop(): Promise<void> {
      await provider.forceFlush({ timeoutMillis: STOP_MS }).catch((error: unknown) => {
        options.logger.warn({ err: toError(error) }, 'the last spans could not be sent');
      });
      await provider.shutdown().catch(() => undefined);
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

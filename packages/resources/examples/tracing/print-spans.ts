import { AsyncLocalStorage } from 'node:async_hooks';
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type ContextManager,
  type Span,
  type Tracer,
} from '@opentelemetry/api';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

/**
 * As much of an OpenTelemetry SDK as prints a line for each span at its end. A program installs the real one, which sends them
 * somewhere: the packages write to whichever there is.
 */
export function printSpans(): void {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...given) => storage.run(active, () => Reflect.apply(work, self, given)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
  const tracer: Tracer = {
    startSpan: (name, options) => start(name, options?.attributes),
    startActiveSpan<Work extends (span: Span) => unknown>(name: string, ...rest: readonly unknown[]) {
      const work = rest.at(-1) as Work;
      const [options] = rest.length > 1 ? rest : [];
      const span = start(name, (options as { readonly attributes?: Attributes } | undefined)?.attributes);
      return context.with(trace.setSpan(context.active(), span), () => work(span)) as ReturnType<Work>;
    },
  };
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
  propagation.setGlobalPropagator({
    inject(from, carrier, setter) {
      const span = trace.getSpanContext(from);
      if (span !== undefined) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`);
    },
    extract: (from) => from,
    fields: () => ['traceparent'],
  });
}

function start(name: string, attributes: Attributes = {}): Span {
  const depth = Number(trace.getActiveSpan()?.spanContext().spanId ?? 0);
  return printed(name, attributes, depth + 1);
}

/** A span whose id is its depth, so that what is printed is the same each time. */
function printed(name: string, attributes: Attributes, depth: number): Span {
  let outcome = 'ok';
  const span: Span = {
    spanContext: () => ({
      traceId: TRACE,
      spanId: String(depth).padStart(16, '0'),
      traceFlags: TraceFlags.SAMPLED,
    }),
    setAttribute: (key, value) => Object.assign(attributes, { [key]: value }) && span,
    setAttributes: (more) => Object.assign(attributes, more) && span,
    setStatus({ code, message }) {
      if (code === SpanStatusCode.ERROR) outcome = `failed: ${message}`;
      return span;
    },
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    updateName: () => span,
    recordException: () => undefined,
    isRecording: () => true,
    end: () => console.log(`${'  '.repeat(depth - 1)}${name} ${JSON.stringify(attributes)} ${outcome}`),
  };
  return span;
}

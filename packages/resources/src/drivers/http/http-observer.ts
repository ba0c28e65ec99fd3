import { context, propagation, type Histogram } from '@opentelemetry/api';
import { codeOfFailure, createTelemetry, currentContext, type Clock, type Logger } from '@tenon/core';
import type { PreparedHttpRequest } from './http-request.ts';

/** What is known of a request at its end. */
export interface HttpOutcome {
  readonly status: number;
}

/** Tells logs, traces and metrics about requests: never a path, a query, a header or a body. */
export interface HttpObserver {
  /**
   * Runs one request, with all its tries.
   *
   * @param attempts - how many tries there have been
   */
  watch<T extends HttpOutcome>(
    request: PreparedHttpRequest,
    attempts: () => number,
    work: () => Promise<T>,
  ): Promise<T>;
}

const knownMethods = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']);

/** Makes the observer of one client. Its labels are the resource, the method, and the class of the status or the code of the error. */
export function createHttpObserver(resource: string, clock: Clock, logger: Logger): HttpObserver {
  const telemetry = createTelemetry('@tenon/resources');
  let durations: Histogram | undefined;
  const record = (seconds: number, labels: Readonly<Record<string, string>>): void => {
    durations ??= telemetry.histogram('resource_http_request_duration_seconds', 'Requests, until the answer begins');
    durations.record(seconds, labels);
  };

  return {
    watch({ method, url, isOwn }, attempts, work) {
      const host = url.hostname;
      const known = knownMethods.has(method) ? method : '_OTHER';
      const attributes = {
        'tenon.resource': resource,
        'http.request.method': known,
        ...(isOwn ? { 'server.address': host } : {}),
      };
      return telemetry.span('resources.http.request', attributes, async (span) => {
        const startedMs = clock.monotonicMs();
        const tell = (result: string): { readonly durationMs: number; readonly attempts: number } => {
          const durationMs = clock.monotonicMs() - startedMs;
          record(durationMs / 1_000, { resource, method: known, result });
          span.setAttribute('http.request.resend_count', Math.max(0, attempts() - 1));
          return { durationMs, attempts: attempts() };
        };
        try {
          const outcome = await work();
          const { status } = outcome;
          span.setAttribute('http.response.status_code', status);
          logger.debug({ method, host, status, ...tell(`${Math.floor(status / 100)}xx`) }, 'a request was answered');
          return outcome;
        } catch (error) {
          const code = codeOfFailure(error);
          logger.warn({ method, host, code, ...tell(code) }, 'a request failed');
          throw error;
        }
      });
    },
  };
}

/** The headers by which the other side goes on with this trace (W3C Trace Context), as the application's propagator makes them. */
export function traceHeaders(): Readonly<Record<string, string>> {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  const { traceparent = currentContext()?.traceparent, tracestate } = carrier;
  if (traceparent === undefined) return {};
  return { traceparent, ...(tracestate === undefined || tracestate === '' ? {} : { tracestate }) };
}

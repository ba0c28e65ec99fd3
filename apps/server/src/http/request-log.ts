import type { FastifyInstance } from 'fastify';
import type { ServerMetrics } from '../metrics.ts';
import { traceOf, type RequestTrace } from './request-id.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The request's place in a distributed trace. */
    trace: RequestTrace;
  }
}

/** Writes one log line and one measurement for each answer, and echoes the request's id. */
export function recordRequests(app: FastifyInstance, metrics: ServerMetrics): void {
  app.decorateRequest('trace', undefined as never);
  app.addHook('onRequest', (request, reply, done) => {
    request.trace = traceOf(request);
    reply.header('x-request-id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    const { method, principal } = request;
    const durationMs = reply.elapsedTime;
    metrics.requestDuration.record(durationMs / 1000, {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': reply.statusCode,
    });
    app.log.info(
      {
        requestId: request.id,
        traceId: request.trace.traceId,
        tenantId: principal?.tenant,
        userId: principal?.accountId ?? principal?.actor.id,
        method,
        // The pattern and not the address: an address may hold what does not belong in a log.
        route,
        status: reply.statusCode,
        durationMs: Math.round(durationMs * 100) / 100,
      },
      'request',
    );
    done();
  });
}

import type { FastifyInstance } from 'fastify';
import type { ServerMetrics } from '../metrics.ts';
import { traceIdOf } from './request-id.ts';

/** Writes one log line and one measurement for each answer, and echoes the request's id. */
export function recordRequests(app: FastifyInstance, metrics: ServerMetrics): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    const { method, principal } = request;
    const durationMs = reply.elapsedTime;
    metrics.requestDuration.record(durationMs / 1000, {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': reply.statusCode,
    });
    request.log.info(
      {
        traceId: traceIdOf(request.headers['traceparent']),
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
  });
}

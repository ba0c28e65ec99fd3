import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { codeOfFailure } from '@tenon/core';

/**
 * Runs a request in a span of its own, below the caller's where the caller sent `traceparent`. Everything that happens for the
 * request lies below it.
 */
export async function inRequestSpan<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  work: () => T | Promise<T>,
): Promise<T> {
  const { method } = request;
  const route = request.routeOptions.url ?? 'unknown';
  const parent = propagation.extract(context.active(), request.headers);
  const span = trace
    .getTracer('@tenon/server')
    .startSpan(
      `${method} ${route}`,
      { kind: SpanKind.SERVER, attributes: { 'http.request.method': method, 'http.route': route } },
      parent,
    );
  reply.raw.once('close', () => {
    span.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    span.setAttribute('error.type', codeOfFailure(error));
    throw error;
  }
}

import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isCodedError } from '@tenon/core';
import { Type } from 'typebox';
import { serverError } from '../errors.ts';
import { publicAccess } from '../http/access.ts';
import type { ServerMetrics } from '../metrics.ts';
import type { Readiness } from '../readiness.ts';
import type { Services } from '../services.ts';
import type { Settings } from '../settings/settings.ts';

const Check = Type.Object({ status: Type.String(), detail: Type.Optional(Type.String()) });

/** `/healthz`, `/readyz` and `/metrics`, for whoever runs the server. */
export function healthRoutes(
  app: FastifyInstance,
  { database }: Pick<Services, 'database'>,
  {
    readiness,
    metrics,
    settings,
  }: { readonly readiness: Readiness; readonly metrics: ServerMetrics; readonly settings: Settings },
): void {
  const tags = ['Operation'];
  const config = { access: publicAccess };

  app.get('/healthz', { config, schema: { tags, summary: 'Is the process alive', response: { 200: Check } } }, () => ({
    status: 'ok',
  }));

  app.get(
    '/readyz',
    {
      config,
      schema: {
        tags,
        summary: 'Can requests be answered',
        description: '503 while starting, stopping, or when the database does not answer.',
        response: { 200: Check, 503: Check },
      },
    },
    async (_request, reply) => {
      const state = readiness.state();
      if (state !== 'ready') return reply.code(503).header('retry-after', '2').send({ status: state });
      try {
        await answered(database, settings.databaseAcquireTimeoutMs);
        return { status: 'ready' };
      } catch (error) {
        const detail = isCodedError(error) ? error.message : 'the database does not answer';
        return reply.code(503).header('retry-after', '2').send({ status: 'database-down', detail });
      }
    },
  );

  app.get(
    '/metrics',
    { config, schema: { tags, summary: 'Prometheus metrics', response: { 200: Type.String() } } },
    async (request, reply) => {
      assertMayReadMetrics(request, settings);
      reply.type('text/plain; version=0.0.4; charset=utf-8');
      return metrics.render();
    },
  );
}

// An answer that a lost connection will never bring must not keep who asks, nor the next one.
async function answered(database: Services['database'], limitMs: number): Promise<void> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), limitMs);
  try {
    await Promise.race([database.ping(), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

function assertMayReadMetrics(request: FastifyRequest, settings: Settings): void {
  if (settings.metricsToken === undefined) {
    if (isLoopback(request.ip)) return;
    throw serverError(
      'PERMISSION_DENIED',
      'metrics are shown to this machine only; set TENON_METRICS_TOKEN to read them from elsewhere',
    );
  }
  const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined || !settings.metricsToken.equals(given)) {
    throw serverError('SIGN_IN_REQUIRED', 'metrics need the token of TENON_METRICS_TOKEN: Authorization: Bearer ...');
  }
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

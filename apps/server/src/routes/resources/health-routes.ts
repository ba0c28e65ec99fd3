import type { FastifyInstance } from 'fastify';
import { requires } from '../../http/access.ts';
import { bodyCheck } from '../../http/check-body.ts';
import type { Services } from '../../services.ts';
import { HealthDetails, HealthReport, toHealth, toHealthDetails } from './health-schemas.ts';
import { NameParameters, Nothing, ResourceSchema, tags, toShown } from './resource-schemas.ts';
import { tokenOf } from './token-of.ts';

const read = { config: { access: requires('resources:read') } };
const manage = { config: { access: requires('resources:manage') } };
const checkNothing = bodyCheck(Nothing);

/** How the resources of the tenant are, and where that goes. */
export function healthRoutes(app: FastifyInstance, services: Services): void {
  readingRoutes(app, services);
  lookingRoute(app, services);
}

function readingRoutes(app: FastifyInstance, { resources: { resources } }: Services): void {
  app.get(
    '/v1/resources/health',
    { ...read, schema: { tags, summary: 'Say how the resources are', response: { 200: HealthReport } } },
    () => {
      const { worst, weighted, score, trend } = resources.health();
      return {
        status: worst,
        weightedStatus: weighted,
        score,
        trend,
        resources: resources.tokens().map((token) => {
          const view = resources.list({ token })[0];
          return {
            name: token.name,
            technology: token.technology,
            health: toHealth(view?.health ?? { status: 'unknown' }, resources.healthHistory(token)[0]),
            trend: view?.trend.direction ?? 'unknown',
          };
        }),
      };
    },
  );

  app.get(
    '/v1/resources/:id/health',
    {
      ...read,
      schema: {
        tags,
        summary: 'Say how a resource is, and where that goes',
        description:
          'What the last looks have found. The trend compares the newer half of the last 20 with the older one. A resource that was not used yet has none.',
        params: NameParameters,
        response: { 200: HealthDetails },
      },
    },
    (request) => {
      const token = tokenOf(request, resources);
      return toHealthDetails(token, resources.list({ token })[0], resources.healthHistory(token));
    },
  );
}

function lookingRoute(app: FastifyInstance, { resources: { resources } }: Services): void {
  app.post(
    '/v1/resources/:id/check',
    {
      ...manage,
      schema: {
        tags,
        summary: 'Look at a resource now',
        description: 'It is connected for that when it is not.',
        params: NameParameters,
        response: { 200: ResourceSchema },
      },
    },
    async (request) => {
      const token = tokenOf(request, resources);
      checkNothing(request.body ?? {});
      await resources.start({ tokens: [token] });
      await resources.check(token);
      return toShown(token, resources.list({ token })[0], resources.healthHistory(token)[0]);
    },
  );
}

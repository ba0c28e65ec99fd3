import type { FastifyInstance } from 'fastify';
import { isCodedError } from '@tenon/core';
import { Type } from 'typebox';
import { requires } from '../../http/access.ts';
import { bodyCheck } from '../../http/check-body.ts';
import { serverError } from '../../errors.ts';
import type { Services } from '../../services.ts';
import { healthRoutes } from './health-routes.ts';
import { toHealth } from './health-schemas.ts';
import {
  DrainBody,
  DrainReport,
  NameParameters,
  Nothing,
  ReloadReport,
  ResourceDetails,
  ResourceSchema,
  tags,
  toDrained,
  toShown,
} from './resource-schemas.ts';
import { tokenOf } from './token-of.ts';

const read = { config: { access: requires('resources:read') } };
const manage = { config: { access: requires('resources:manage') } };
const DRAIN_MS = 10_000;
const checkNothing = bodyCheck(Nothing);

/** `/v1/resources`: the connections of the tenant to other systems, as they are in this process. */
export function resourceRoutes(app: FastifyInstance, services: Services): void {
  readingRoutes(app, services);
  healthRoutes(app, services);
  managingRoutes(app, services);
}

function readingRoutes(app: FastifyInstance, { resources: { resources } }: Services): void {
  app.get(
    '/v1/resources',
    {
      ...read,
      schema: {
        tags,
        summary: 'List the resources',
        response: { 200: Type.Object({ items: Type.Array(ResourceSchema) }) },
      },
    },
    () => ({
      items: resources
        .tokens()
        .map((token) => toShown(token, resources.list({ token })[0], resources.healthHistory(token)[0])),
    }),
  );

  app.get(
    '/v1/resources/:id',
    {
      ...read,
      schema: { tags, summary: 'Get a resource', params: NameParameters, response: { 200: ResourceDetails } },
    },
    (request) => {
      const token = tokenOf(request, resources);
      const view = resources.list({ token })[0];
      const history = resources.healthHistory(token);
      return {
        ...toShown(token, view, history[0]),
        settings: view?.config ?? {},
        credentials: view?.credentials ?? {},
        dependencies: view?.dependencies ?? [],
        pool: view?.pool ?? {},
        recommendation: view?.recommendation ?? {},
        history: history.map((record) => toHealth(record.health, record)),
      };
    },
  );
}

function managingRoutes(app: FastifyInstance, { resources: declared }: Services): void {
  const { resources } = declared;
  const checkDrain = bodyCheck(DrainBody);

  app.post(
    '/v1/resources/:id/drain',
    {
      ...manage,
      schema: {
        tags,
        summary: 'Close the connections of a resource',
        description:
          'Those in use are closed when they come back, or when the time is over. The next use opens new ones.',
        params: NameParameters,
        body: DrainBody,
        response: { 200: DrainReport },
      },
    },
    async (request) => {
      const { timeoutMs = DRAIN_MS } = checkDrain(request.body ?? {});
      return toDrained(await resources.drain(tokenOf(request, resources), { timeoutMs }));
    },
  );

  app.post(
    '/v1/resources/reload',
    {
      ...manage,
      schema: {
        tags,
        summary: 'Read the declared resources again',
        description:
          'From the file of the settings, for every tenant. Those who use a resource finish on its old settings.',
        response: { 200: ReloadReport },
      },
    },
    async (request) => {
      checkNothing(request.body ?? {});
      try {
        return { changed: [...(await declared.reload())] };
      } catch (error) {
        if (!isCodedError(error, 'RESOURCES_INVALID')) throw error;
        // What is wrong names the file, and what is declared for other tenants: it is for whoever runs the server.
        request.log.warn({ err: error }, 'the declared resources could not be read again');
        throw invalidDeclarations();
      }
    },
  );
}

function invalidDeclarations(): Error {
  const message = 'the declared resources cannot be used, and nothing has changed: the log says why';
  return serverError('RESOURCES_INVALID', message);
}

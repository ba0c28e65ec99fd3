import swagger from '@fastify/swagger';
import scalar from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';
import type { Access } from './access.ts';
import { publicAccess } from './access.ts';
import { problemSchema } from './problem.ts';

const PROBLEM_REFERENCE = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

interface DescribedOperation {
  security?: readonly Record<string, readonly string[]>[];
  responses?: Record<string, unknown>;
  description?: string;
}

/** Serves the OpenAPI 3.1 document, made from the very schemas that the routes use, and a page to read and try it. */
export async function serveApiReference(app: FastifyInstance, options: { readonly version: string }): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Tenon',
        version: options.version,
        description:
          'The multi-tenant backend. Sign in at `POST /auth/login` and send the access token as `Authorization: Bearer`; machines ' +
          'send an API key the same way. `X-Tenant-ID` chooses among your tenants. Every error is a problem document (RFC 9457).',
      },
      components: {
        securitySchemes: {
          accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'From `POST /auth/login`.' },
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, `tnk_...`.' },
        },
      },
      tags: ['Sign in', 'People', 'Products', 'Orders', 'Tenant', 'API keys', 'Operation'].map((name) => ({ name })),
    },
    transform: ({ schema, url, route }) => {
      const access = route.config?.access ?? publicAccess;
      return { schema: { ...schema, ...accessDescription(access, schema?.description) }, url };
    },
    transformObject: (document) => {
      const openapi = 'openapiObject' in document ? document.openapiObject : document.swaggerObject;
      return describeErrors(openapi as unknown as Document);
    },
  });

  app.get('/openapi.json', { config: { access: publicAccess }, schema: { hide: true } }, () => app.swagger() as object);
  await app.register(scalar, {
    routePrefix: '/docs',
    configuration: { url: '/openapi.json', title: 'Tenon API', withDefaultFonts: false, telemetry: false },
  });
}

function accessDescription(access: Access, description: string | undefined): object {
  if (access.kind === 'public') return { security: [] };
  const scope = access.kind === 'scope' ? `Needs the permission \`${access.scope}\`.` : 'For signed-in people.';
  return {
    description: [description, scope].filter(Boolean).join('\n\n'),
    security: access.kind === 'scope' ? [{ accessToken: [] }, { apiKey: [] }] : [{ accessToken: [] }],
  };
}

interface Document {
  readonly paths?: Record<string, Record<string, DescribedOperation>>;
  readonly components?: { schemas?: Record<string, unknown> };
}

// The schemas of errors are the same everywhere: one component, referred to by each operation.
function describeErrors(document: Document): Document {
  const { $id: _, ...problem } = problemSchema as unknown as Record<string, unknown>;
  const paths = Object.fromEntries(
    Object.entries(document.paths ?? {}).map(([path, operations]) => [
      path,
      Object.fromEntries(
        Object.entries(operations).map(([method, operation]) => [
          method,
          {
            ...operation,
            responses: {
              ...operation.responses,
              ...(operation.security?.length === 0
                ? {}
                : { 401: problemResponse('Not signed in'), 403: problemResponse('Not allowed') }),
              ...(path.includes('{id}') ? { 404: problemResponse('There is no such row in this tenant') } : {}),
              ...(['post', 'put', 'patch'].includes(method)
                ? {
                    409: problemResponse('In conflict with what is there'),
                    422: problemResponse('The input is wrong; see `errors`'),
                  }
                : {}),
              default: problemResponse('Any other error'),
            },
          },
        ]),
      ),
    ]),
  );
  return {
    ...document,
    paths,
    components: { ...document.components, schemas: { ...document.components?.schemas, Problem: problem } },
  };
}

function problemResponse(description: string): object {
  return { description, content: PROBLEM_REFERENCE };
}

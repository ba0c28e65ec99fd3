import swagger from '@fastify/swagger';
import scalar from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';
import type { Access } from './access.ts';
import { publicAccess } from './access.ts';
import { problemSchema } from './problem.ts';

const PROBLEM_REFERENCE = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

const INTRODUCTION = `The multi-tenant backend.

To try it here: send **Sign in** with your email address and password, copy \`accessToken\` from the answer, and paste it
into **Bearer Token**. Machines send an API key the same way. \`X-Tenant-ID\` chooses among your tenants.

Every error is a problem document (RFC 9457): switch on its \`code\`. Unknown parameters and fields are refused, not ignored.`;

/** The groups of operations, in the order in which they are shown. */
const TAGS = {
  'Sign in': 'Accounts, sessions and tokens.',
  People: 'The people of the tenant: their roles, profiles and invitations.',
  Products: 'What can be ordered. Prices are whole minor units (cents).',
  Orders: 'An order takes its stock when it is placed. Members see and change their own.',
  Tenant: 'Its name, settings, quotas and security record.',
  Credentials: 'Secrets for other systems: kept sealed, checked, rotated, and shown to nobody by default.',
  'API keys': 'Permissions for machines.',
  Resources:
    'Databases, caches and services that the tenant connects to: how they are, and what is to be done with them.',
  Operation: 'For whoever runs the server.',
};

const SUCCESS: Readonly<Record<string, string>> = { 200: 'Done', 201: 'Created', 204: 'Done; the answer has no body' };

interface DescribedOperation {
  security?: readonly Record<string, readonly string[]>[];
  responses?: Record<string, { readonly description?: string }>;
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
        description: INTRODUCTION,
      },
      servers: [{ url: '/', description: 'This server' }],
      components: {
        securitySchemes: {
          accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'From `POST /auth/login`.' },
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, `tnk_...`.' },
        },
      },
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    },
    transform: ({ schema, url, route }) => {
      const access = route.config?.access ?? publicAccess;
      return { schema: { ...schema, ...accessDescription(access, schema?.description) }, url };
    },
    transformObject: (document) => {
      const openapi = 'openapiObject' in document ? document.openapiObject : document.swaggerObject;
      return describeErrors(openapi);
    },
  });

  app.get('/openapi.json', { config: { access: publicAccess }, schema: { hide: true } }, () => app.swagger() as object);
  await app.register(scalar, {
    routePrefix: '/docs',
    configuration: {
      url: '/openapi.json',
      pageTitle: 'Tenon API',
      favicon: 'data:,',
      authentication: { preferredSecurityScheme: 'accessToken' },
      // Nothing that leads to, or asks, other hosts.
      withDefaultFonts: false,
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      hideClientButton: true,
      showDeveloperTools: 'never',
    },
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
function describeErrors(openapi: object): Document {
  const document: Document = openapi;
  const problem = Object.fromEntries(Object.entries(problemSchema).filter(([name]) => name !== '$id'));
  const paths = Object.fromEntries(
    Object.entries(document.paths ?? {}).map(([path, operations]) => [
      path,
      Object.fromEntries(
        Object.entries(operations).map(([method, operation]) => [
          method,
          {
            ...operation,
            responses: {
              ...describeSuccess(operation.responses),
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

// Where a route says nothing about an answer, the generator writes "Default Response".
function describeSuccess(responses: DescribedOperation['responses'] = {}): object {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      response.description === 'Default Response' && SUCCESS[status] !== undefined
        ? { ...response, description: SUCCESS[status] }
        : response,
    ]),
  );
}

function problemResponse(description: string): object {
  return { description, content: PROBLEM_REFERENCE };
}

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { apiKeyListing, type ApiKey, type Auth } from '@tenon/auth';
import { CodedError } from '@tenon/core';
import { mapPage } from '@tenon/database';
import { Type } from 'typebox';
import { requires } from '../http/access.ts';
import { bodyCheck } from '../http/check-body.ts';
import { watchRow } from '../http/cross-tenant-watch.ts';
import { listParameters, listRequestOf, pageOf } from '../http/list-parameters.ts';
import { inputInvalid } from '../http/problem.ts';
import { scopes } from '../roles.ts';
import type { Services } from '../services.ts';

const time = Type.String({ format: 'date-time' });
const nullable = Type.Unsafe<string | null>({ type: ['string', 'null'] });
const closed = { additionalProperties: false } as const;
const tags = ['API keys'];
const access = requires('api-keys:manage');
// Date.parse takes more: "1", "Jan 1, 2100", and years that no database holds.
const ISO_8601 = String.raw`^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$`;
const ApiKeySchema = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    prefix: Type.String({ description: 'the characters after `tnk_` by which people recognise it' }),
    scopes: Type.Array(Type.String()),
    createdBy: Type.String(),
    createdAt: time,
    expiresAt: nullable,
    lastUsedAt: nullable,
    revokedAt: nullable,
  },
  { title: 'ApiKey' },
);
const NewApiKeyBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 255, examples: ['nightly import'] }),
    scopes: Type.Array(Type.Enum([...scopes]), { minItems: 1, uniqueItems: true }),
    expiresAt: Type.Optional(
      Type.String({
        pattern: ISO_8601,
        description: 'a date or time of ISO 8601; left out: never',
        examples: ['2030-01-31T12:00:00Z'],
      }),
    ),
  },
  closed,
);

const IdParameters = Type.Object({ id: Type.String({ maxLength: 64 }) });

/** Keys for machines. */
export function apiKeyRoutes(app: FastifyInstance, services: Services): void {
  addReading(app, services);
  addCreating(app, services);
  addRevoking(app, services);
}

function addReading(app: FastifyInstance, { auth, cursors }: Services): void {
  app.get(
    '/v1/api-keys',
    {
      config: { access },
      schema: {
        tags,
        summary: 'List API keys',
        querystring: listParameters(apiKeyListing),
        response: { 200: pageOf(ApiKeySchema) },
      },
    },
    async (request) => {
      return mapPage(await auth.apiKeys.list(listRequestOf(request, apiKeyListing, cursors), cursors), toShown);
    },
  );

  app.get(
    '/v1/api-keys/:id',
    {
      config: { access },
      schema: { tags, summary: 'Get an API key', params: IdParameters, response: { 200: ApiKeySchema } },
    },
    (request) => onKey(auth, request, async (id) => toShown(await getKey(auth, id))),
  );
}

function addCreating(app: FastifyInstance, { auth }: Services): void {
  const checkNew = bodyCheck(NewApiKeyBody);

  app.post(
    '/v1/api-keys',
    {
      config: { access },
      schema: {
        tags,
        summary: 'Create an API key',
        description: 'The key is shown this once. It can hold only permissions that its creator has.',
        body: NewApiKeyBody,
        response: { 201: Type.Object({ key: Type.String(), apiKey: ApiKeySchema }) },
      },
    },
    async (request, reply) => {
      const { name, scopes: wanted, expiresAt } = checkNew(request.body);
      if (expiresAt !== undefined && Number.isNaN(Date.parse(expiresAt))) {
        throw inputInvalid([{ path: '/expiresAt', code: 'not_a_timestamp', message: 'must be a time of ISO 8601' }]);
      }
      const { key, apiKey } = await auth.apiKeys.create({
        name,
        scopes: wanted,
        ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }),
      });
      reply.code(201).header('cache-control', 'no-store').header('location', `/v1/api-keys/${apiKey.id}`);
      return { key: key.reveal(), apiKey: toShown(apiKey) };
    },
  );
}

function addRevoking(app: FastifyInstance, { auth }: Services): void {
  app.delete(
    '/v1/api-keys/:id',
    {
      config: { access },
      schema: {
        tags,
        summary: 'Revoke an API key',
        params: IdParameters,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await onKey(auth, request, (id) => auth.apiKeys.revoke(id));
      return reply.code(204).send();
    },
  );
}

/** Runs work on the key that the path names. */
function onKey<T>(auth: Auth, request: FastifyRequest, work: (id: string) => Promise<T>): Promise<T> {
  const { id } = request.params as { readonly id: string };
  const missingCode = 'AUTH_API_KEY_NOT_FOUND';
  return watchRow(request, { resource: 'api-keys', id, missingCode, ownerOf: () => auth.apiKeys.ownerOf(id) }, () =>
    work(id),
  );
}

async function getKey(auth: Auth, id: string): Promise<ApiKey> {
  const key = await auth.apiKeys.get(id);
  if (key === undefined) throw new CodedError('AUTH_API_KEY_NOT_FOUND', 'there is no API key with this id');
  return key;
}

function toShown(key: ApiKey) {
  return {
    ...key,
    createdAt: key.createdAt.toISOString(),
    expiresAt: key.expiresAt?.toISOString() ?? null,
    lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
    revokedAt: key.revokedAt?.toISOString() ?? null,
  };
}

import type { FastifyInstance } from 'fastify';
import type { ApiKey } from '@tenon/auth';
import { Type } from 'typebox';
import { requires } from '../http/access.ts';
import { bodyCheck } from '../http/check-body.ts';
import { watchRow } from '../http/cross-tenant-watch.ts';
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

/** Keys for machines. */
export function apiKeyRoutes(app: FastifyInstance, { auth }: Services): void {
  const checkNew = bodyCheck(NewApiKeyBody);

  app.get(
    '/v1/api-keys',
    {
      config: { access },
      schema: { tags, summary: 'List API keys', response: { 200: Type.Object({ items: Type.Array(ApiKeySchema) }) } },
    },
    async () => ({ items: (await auth.apiKeys.list()).map(toShown) }),
  );

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

  app.delete(
    '/v1/api-keys/:id',
    {
      config: { access },
      schema: {
        tags,
        summary: 'Revoke an API key',
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id } = request.params as { readonly id: string };
      const row = {
        resource: 'api-keys',
        id,
        missingCode: 'AUTH_API_KEY_NOT_FOUND',
        ownerOf: () => auth.apiKeys.ownerOf(id),
      };
      await watchRow(request, row, () => auth.apiKeys.revoke(id));
      return reply.code(204).send();
    },
  );
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

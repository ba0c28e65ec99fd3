import type { FastifyInstance } from 'fastify';
import { securityEventListing } from '@tenon/tenancy';
import { Type } from 'typebox';
import { inputInvalid } from '../http/problem.ts';
import { requires } from '../http/access.ts';
import { bodyCheck } from '../http/check-body.ts';
import { etagOf, expectedVersion, sendVersioned } from '../http/etag.ts';
import { listParameters, listRequestOf, pageOf } from '../http/list-parameters.ts';
import { scopes } from '../roles.ts';
import type { Services } from '../services.ts';
import { TenantSettings } from '../tenant-settings.ts';

const time = Type.String({ format: 'date-time' });
const nullable = Type.Unsafe<string | null>({ type: ['string', 'null'] });
const closed = { additionalProperties: false } as const;
const TenantSchema = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    status: Type.String(),
    createdAt: time,
    updatedAt: time,
    version: Type.Integer(),
  },
  { title: 'Tenant' },
);
const CurrentSettings = Type.Object(
  { values: TenantSettings, version: Type.Integer() },
  { title: 'CurrentTenantSettings' },
);
const Quotas = Type.Object({
  items: Type.Array(Type.Object({ name: Type.String(), max: Type.Integer(), used: Type.Integer() })),
});
const SecurityEventSchema = Type.Object(
  {
    id: Type.String(),
    type: Type.String(),
    tenantId: nullable,
    otherTenantId: nullable,
    actor: Type.Unsafe<object | null>({ type: ['object', 'null'], additionalProperties: true }),
    resource: nullable,
    requestId: nullable,
    details: Type.Record(Type.String(), Type.Unknown()),
    createdAt: time,
  },
  { title: 'SecurityEvent' },
);
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
    scopes: Type.Array(Type.Union(scopes.map((scope) => Type.Literal(scope))), { minItems: 1, uniqueItems: true }),
    expiresAt: Type.Optional(Type.String({ description: 'ISO 8601; left out: never' })),
  },
  closed,
);

/** The tenant itself: name, settings, quotas, security events. */
export function tenantRoutes(app: FastifyInstance, { tenancy, cursors }: Services): void {
  const tags = ['Tenant'];
  const checkTenant = bodyCheck(Type.Object({ name: Type.String() }, closed));
  const checkSettings = bodyCheck(Type.Partial(TenantSettings, closed));

  app.get(
    '/v1/tenant',
    {
      config: { access: requires('tenant:read') },
      schema: { tags, summary: 'Get the tenant', response: { 200: TenantSchema } },
    },
    async (request, reply) => sendVersioned(request, reply, await tenancy.tenants.current()) ?? reply.send(),
  );

  app.patch(
    '/v1/tenant',
    {
      config: { access: requires('tenant:write') },
      schema: {
        tags,
        summary: 'Rename the tenant',
        body: Type.Object({ name: Type.String() }, closed),
        response: { 200: TenantSchema },
      },
    },
    async (request, reply) =>
      sendVersioned(request, reply, await tenancy.tenants.update(checkTenant(request.body), expectedVersion(request))),
  );

  app.get(
    '/v1/tenant/settings',
    {
      config: { access: requires('tenant:read') },
      schema: { tags, summary: 'Get the settings', response: { 200: CurrentSettings } },
    },
    async (_request, reply) => {
      const current = await tenancy.settings.get();
      reply.header('etag', etagOf(current.version));
      return current;
    },
  );

  app.patch(
    '/v1/tenant/settings',
    {
      config: { access: requires('tenant:write') },
      schema: {
        tags,
        summary: 'Change settings',
        body: Type.Partial(TenantSettings, closed),
        response: { 200: CurrentSettings },
      },
    },
    async (request, reply) => {
      const current = await tenancy.settings.update(checkSettings(request.body), expectedVersion(request));
      reply.header('etag', etagOf(current.version));
      return current;
    },
  );

  app.get(
    '/v1/tenant/quotas',
    {
      config: { access: requires('tenant:read') },
      schema: { tags, summary: 'List quotas', response: { 200: Quotas } },
    },
    async () => ({ items: await tenancy.quotas.list() }),
  );

  app.get(
    '/v1/security-events',
    {
      config: { access: requires('security-events:read') },
      schema: {
        tags,
        summary: 'List security events',
        querystring: listParameters(securityEventListing),
        response: { 200: pageOf(SecurityEventSchema) },
      },
    },
    (request) => tenancy.securityEvents.list(listRequestOf(request, securityEventListing, cursors), cursors),
  );
}

/** Keys for machines. */
export function apiKeyRoutes(app: FastifyInstance, { auth }: Services): void {
  const tags = ['API keys'];
  const access = requires('api-keys:manage');
  const checkNew = bodyCheck(NewApiKeyBody);
  const iso = (date: Date | undefined): string | null => date?.toISOString() ?? null;
  const shown = (key: Awaited<ReturnType<typeof auth.apiKeys.list>>[number]) => ({
    ...key,
    createdAt: key.createdAt.toISOString(),
    expiresAt: iso(key.expiresAt),
    lastUsedAt: iso(key.lastUsedAt),
    revokedAt: iso(key.revokedAt),
  });

  app.get(
    '/v1/api-keys',
    {
      config: { access },
      schema: { tags, summary: 'List API keys', response: { 200: Type.Object({ items: Type.Array(ApiKeySchema) }) } },
    },
    async () => ({ items: (await auth.apiKeys.list()).map(shown) }),
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
      return { key: key.reveal(), apiKey: shown(apiKey) };
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
      await auth.apiKeys.revoke((request.params as { id: string }).id);
      return reply.code(204).send();
    },
  );
}

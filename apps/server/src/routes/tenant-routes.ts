import type { FastifyInstance } from 'fastify';
import { securityEventListing } from '@tenon/tenancy';
import { Type } from 'typebox';
import { requires } from '../http/access.ts';
import { bodyCheck } from '../http/check-body.ts';
import { etagOf, expectedVersion, sendVersioned } from '../http/etag.ts';
import { listParameters, listRequestOf, pageOf } from '../http/list-parameters.ts';
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
const tags = ['Tenant'];

/** The tenant itself: its name, quotas and security record. */
export function tenantRoutes(app: FastifyInstance, { tenancy, cursors }: Services): void {
  const checkTenant = bodyCheck(Type.Object({ name: Type.String() }, closed));

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

/** What the tenant can set. */
export function tenantSettingsRoutes(app: FastifyInstance, { tenancy }: Services): void {
  const checkSettings = bodyCheck(Type.Partial(TenantSettings, closed));

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
}

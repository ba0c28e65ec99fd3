import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CodedError, isCodedError } from '@tenon/core';
import type { CursorCodec, Listing, ListPage, ListRequest } from '@tenon/database';
import { Type, type TSchema } from 'typebox';
import { principalOf, requires, type Principal } from '../http/access.ts';
import { noteMissedRow } from '../http/cross-tenant-watch.ts';
import { etagOf, expectedVersion, sendVersioned } from '../http/etag.ts';
import { listParameters, listRequestOf, pageOf } from '../http/list-parameters.ts';
import type { Scope } from '../roles.ts';

interface Versioned {
  readonly id: string;
  readonly version: number;
}

/** What makes a resource: its shapes, who may do what, and the service's functions. The service checks every body itself. */
export interface Resource<Entity extends Versioned> {
  /** Plural, as in the path. */
  readonly name: string;
  readonly singular: string;
  readonly description: string;
  readonly schemas: {
    readonly entity: TSchema;
    readonly create: TSchema;
    readonly replace: TSchema;
    readonly patch: TSchema;
  };
  readonly listing: Listing<object>;
  readonly scopes: { readonly read: Scope; readonly write: Scope; readonly create?: Scope };
  /** Headers that creating takes, for the API reference. */
  readonly createHeaders?: TSchema;
  /** The code for a row that this tenant does not have. */
  readonly notFoundCode: string;
  ownerOf(id: string): Promise<string | undefined>;
  list(request: ListRequest, principal: Principal): Promise<ListPage<Entity>>;
  get(id: string, principal: Principal): Promise<Entity | undefined>;
  create(body: unknown, principal: Principal, request: FastifyRequest): Promise<{ entity: Entity; created: boolean }>;
  replace(id: string, body: unknown, version: number | undefined, principal: Principal): Promise<Entity>;
  update(id: string, body: unknown, version: number | undefined, principal: Principal): Promise<Entity>;
  remove(id: string, version: number | undefined, principal: Principal): Promise<void>;
}

const IdParameters = Type.Object({ id: Type.String({ maxLength: 64 }) });
const IfMatch = Type.Object({
  'if-match': Type.Optional(Type.String({ description: 'ETag of the version that the change is meant for' })),
});

/** Adds list, get, create, replace, change and delete of one resource under `/v1`. */
export function resourceRoutes<Entity extends Versioned>(
  app: FastifyInstance,
  resource: Resource<Entity>,
  cursors: CursorCodec,
): void {
  const path = `/v1/${resource.name}`;
  const { schemas, singular } = resource;
  const tags = [resource.description];
  const read = { access: requires(resource.scopes.read) };
  const write = { access: requires(resource.scopes.write) };
  const notFound = (id: string): CodedError =>
    new CodedError(resource.notFoundCode, `there is no ${singular} "${id}"`, { details: { id } });
  const idOf = (request: FastifyRequest): string => (request.params as { id: string }).id;

  /** Runs work on one row, and notes for later when the tenant has no such row. */
  const onRow = async <T>(request: FastifyRequest, work: (id: string) => Promise<T>): Promise<T> => {
    const id = idOf(request);
    try {
      return await work(id);
    } catch (error) {
      if (isCodedError(error, resource.notFoundCode)) {
        noteMissedRow(request, { resource: resource.name, id, ownerOf: () => resource.ownerOf(id) });
      }
      throw error;
    }
  };

  app.get(
    path,
    {
      config: read,
      schema: {
        tags,
        summary: `List ${resource.name}`,
        querystring: listParameters(resource.listing),
        response: { 200: pageOf(schemas.entity) },
      },
    },
    (request) => resource.list(listRequestOf(request, resource.listing, cursors), principalOf(request)),
  );

  app.post(
    path,
    {
      config: { access: requires(resource.scopes.create ?? resource.scopes.write) },
      schema: {
        tags,
        summary: `Create ${article(singular)} ${singular}`,
        ...(resource.createHeaders === undefined ? {} : { headers: resource.createHeaders }),
        body: schemas.create,
        response: { 201: schemas.entity },
      },
    },
    async (request, reply) => {
      const { entity, created } = await resource.create(request.body, principalOf(request), request);
      reply.code(201).header('location', `${path}/${entity.id}`).header('etag', etagOf(entity.version));
      if (!created) reply.header('idempotency-replayed', 'true');
      return entity;
    },
  );

  app.get(
    `${path}/:id`,
    {
      config: read,
      schema: {
        tags,
        summary: `Get ${article(singular)} ${singular}`,
        params: IdParameters,
        response: { 200: schemas.entity },
      },
    },
    (request, reply) =>
      onRow(request, async (id) => {
        const entity = await resource.get(id, principalOf(request));
        if (entity === undefined) throw notFound(id);
        return sendVersioned(request, reply, entity) ?? reply.send();
      }),
  );

  for (const [method, summary, body, change] of [
    ['PUT', 'Replace', schemas.replace, resource.replace.bind(resource)],
    ['PATCH', 'Change', schemas.patch, resource.update.bind(resource)],
  ] as const) {
    app.route({
      method,
      url: `${path}/:id`,
      config: write,
      schema: {
        tags,
        summary: `${summary} ${article(singular)} ${singular}`,
        params: IdParameters,
        headers: IfMatch,
        body,
        response: { 200: schemas.entity },
      },
      handler: (request, reply) =>
        onRow(request, async (id) => {
          const entity = await change(id, request.body, expectedVersion(request), principalOf(request));
          return sendVersioned(request, reply, entity);
        }),
    });
  }

  app.delete(
    `${path}/:id`,
    {
      config: write,
      schema: {
        tags,
        summary: `Delete ${article(singular)} ${singular}`,
        params: IdParameters,
        headers: IfMatch,
        response: { 204: Type.Null() },
      },
    },
    (request, reply) =>
      onRow(request, async (id) => {
        await resource.remove(id, expectedVersion(request), principalOf(request));
        return reply.code(204).send();
      }),
  );
}

function article(noun: string): string {
  return /^[aeio]/.test(noun) ? 'an' : 'a';
}

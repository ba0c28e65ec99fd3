import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CodedError } from '@tenon/core';
import type { CursorCodec, Listing, ListPage, ListRequest } from '@tenon/database';
import { Type, type TSchema } from 'typebox';
import { principalOf, requires, type Principal } from '../http/access.ts';
import { watchRow } from '../http/cross-tenant-watch.ts';
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

interface Addition<Entity extends Versioned> {
  readonly app: FastifyInstance;
  readonly resource: Resource<Entity>;
  readonly cursors: CursorCodec;
  readonly path: string;
}

/** Adds list, get, create, replace, change and delete of one resource under `/v1`. */
export function resourceRoutes<Entity extends Versioned>(
  app: FastifyInstance,
  resource: Resource<Entity>,
  cursors: CursorCodec,
): void {
  const addition: Addition<Entity> = { app, resource, cursors, path: `/v1/${resource.name}` };
  addList(addition);
  addCreate(addition);
  addGet(addition);
  addChange(addition, 'PUT', 'Replace', resource.schemas.replace, resource.replace.bind(resource));
  addChange(addition, 'PATCH', 'Change', resource.schemas.patch, resource.update.bind(resource));
  addRemove(addition);
}

function addList<Entity extends Versioned>({ app, resource, cursors, path }: Addition<Entity>): void {
  app.get(
    path,
    {
      config: { access: requires(resource.scopes.read) },
      schema: {
        tags: [resource.description],
        summary: `List ${resource.name}`,
        querystring: listParameters(resource.listing),
        response: { 200: pageOf(resource.schemas.entity) },
      },
    },
    (request) => resource.list(listRequestOf(request, resource.listing, cursors), principalOf(request)),
  );
}

function addCreate<Entity extends Versioned>({ app, resource, path }: Addition<Entity>): void {
  app.post(
    path,
    {
      config: { access: requires(resource.scopes.create ?? resource.scopes.write) },
      schema: {
        tags: [resource.description],
        summary: `Create ${withArticle(resource.singular)}`,
        ...(resource.createHeaders === undefined ? {} : { headers: resource.createHeaders }),
        body: resource.schemas.create,
        response: { 201: resource.schemas.entity },
      },
    },
    async (request, reply) => {
      const { entity, created } = await resource.create(request.body, principalOf(request), request);
      reply.code(201).header('location', `${path}/${entity.id}`).header('etag', etagOf(entity.version));
      if (!created) reply.header('idempotency-replayed', 'true');
      return entity;
    },
  );
}

function addGet<Entity extends Versioned>({ app, resource, path }: Addition<Entity>): void {
  app.get(
    `${path}/:id`,
    {
      config: { access: requires(resource.scopes.read) },
      schema: {
        tags: [resource.description],
        summary: `Get ${withArticle(resource.singular)}`,
        params: IdParameters,
        response: { 200: resource.schemas.entity },
      },
    },
    (request, reply) =>
      onRow(resource, request, async (id) => {
        const entity = await resource.get(id, principalOf(request));
        if (entity === undefined) throw notFound(resource, id);
        return sendVersioned(request, reply, entity) ?? reply.send();
      }),
  );
}

function addChange<Entity extends Versioned>(
  { app, resource, path }: Addition<Entity>,
  method: 'PUT' | 'PATCH',
  verb: string,
  body: TSchema,
  change: Resource<Entity>['replace'],
): void {
  app.route({
    method,
    url: `${path}/:id`,
    config: { access: requires(resource.scopes.write) },
    schema: {
      tags: [resource.description],
      summary: `${verb} ${withArticle(resource.singular)}`,
      params: IdParameters,
      headers: IfMatch,
      body,
      response: { 200: resource.schemas.entity },
    },
    handler: (request, reply) =>
      onRow(resource, request, async (id) => {
        const entity = await change(id, request.body, expectedVersion(request), principalOf(request));
        return sendVersioned(request, reply, entity);
      }),
  });
}

function addRemove<Entity extends Versioned>({ app, resource, path }: Addition<Entity>): void {
  app.delete(
    `${path}/:id`,
    {
      config: { access: requires(resource.scopes.write) },
      schema: {
        tags: [resource.description],
        summary: `Delete ${withArticle(resource.singular)}`,
        params: IdParameters,
        headers: IfMatch,
        response: { 204: Type.Null() },
      },
    },
    (request, reply) =>
      onRow(resource, request, async (id) => {
        await resource.remove(id, expectedVersion(request), principalOf(request));
        return reply.code(204).send();
      }),
  );
}

/** Runs work on the row that the path names. */
function onRow<Entity extends Versioned, T>(
  resource: Resource<Entity>,
  request: FastifyRequest,
  work: (id: string) => Promise<T>,
): Promise<T> {
  const { id } = request.params as { readonly id: string };
  const { name, notFoundCode: missingCode } = resource;
  return watchRow(request, { resource: name, id, missingCode, ownerOf: () => resource.ownerOf(id) }, () => work(id));
}

function notFound<Entity extends Versioned>(resource: Resource<Entity>, id: string): CodedError {
  return new CodedError(resource.notFoundCode, `there is no ${resource.singular} "${id}"`, { details: { id } });
}

function withArticle(noun: string): string {
  return `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

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

/** What makes a collection: its shapes, who may do what, and the service's functions. The service checks every body itself. */
export interface Collection<Entity extends Versioned> {
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
  readonly collection: Collection<Entity>;
  readonly cursors: CursorCodec;
  readonly path: string;
}

/** Adds list, get, create, replace, change and delete of one collection under `/v1`. */
export function collectionRoutes<Entity extends Versioned>(
  app: FastifyInstance,
  collection: Collection<Entity>,
  cursors: CursorCodec,
): void {
  const addition: Addition<Entity> = { app, collection, cursors, path: `/v1/${collection.name}` };
  addList(addition);
  addCreate(addition);
  addGet(addition);
  addChange(addition, 'PUT', 'Replace', collection.schemas.replace, collection.replace.bind(collection));
  addChange(addition, 'PATCH', 'Change', collection.schemas.patch, collection.update.bind(collection));
  addRemove(addition);
}

function addList<Entity extends Versioned>({ app, collection, cursors, path }: Addition<Entity>): void {
  app.get(
    path,
    {
      config: { access: requires(collection.scopes.read) },
      schema: {
        tags: [collection.description],
        summary: `List ${collection.name}`,
        querystring: listParameters(collection.listing),
        response: { 200: pageOf(collection.schemas.entity) },
      },
    },
    (request) => collection.list(listRequestOf(request, collection.listing, cursors), principalOf(request)),
  );
}

function addCreate<Entity extends Versioned>({ app, collection, path }: Addition<Entity>): void {
  app.post(
    path,
    {
      config: { access: requires(collection.scopes.create ?? collection.scopes.write) },
      schema: {
        tags: [collection.description],
        summary: `Create ${withArticle(collection.singular)}`,
        ...(collection.createHeaders === undefined ? {} : { headers: collection.createHeaders }),
        body: collection.schemas.create,
        response: { 201: collection.schemas.entity },
      },
    },
    async (request, reply) => {
      const { entity, created } = await collection.create(request.body, principalOf(request), request);
      reply.code(201).header('location', `${path}/${entity.id}`).header('etag', etagOf(entity.version));
      if (!created) reply.header('idempotency-replayed', 'true');
      return entity;
    },
  );
}

function addGet<Entity extends Versioned>({ app, collection, path }: Addition<Entity>): void {
  app.get(
    `${path}/:id`,
    {
      config: { access: requires(collection.scopes.read) },
      schema: {
        tags: [collection.description],
        summary: `Get ${withArticle(collection.singular)}`,
        params: IdParameters,
        response: { 200: collection.schemas.entity },
      },
    },
    (request, reply) =>
      onRow(collection, request, async (id) => {
        const entity = await collection.get(id, principalOf(request));
        if (entity === undefined) throw notFound(collection, id);
        return sendVersioned(request, reply, entity) ?? reply.send();
      }),
  );
}

function addChange<Entity extends Versioned>(
  { app, collection, path }: Addition<Entity>,
  method: 'PUT' | 'PATCH',
  verb: string,
  body: TSchema,
  change: Collection<Entity>['replace'],
): void {
  app.route({
    method,
    url: `${path}/:id`,
    config: { access: requires(collection.scopes.write) },
    schema: {
      tags: [collection.description],
      summary: `${verb} ${withArticle(collection.singular)}`,
      params: IdParameters,
      headers: IfMatch,
      body,
      response: { 200: collection.schemas.entity },
    },
    handler: (request, reply) =>
      onRow(collection, request, async (id) => {
        const entity = await change(id, request.body, expectedVersion(request), principalOf(request));
        return sendVersioned(request, reply, entity);
      }),
  });
}

function addRemove<Entity extends Versioned>({ app, collection, path }: Addition<Entity>): void {
  app.delete(
    `${path}/:id`,
    {
      config: { access: requires(collection.scopes.write) },
      schema: {
        tags: [collection.description],
        summary: `Delete ${withArticle(collection.singular)}`,
        params: IdParameters,
        headers: IfMatch,
        response: { 204: Type.Null() },
      },
    },
    (request, reply) =>
      onRow(collection, request, async (id) => {
        await collection.remove(id, expectedVersion(request), principalOf(request));
        return reply.code(204).send();
      }),
  );
}

/** Runs work on the row that the path names. */
function onRow<Entity extends Versioned, T>(
  collection: Collection<Entity>,
  request: FastifyRequest,
  work: (id: string) => Promise<T>,
): Promise<T> {
  const { id } = request.params as { readonly id: string };
  const { name, notFoundCode: missingCode } = collection;
  return watchRow(request, { resource: name, id, missingCode, ownerOf: () => collection.ownerOf(id) }, () => work(id));
}

function notFound<Entity extends Versioned>(collection: Collection<Entity>, id: string): CodedError {
  return new CodedError(collection.notFoundCode, `there is no ${collection.singular} "${id}"`, { details: { id } });
}

function withArticle(noun: string): string {
  return `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

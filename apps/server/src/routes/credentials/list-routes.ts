import type { FastifyInstance } from 'fastify';
import type { AuditQuery, AuditRecord, CredentialInfo } from '@tenon/credentials';
import { Type } from 'typebox';
import { requires } from '../../http/access.ts';
import { bodyCheck } from '../../http/check-body.ts';
import { pageOf } from '../../http/list-parameters.ts';
import { inputInvalid } from '../../http/problem.ts';
import type { Services } from '../../services.ts';
import { toMoment } from './credential-input.ts';
import { CredentialSchema, tags, toShown } from './credential-schemas.ts';

const limit = Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|100)$', description: '1 to 100; default 20' }));
const scope = Type.String({ maxLength: 512, description: 'this scope and all below it' });
const ListQuery = Type.Object(
  {
    scope,
    kind: Type.Optional(Type.String({ maxLength: 64 })),
    tag: Type.Optional(
      Type.String({
        maxLength: 400,
        pattern: '^[^=]{1,128}=.{0,256}$',
        description: 'a tag it must have, as `env=prod`',
      }),
    ),
    expiresBefore: Type.Optional(Type.String()),
    limit,
    cursor: Type.Optional(Type.String({ maxLength: 4_096 })),
  },
  { additionalProperties: false },
);
const AuditListQuery = Type.Object(
  {
    scope: Type.Optional(Type.String({ maxLength: 512 })),
    id: Type.Optional(Type.String({ maxLength: 255 })),
    actor: Type.Optional(Type.String({ maxLength: 255 })),
    after: Type.Optional(Type.String({ maxLength: 64, description: 'the id of the last record of the page before' })),
    limit,
  },
  { additionalProperties: false },
);
const AuditSchema = Type.Object({
  items: Type.Array(
    Type.Object(
      {
        id: Type.String(),
        operationId: Type.String(),
        at: Type.String({ format: 'date-time' }),
        action: Type.String(),
        outcome: Type.String(),
      },
      { additionalProperties: true, title: 'CredentialAuditRecord' },
    ),
  ),
});
const Overview = Type.Object(
  {
    total: Type.Integer(),
    expired: Type.Array(CredentialSchema),
    expiringWithinWeek: Type.Array(CredentialSchema),
    rotationDue: Type.Array(CredentialSchema),
    needsReauthorization: Type.Array(CredentialSchema),
  },
  { title: 'CredentialOverview', description: 'each list holds 100 at most' },
);
const WEEK_MS = 604_800_000;
const MAX_SHOWN = 100;

/** Lists: the credentials, what needs attention among them, and who did what. */
export function listRoutes(app: FastifyInstance, services: Services): void {
  addList(app, services);
  addOverview(app, services);
  addAudit(app, services);
}

function addList(app: FastifyInstance, { credentials, cursors }: Services): void {
  const checkList = bodyCheck(ListQuery);

  app.get(
    '/v1/credentials',
    {
      config: { access: requires('credentials:read') },
      schema: {
        tags,
        summary: 'List credentials',
        querystring: ListQuery,
        response: { 200: pageOf(CredentialSchema) },
      },
    },
    async (request) => {
      const { cursor, limit: size = '20', ...filter } = checkList(request.query);
      const fingerprint = JSON.stringify(filter);
      const after = cursor === undefined ? undefined : placeOf(cursors.decode(cursor), fingerprint);
      const expiresBefore = toMoment(filter.expiresBefore);
      const page = await credentials.list({
        scope: filter.scope,
        limit: Number(size),
        ...(filter.kind === undefined ? {} : { kind: filter.kind }),
        ...(filter.tag === undefined ? {} : { tags: toTags(filter.tag) }),
        ...(expiresBefore === undefined ? {} : { expiresBefore }),
        ...(after === undefined ? {} : { after }),
      });
      const last = page.items.at(-1);
      const nextCursor = page.hasMore && last ? cursors.encode([fingerprint, last.scope, last.id]) : null;
      return { items: page.items.map(toShown), hasMore: page.hasMore, nextCursor };
    },
  );
}

function addOverview(app: FastifyInstance, { credentials }: Services): void {
  const checkOverview = bodyCheck(Type.Object({ scope }, { additionalProperties: false }));

  app.get(
    '/v1/credential-overview',
    {
      config: { access: requires('credentials:read') },
      schema: {
        tags,
        summary: 'What needs attention',
        description: 'What has expired, will within a week, should be rotated, or waits for somebody to sign in again.',
        querystring: Type.Object({ scope }),
        response: { 200: Overview },
      },
    },
    async (request) => {
      const all = credentials.listAll({ scope: checkOverview(request.query).scope, limit: 1_000 });
      return overviewOf(all, Date.now());
    },
  );
}

function addAudit(app: FastifyInstance, { credentials }: Services): void {
  const checkAudit = bodyCheck(AuditListQuery);

  app.get(
    '/v1/credential-audit',
    {
      config: { access: requires('credentials:reveal') },
      schema: { tags, summary: 'Who did what', querystring: AuditListQuery, response: { 200: AuditSchema } },
    },
    async (request) => {
      const { scope: of, id, actor, after, limit: size = '20' } = checkAudit(request.query);
      const query: Omit<AuditQuery, 'tenant'> = {
        limit: Number(size),
        ...(of === undefined ? {} : { scope: of }),
        ...(id === undefined ? {} : { credentialId: id }),
        ...(actor === undefined ? {} : { actorId: actor }),
        ...(after === undefined ? {} : { after }),
      };
      return { items: (await credentials.auditRecords(query)).map(toShownRecord) };
    },
  );
}

function toShownRecord(record: AuditRecord) {
  const { atMs, tenant: _, ...rest } = record;
  return { ...rest, at: new Date(atMs).toISOString() };
}

function toTags(tag: string): Readonly<Record<string, string>> {
  const at = tag.indexOf('=');
  return { [tag.slice(0, at)]: tag.slice(at + 1) };
}

function placeOf(decoded: unknown, fingerprint: string): { readonly scope: string; readonly id: string } {
  const [seen, lastScope, lastId] = Array.isArray(decoded) ? (decoded as readonly unknown[]) : [];
  if (seen === fingerprint && typeof lastScope === 'string' && typeof lastId === 'string') {
    return { scope: lastScope, id: lastId };
  }
  throw inputInvalid([
    { path: '/cursor', code: 'invalid', message: 'must be the nextCursor of a page with the same filters' },
  ]);
}

async function overviewOf(all: AsyncIterable<CredentialInfo>, nowMs: number) {
  type Shown = ReturnType<typeof toShown>;
  const lists: Record<'expired' | 'expiringWithinWeek' | 'rotationDue' | 'needsReauthorization', Shown[]> = {
    expired: [],
    expiringWithinWeek: [],
    rotationDue: [],
    needsReauthorization: [],
  };
  let total = 0;
  const add = (list: keyof typeof lists, info: CredentialInfo): void => {
    if (lists[list].length < MAX_SHOWN) lists[list].push(toShown(info));
  };
  for await (const info of all) {
    total += 1;
    const left = (info.expiresAt?.getTime() ?? Infinity) - nowMs;
    if (left <= 0) add('expired', info);
    else if (left <= WEEK_MS) add('expiringWithinWeek', info);
    if ((info.rotateAfter?.getTime() ?? Infinity) <= nowMs) add('rotationDue', info);
    if (info.needsReauthorization) add('needsReauthorization', info);
  }
  return { total, ...lists };
}

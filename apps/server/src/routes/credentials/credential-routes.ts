import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CredentialReference } from '@tenon/credentials';
import { Type } from 'typebox';
import { requires } from '../../http/access.ts';
import { bodyCheck } from '../../http/check-body.ts';
import { etagOf, expectedVersion, sendVersioned } from '../../http/etag.ts';
import type { Services } from '../../services.ts';
import { batchRoutes } from './batch-routes.ts';
import { credentialMissing, toMaterial, toMoment, toStoreOptions } from './credential-input.ts';
import {
  CredentialReplacement,
  CredentialSchema,
  IdParameters,
  NewCredential,
  RevealedCredential,
  RevealQuery,
  RollBack,
  Rotation,
  ScopeQuery,
  tags,
  toRevealed,
  toShown,
  toValidation,
  ValidationSchema,
} from './credential-schemas.ts';
import { listRoutes } from './list-routes.ts';

const read = { config: { access: requires('credentials:read') } };
const write = { config: { access: requires('credentials:write') } };
const reveal = { config: { access: requires('credentials:reveal') } };
const one = { params: IdParameters, querystring: ScopeQuery };

/** `/v1/credentials`: the secrets with which the tenant acts in other systems. Their values come back through `reveal` alone. */
export function credentialRoutes(app: FastifyInstance, services: Services): void {
  listRoutes(app, services);
  batchRoutes(app, services);
  storingRoutes(app, services);
  readingRoutes(app, services);
  changingRoutes(app, services);
}

const checkQuery = bodyCheck(ScopeQuery);

/** @throws `INPUT_INVALID` without a scope, or with parameters that are not known */
function referenceOf(request: FastifyRequest): Required<CredentialReference> {
  const { scope } = checkQuery(request.query);
  return { scope, id: (request.params as { readonly id: string }).id };
}

function storingRoutes(app: FastifyInstance, { credentials }: Services): void {
  const checkNew = bodyCheck(NewCredential);
  const checkReplacement = bodyCheck(CredentialReplacement);

  app.post(
    '/v1/credentials',
    {
      ...write,
      schema: {
        tags,
        summary: 'Store a credential',
        description: 'It is sealed before it is kept, and comes back through `reveal` alone.',
        body: NewCredential,
        response: { 201: CredentialSchema },
      },
    },
    async (request, reply) => {
      const { scope, id, ...input } = checkNew(request.body);
      const options = toStoreOptions(input, { mode: 'create' });
      const info = await credentials.store({ scope, id }, toMaterial(input), options);
      const address = `/v1/credentials/${id}?scope=${encodeURIComponent(scope)}`;
      reply.code(201).header('location', address).header('etag', etagOf(info.version));
      return toShown(info);
    },
  );

  app.put(
    '/v1/credentials/:id',
    {
      ...write,
      schema: {
        tags,
        summary: 'Replace a credential',
        description: 'The old material is gone at once; to keep it for a while, rotate instead.',
        ...one,
        body: CredentialReplacement,
        response: { 200: CredentialSchema },
      },
    },
    async (request, reply) => {
      const input = checkReplacement(request.body);
      const version = expectedVersion(request);
      const mode = { mode: 'replace', ...(version === undefined ? {} : { expectedVersion: version }) } as const;
      const info = await credentials.store(referenceOf(request), toMaterial(input), toStoreOptions(input, mode));
      return sendVersioned(request, reply, toShown(info));
    },
  );

  app.delete(
    '/v1/credentials/:id',
    { ...write, schema: { tags, summary: 'Delete a credential', ...one, response: { 204: Type.Null() } } },
    async (request, reply) => {
      const reference = referenceOf(request);
      if (!(await credentials.delete(reference))) throw credentialMissing(reference.id, reference.scope);
      return reply.code(204).send();
    },
  );
}

function readingRoutes(app: FastifyInstance, { credentials }: Services): void {
  const checkReveal = bodyCheck(RevealQuery);

  app.get(
    '/v1/credentials/:id',
    {
      ...read,
      schema: { tags, summary: 'Get a credential without its secret', ...one, response: { 200: CredentialSchema } },
    },
    async (request, reply) => {
      const reference = referenceOf(request);
      const info = await credentials.inspect(reference);
      if (info === undefined) throw credentialMissing(reference.id, reference.scope);
      return sendVersioned(request, reply, toShown(info)) ?? reply.send();
    },
  );

  app.get(
    '/v1/credentials/:id/validation',
    {
      ...read,
      schema: {
        tags,
        summary: 'Judge a credential offline',
        description: 'Whether it can be expected to work. One that is missing is a result here.',
        ...one,
        response: { 200: ValidationSchema },
      },
    },
    async (request) => toValidation(await credentials.validate(referenceOf(request))),
  );

  app.post(
    '/v1/credentials/:id/reveal',
    {
      ...reveal,
      schema: {
        tags,
        summary: 'Reveal a credential',
        description: 'Each time is recorded in the audit before the secret is handed out.',
        params: IdParameters,
        querystring: RevealQuery,
        response: { 200: RevealedCredential },
      },
    },
    async (request, reply) => {
      const { scope, version } = checkReveal(request.query);
      const { id } = request.params as { readonly id: string };
      const options = { allowExpired: true, ...(version === undefined ? {} : { version: Number(version) }) };
      const credential = await credentials.retrieve({ scope, id }, options);
      if (credential === undefined) throw credentialMissing(id, scope);
      reply.header('cache-control', 'no-store');
      return toRevealed(credential);
    },
  );
}

function changingRoutes(app: FastifyInstance, { credentials }: Services): void {
  const checkRotation = bodyCheck(Rotation);
  const checkRollBack = bodyCheck(RollBack);
  const response = { 200: CredentialSchema };

  app.post(
    '/v1/credentials/:id/rotate',
    {
      ...write,
      schema: {
        tags,
        summary: 'Rotate a credential',
        description:
          'The old version can be revealed by its number until its grace is over; in an emergency it ends at once.',
        ...one,
        body: Rotation,
        response,
      },
    },
    async (request, reply) => {
      const input = checkRotation(request.body);
      const expiresAt = toMoment(input.expiresAt);
      const version = expectedVersion(request);
      const info = await credentials.rotate(referenceOf(request), toMaterial(input), {
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...(version === undefined ? {} : { expectedVersion: version }),
        ...(input.graceMs === undefined ? {} : { graceMs: input.graceMs }),
        ...(input.reason === undefined ? {} : { reason: input.reason }),
      });
      return sendVersioned(request, reply, toShown(info));
    },
  );

  app.post(
    '/v1/credentials/:id/roll-back',
    { ...write, schema: { tags, summary: 'Go back to an earlier version', ...one, body: RollBack, response } },
    async (request, reply) => {
      const { toVersion } = checkRollBack(request.body ?? {});
      const options = toVersion === undefined ? {} : { toVersion };
      return sendVersioned(request, reply, toShown(await credentials.rollBack(referenceOf(request), options)));
    },
  );

  app.post(
    '/v1/credentials/:id/revoke-previous',
    { ...write, schema: { tags, summary: 'End the grace of earlier versions', ...one, response } },
    async (request, reply) =>
      sendVersioned(request, reply, toShown(await credentials.revokePrevious(referenceOf(request)))),
  );
}

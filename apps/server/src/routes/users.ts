import type { FastifyInstance } from 'fastify';
import {
  NewUserSchema,
  userListing,
  UserPatchSchema,
  UserReplacementSchema,
  UserSchema,
  type NewUser,
  type User,
  type UserPatch,
  type UserReplacement,
} from '@tenon/tenancy';
import { Type } from 'typebox';
import { requires } from '../http/access.ts';
import { watchRow } from '../http/cross-tenant-watch.ts';
import type { Services } from '../services.ts';
import { collectionRoutes } from './collection-routes.ts';

/** `/v1/users`: the people of the tenant, and their invitations. */
export function userRoutes(app: FastifyInstance, { tenancy, cursors }: Services): void {
  const { users, invitations } = tenancy;
  collectionRoutes<User>(
    app,
    {
      name: 'users',
      singular: 'user',
      description: 'People',
      schemas: { entity: UserSchema, create: NewUserSchema, replace: UserReplacementSchema, patch: UserPatchSchema },
      listing: userListing,
      scopes: { read: 'users:read', write: 'users:write' },
      notFoundCode: 'USER_NOT_FOUND',
      ownerOf: (id) => tenancy.ownerOf('users', id),
      list: (request) => users.list(request, cursors),
      get: (id) => users.get(id),
      create: async (body) => ({ entity: await users.create(body as NewUser), created: true }),
      replace: (id, body, version) => users.replace(id, body as UserReplacement, version),
      update: (id, body, version) => users.update(id, body as UserPatch, version),
      remove: (id, version) => users.remove(id, version),
    },
    cursors,
  );

  app.post(
    '/v1/users/:id/invitation',
    {
      config: { access: requires('users:write') },
      schema: {
        tags: ['People'],
        summary: 'Invite a user',
        description: 'Makes the token with which the person joins. It is shown this once; earlier ones end.',
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
        response: { 201: Type.Object({ token: Type.String(), expiresAt: Type.String({ format: 'date-time' }) }) },
      },
    },
    async (request, reply) => {
      const { id } = request.params as { readonly id: string };
      const row = { resource: 'users', id, missingCode: 'USER_NOT_FOUND', ownerOf: () => tenancy.ownerOf('users', id) };
      const { token, expiresAt } = await watchRow(request, row, () => invitations.create(id));
      reply.code(201).header('cache-control', 'no-store');
      return { token: token.reveal(), expiresAt };
    },
  );
}

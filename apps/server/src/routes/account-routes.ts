import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { accountAccess, principalOf, publicAccess } from '../http/access.ts';
import { bodyCheck } from '../http/check-body.ts';
import type { Services } from '../services.ts';
import { AccountSchema, RegisterBody, toAccount } from './auth-schemas.ts';

const time = Type.String({ format: 'date-time' });
const nullable = Type.Unsafe<string | null>({ type: ['string', 'null'] });
const SessionSchema = Type.Object(
  {
    id: Type.String(),
    current: Type.Boolean({ description: 'whether this request belongs to it' }),
    ip: nullable,
    userAgent: nullable,
    createdAt: time,
    lastSeenAt: time,
    expiresAt: time,
  },
  { title: 'Session' },
);
const MembershipSchema = Type.Object(
  { tenantId: Type.String(), tenantName: Type.String(), userId: Type.String(), role: Type.String() },
  { title: 'Membership' },
);
const token = Type.String({ minLength: 1, maxLength: 512 });
const AcceptBody = Type.Object({ token }, { additionalProperties: false });
const JoinBody = Type.Object(
  {
    token,
    email: RegisterBody.properties.email,
    password: RegisterBody.properties.password,
    name: RegisterBody.properties.name,
  },
  { additionalProperties: false },
);

const tags = ['Sign in'];
const accountOf = (request: FastifyRequest): string => principalOf(request).accountId ?? '';

/** A person's own sessions. */
export function sessionRoutes(app: FastifyInstance, { auth }: Services): void {
  app.get(
    '/auth/sessions',
    {
      config: { access: accountAccess },
      schema: {
        tags,
        summary: 'List my sessions',
        response: { 200: Type.Object({ items: Type.Array(SessionSchema) }) },
      },
    },
    async (request) => {
      const sessions = await auth.sessions.list(accountOf(request));
      return {
        items: sessions.map((session) => ({
          id: session.id,
          current: session.id === principalOf(request).sessionId,
          ip: session.ip ?? null,
          userAgent: session.userAgent ?? null,
          createdAt: session.createdAt.toISOString(),
          lastSeenAt: session.lastSeenAt.toISOString(),
          expiresAt: session.expiresAt.toISOString(),
        })),
      };
    },
  );

  app.delete(
    '/auth/sessions/:id',
    {
      config: { access: accountAccess },
      schema: {
        tags,
        summary: 'End one of my sessions',
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await auth.sessions.end(accountOf(request), (request.params as { id: string }).id);
      return reply.code(204).send();
    },
  );
}

/** Joining a tenant by invitation. */
export function invitationRoutes(app: FastifyInstance, { auth, tenancy }: Services): void {
  const checkAccept = bodyCheck(AcceptBody);
  const checkJoin = bodyCheck(JoinBody);

  app.post(
    '/auth/invitations/accept',
    {
      config: { access: accountAccess },
      schema: { tags, summary: 'Join a tenant with my account', body: AcceptBody, response: { 200: MembershipSchema } },
    },
    async (request) => tenancy.invitations.accept(checkAccept(request.body).token, accountOf(request)),
  );

  app.post(
    '/auth/invitations/join',
    {
      config: { access: publicAccess },
      schema: {
        tags,
        summary: 'Join a tenant with a new account',
        description: 'For invited people without an account, also where registration is closed.',
        body: JoinBody,
        response: { 201: Type.Object({ account: AccountSchema, membership: MembershipSchema }) },
      },
    },
    async (request, reply) => {
      const { token: invitation, ...input } = checkJoin(request.body);
      await tenancy.invitations.assertOpen(invitation);
      const account = await auth.register(input);
      const membership = await tenancy.invitations.accept(invitation, account.id);
      reply.code(201);
      return { account: toAccount(account), membership };
    },
  );
}

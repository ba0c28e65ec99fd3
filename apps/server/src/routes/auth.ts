import type { FastifyInstance } from 'fastify';
import { isCodedError } from '@tenon/core';
import { parseNewUser } from '@tenon/tenancy';
import { Type } from 'typebox';
import { serverError } from '../errors.ts';
import { accountAccess, principalOf, publicAccess } from '../http/access.ts';
import { bodyCheck } from '../http/check-body.ts';
import { inputInvalid } from '../http/problem.ts';
import { clearRefreshCookie, createOriginCheck } from '../http/refresh-cookie.ts';
import type { Services } from '../services.ts';
import type { Settings } from '../settings/settings.ts';
import {
  AccountSchema,
  ChangePasswordBody,
  LoginBody,
  Me,
  RefreshBody,
  RegisterBody,
  toAccount,
  Tokens,
} from './auth-schemas.ts';
import { answerSignedIn, clientOf, refreshTokenOf } from './sign-in-answers.ts';

const tags = ['Sign in'];

/** Making an account, where the settings allow it. */
export function registrationRoutes(app: FastifyInstance, { auth, tenancy }: Services, settings: Settings): void {
  const checkRegister = bodyCheck(RegisterBody);

  app.post(
    '/auth/register',
    {
      config: { access: publicAccess },
      schema: {
        tags,
        summary: 'Register',
        description: 'Makes an account and a tenant that it owns. Only where TENON_REGISTRATION is `open`.',
        body: RegisterBody,
        response: { 201: AccountSchema },
      },
    },
    async (request, reply) => {
      if (settings.registration === 'closed') {
        throw serverError('REGISTRATION_CLOSED', 'this server takes no registrations; ask its owner for an invitation');
      }
      const { tenantName, ...input } = checkRegister(request.body);
      // An account whose owner could be no person of a tenant must not be left behind.
      const person = parseNewUser({ email: input.email, name: input.name });
      if (!person.ok) throw inputInvalid(person.error);
      const account = await auth.register(input);
      await tenancy.tenants.create({
        name: tenantName ?? account.name,
        owner: { accountId: account.id, email: account.email, name: account.name },
      });
      reply.code(201).header('location', '/auth/me');
      return toAccount(account);
    },
  );
}

/** Signing in, and going on with a refresh token. */
export function signInRoutes(app: FastifyInstance, { auth }: Services, settings: Settings): void {
  const checkOrigin = createOriginCheck(settings.corsOrigins);
  const checkLogin = bodyCheck(LoginBody);

  app.post(
    '/auth/login',
    {
      config: { access: publicAccess },
      schema: {
        tags,
        summary: 'Sign in',
        description:
          'Opens a session. With `"mode": "cookie"` the refresh token is set as an HttpOnly cookie and not shown to scripts.',
        body: LoginBody,
        response: { 200: Tokens },
      },
    },
    async (request, reply) => {
      const { mode = 'body', ...input } = checkLogin(request.body);
      if (mode === 'cookie') checkOrigin(request);
      return answerSignedIn(reply, await auth.signIn({ ...input, ...clientOf(request) }), mode);
    },
  );

  app.post(
    '/auth/refresh',
    {
      config: { access: publicAccess },
      schema: {
        tags,
        summary: 'Refresh',
        description: 'Exchanges a refresh token for its successor and a new access token. Each token works once.',
        body: Type.Optional(RefreshBody),
        response: { 200: Tokens },
      },
    },
    async (request, reply) => {
      const { token, mode } = refreshTokenOf(request, checkOrigin);
      return answerSignedIn(reply, await auth.refresh(token, clientOf(request)), mode);
    },
  );
}

/** Signing out, here or everywhere. */
export function signOutRoutes(app: FastifyInstance, { auth }: Services, settings: Settings): void {
  const checkOrigin = createOriginCheck(settings.corsOrigins);

  app.post(
    '/auth/logout',
    {
      config: { access: publicAccess },
      schema: {
        tags,
        summary: 'Sign out',
        description:
          'Ends the session of the refresh token, and with it its access tokens. Unknown tokens are no error.',
        body: Type.Optional(RefreshBody),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { token } = refreshTokenOf(request, checkOrigin);
      await auth.signOutByRefreshToken(token);
      clearRefreshCookie(reply);
      return reply.code(204).send();
    },
  );

  app.post(
    '/auth/logout-all',
    {
      config: { access: accountAccess },
      schema: { tags, summary: 'Sign out everywhere', response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      await auth.signOutAll(principalOf(request).accountId ?? '');
      clearRefreshCookie(reply);
      return reply.code(204).send();
    },
  );
}

/** Who the caller is, and the password. */
export function meRoutes(app: FastifyInstance, { auth, tenancy }: Services): void {
  const checkChange = bodyCheck(ChangePasswordBody);

  app.get(
    '/auth/me',
    {
      config: { access: accountAccess },
      schema: { tags, summary: 'Who am I', response: { 200: Me } },
    },
    async (request) => {
      const principal = principalOf(request);
      const account = await auth.accounts.get(principal.accountId ?? '');
      if (account === undefined) throw serverError('SIGN_IN_REQUIRED', 'the account does not exist any more');
      const memberships = await tenancy.membershipsOf(account.id);
      return {
        account: toAccount(account),
        tenant: principal.tenant ?? null,
        userId: principal.userId ?? null,
        role: principal.role ?? null,
        scopes: [...principal.scopes],
        tenants: memberships.map(({ tenantId, tenantName, role }) => ({ id: tenantId, name: tenantName, role })),
      };
    },
  );

  app.post(
    '/auth/password',
    {
      config: { access: accountAccess },
      schema: {
        tags,
        summary: 'Change the password',
        description: 'Ends all other sessions of the account.',
        body: ChangePasswordBody,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { accountId = '', sessionId } = principalOf(request);
      const input = {
        ...checkChange(request.body),
        ...clientOf(request),
        accountId,
        ...(sessionId === undefined ? {} : { keepSessionId: sessionId }),
      };
      await auth.changePassword(input).catch((error: unknown) => {
        if (!isCodedError(error, 'AUTH_CREDENTIALS_INVALID')) throw error;
        // A 401 would tell the caller that its access token has ended.
        throw inputInvalid([{ path: '/currentPassword', code: 'wrong', message: 'is not the current password' }]);
      });
      return reply.code(204).send();
    },
  );
}

/** The keys with which others can check access tokens. */
export function signingKeyRoutes(app: FastifyInstance, { auth }: Services): void {
  app.get(
    '/.well-known/jwks.json',
    {
      config: { access: publicAccess },
      schema: {
        tags,
        summary: 'Public keys of access tokens',
        response: { 200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.String())) }) },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=300');
      return auth.jwks();
    },
  );
}

import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { CodedError, isTenantId, runInContext, type Actor, type Context, type CoreErrorCode } from '@tenon/core';
import { serverError } from '../errors.ts';
import { inRequestSpan } from './request-span.ts';
import type { Role, Scope } from '../roles.ts';

/**
 * What a route asks of its caller. Every route declares it, or the server refuses to start.
 *
 * - `public`: nothing
 * - `account`: a signed-in person, in no particular tenant
 * - `scope`: a person or an API key that holds the scope in the request's tenant
 */
export type Access =
  | { readonly kind: 'public' }
  | { readonly kind: 'account' }
  | { readonly kind: 'scope'; readonly scope: Scope };

/** Anybody may call the route. */
export const publicAccess: Access = { kind: 'public' };
/** Only signed-in people may call the route. */
export const accountAccess: Access = { kind: 'account' };
/** Only callers that hold the scope in the request's tenant may call the route. */
export const requires = (scope: Scope): Access => ({ kind: 'scope', scope });

/** Who calls, once verified. */
export interface Principal {
  readonly actor: Actor;
  /** The signed-in account and its session; absent for an API key. */
  readonly accountId?: string;
  readonly sessionId?: string;
  /** The tenants that the token lists. */
  readonly tenants: readonly string[];
  /** The tenant chosen for this request, when there is one. */
  readonly tenant?: string;
  /** The person in that tenant. */
  readonly userId?: string;
  readonly role?: Role;
  readonly scopes: ReadonlySet<string>;
}

/** Verifies credentials. It never trusts a header to say who or where somebody is. */
export interface Authenticator {
  /**
   * @param bearer - what followed `Bearer ` in the Authorization header
   * @param wantedTenant - the `X-Tenant-ID` header: it may choose among the caller's tenants, nothing else
   * @throws a coded error when the credentials do not hold, or `TENANT_NOT_ALLOWED`
   */
  authenticate(bearer: string, wantedTenant: string | undefined, request: FastifyRequest): Promise<Principal>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    principal: Principal | undefined;
  }
}

/** Makes every route of an app declare its access, checks it before the body is read, and runs the handler in its context. */
export function guardRoutes(
  app: FastifyInstance,
  authenticator: Authenticator,
  publicPrefixes: readonly string[],
  options: { readonly isTraced: boolean },
): void {
  app.decorateRequest('principal', undefined);

  app.addHook('onRoute', (route: RouteOptions) => {
    if (publicPrefixes.some((prefix) => route.url === prefix || route.url.startsWith(`${prefix}/`))) {
      route.config = { access: publicAccess, ...route.config };
    }
    if (route.config?.access === undefined) {
      throw serverError('ACCESS_UNDECLARED', `route ${String(route.method)} ${route.url} declares no access`);
    }
    const handler = route.handler;
    // Here and not in a hook: body parsing ends in the socket's own asynchronous context and would lose it.
    route.handler = function inContext(request, reply) {
      const work = (): unknown => handler.call(this, request, reply);
      return runInContext(contextOf(request, disconnectSignal(reply)), () =>
        options.isTraced ? inRequestSpan(request, reply, work) : work(),
      );
    };
  });

  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config.access;
    if (access === undefined || access.kind === 'public') return;
    const principal = await authenticator.authenticate(bearerOf(request), wantedTenantOf(request), request);
    request.principal = principal;
    if (access.kind === 'account') {
      if (principal.accountId === undefined) {
        throw serverError('PERMISSION_DENIED', 'this is for signed-in people; an API key cannot do it');
      }
      return;
    }
    if (principal.tenant === undefined) {
      throw new CodedError<CoreErrorCode>('TENANT_REQUIRED', 'this needs a tenant, and your account is in none');
    }
    if (!principal.scopes.has(access.scope)) {
      throw serverError('PERMISSION_DENIED', `this needs the permission "${access.scope}" in this tenant`, {
        details: { scope: access.scope },
      });
    }
  });
}

/** The verified caller of a route that is not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw serverError('SIGN_IN_REQUIRED', 'sign in first');
  return request.principal;
}

// Fastify's own request signal fires as soon as a body has been read to its end, which is no reason to stop.
function disconnectSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client closed the connection'));
  });
  return controller.signal;
}

function contextOf(request: FastifyRequest, signal: AbortSignal): Context {
  const { principal } = request;
  return {
    requestId: request.id,
    signal,
    traceparent: request.trace.traceparent,
    ...(principal === undefined ? {} : { actor: principal.actor }),
    ...(principal?.tenant === undefined ? {} : { tenant: principal.tenant }),
  };
}

function bearerOf(request: FastifyRequest): string {
  const match = /^Bearer +([\w.~+/=-]{1,8192})$/i.exec(request.headers.authorization ?? '');
  if (match?.[1] === undefined) {
    throw serverError('SIGN_IN_REQUIRED', 'this needs an access token or an API key: Authorization: Bearer ...');
  }
  return match[1];
}

function wantedTenantOf(request: FastifyRequest): string | undefined {
  const header = request.headers['x-tenant-id'];
  if (header === undefined) return undefined;
  // Node joins a repeated header with ", ", which is no tenant id either.
  if (typeof header !== 'string' || !isTenantId(header)) {
    throw serverError('REQUEST_MALFORMED', 'X-Tenant-ID must be given once and be a tenant id');
  }
  return header;
}

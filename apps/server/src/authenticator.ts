import type { FastifyRequest } from 'fastify';
import type { Actor } from '@tenon/core';
import { serverError } from './errors.ts';
import type { Authenticator, Principal } from './http/access.ts';
import { scopesByRole } from './roles.ts';
import type { Services } from './services.ts';

/**
 * Verifies access tokens and API keys. What somebody may do is looked up in the tenant at each request (a cache remembers it
 * for a second), so a role that was taken away is gone at once; the token only sets the upper bound.
 */
export function createAuthenticator({ auth, tenancy }: Pick<Services, 'auth' | 'tenancy'>): Authenticator {
  const refuse = async (
    actor: Pick<Actor, 'type' | 'id'>,
    tenant: string | undefined,
    wanted: string,
    request: FastifyRequest,
  ): Promise<never> => {
    await tenancy.securityEvents.record({
      type: 'tenant.mismatch',
      actor,
      ...(tenant === undefined ? {} : { tenantId: tenant }),
      otherTenantId: wanted,
      requestId: request.id,
      resource: request.routeOptions.url ?? '',
    });
    throw serverError('TENANT_NOT_ALLOWED', 'X-Tenant-ID names a tenant that these credentials do not give access to');
  };

  const person = async (token: string, wanted: string | undefined, request: FastifyRequest): Promise<Principal> => {
    const claims = await auth.verifyAccessToken(token);
    const { accountId, sessionId, tenants } = claims;
    if (wanted !== undefined && !tenants.includes(wanted)) {
      return refuse({ type: 'user', id: accountId }, claims.tenant, wanted, request);
    }
    const tenant = wanted ?? claims.tenant;
    const base = { accountId, sessionId, tenants };
    const membership = tenant === undefined ? undefined : await tenancy.membership(accountId, tenant);
    if (tenant === undefined || membership === undefined) {
      return { ...base, actor: { type: 'user', id: accountId, scopes: [] }, scopes: new Set() };
    }
    const granted = scopesByRole[membership.role];
    // The token's scopes are those of its own tenant; for another one that the header chose, the role there decides.
    const scopes = tenant === claims.tenant ? granted.filter((scope) => claims.scopes.includes(scope)) : granted;
    return {
      ...base,
      actor: { type: 'user', id: accountId, scopes },
      tenant,
      userId: membership.userId,
      role: membership.role,
      scopes: new Set(scopes),
    };
  };

  const machine = async (key: string, wanted: string | undefined, request: FastifyRequest): Promise<Principal> => {
    const claims = await auth.apiKeys.verify(key);
    if (wanted !== undefined && wanted !== claims.tenantId) {
      return refuse({ type: 'api-key', id: claims.keyId }, claims.tenantId, wanted, request);
    }
    if (!(await tenancy.tenants.isActive(claims.tenantId))) {
      throw serverError('TENANT_NOT_ALLOWED', 'the tenant of this API key is suspended');
    }
    return {
      actor: { type: 'api-key', id: claims.keyId, scopes: claims.scopes },
      tenants: [claims.tenantId],
      tenant: claims.tenantId,
      scopes: new Set(claims.scopes),
    };
  };

  return {
    authenticate: (bearer, wanted, request) =>
      bearer.startsWith('tnk_') ? machine(bearer, wanted, request) : person(bearer, wanted, request),
  };
}

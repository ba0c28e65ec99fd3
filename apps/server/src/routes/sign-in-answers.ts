import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ClientDetails, SignedIn } from '@tenon/auth';
import { serverError } from '../errors.ts';
import { bodyCheck } from '../http/check-body.ts';
import { refreshCookieOf, setRefreshCookie } from '../http/refresh-cookie.ts';
import { RefreshBody } from './auth-schemas.ts';

/** Where the refresh token travels. */
export type TokenMode = 'body' | 'cookie';

const checkRefresh = bodyCheck(RefreshBody);

/** Where a request came from, as far as the settings trust it. */
export function clientOf(request: FastifyRequest): ClientDetails {
  const userAgent = request.headers['user-agent'];
  return { ip: request.ip, ...(userAgent === undefined ? {} : { userAgent }) };
}

/** Answers with the tokens of a session; in cookie mode the refresh token goes where scripts cannot read it. */
export function answerSignedIn(reply: FastifyReply, signedIn: SignedIn, mode: TokenMode) {
  if (mode === 'cookie') setRefreshCookie(reply, signedIn.refreshToken.reveal(), signedIn.refreshExpiresAt);
  reply.header('cache-control', 'no-store');
  return {
    accessToken: signedIn.accessToken.reveal(),
    tokenType: 'Bearer' as const,
    accessExpiresAt: signedIn.accessExpiresAt.toISOString(),
    ...(mode === 'cookie' ? {} : { refreshToken: signedIn.refreshToken.reveal() }),
    refreshExpiresAt: signedIn.refreshExpiresAt.toISOString(),
    tenant: signedIn.tenant ?? null,
    tenants: signedIn.tenants.map(({ tenantId, role }) => ({ id: tenantId, role })),
  };
}

/**
 * The refresh token of the body, or of the cookie once `checkOrigin` has made sure that the page is ours.
 *
 * @throws `SIGN_IN_REQUIRED` when there is none
 */
export function refreshTokenOf(
  request: FastifyRequest,
  checkOrigin: (request: FastifyRequest) => void,
): { readonly token: string; readonly mode: TokenMode } {
  const body = request.body === undefined ? {} : checkRefresh(request.body);
  if (body.refreshToken !== undefined) return { token: body.refreshToken, mode: 'body' };
  const cookie = refreshCookieOf(request);
  if (cookie === undefined) {
    throw serverError('SIGN_IN_REQUIRED', 'send the refresh token, as "refreshToken" in the body or in its cookie');
  }
  checkOrigin(request);
  return { token: cookie, mode: 'cookie' };
}

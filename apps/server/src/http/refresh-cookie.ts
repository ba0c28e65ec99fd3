import type { FastifyReply, FastifyRequest } from 'fastify';
import { serverError } from '../errors.ts';

/** `__Host-` binds the cookie to this very host, to HTTPS and to the path `/` (RFC 6265bis, section 4.1.3.2). */
const REFRESH_COOKIE = '__Host-tenon_refresh';

const attributes = { httpOnly: true, secure: true, sameSite: 'strict', path: '/' } as const;

/** Puts the refresh token where no script can read it. */
export function setRefreshCookie(reply: FastifyReply, token: string, expires: Date): void {
  reply.setCookie(REFRESH_COOKIE, token, { ...attributes, expires });
}

/** Takes the cookie back. */
export function clearRefreshCookie(reply: FastifyReply): void {
  reply.clearCookie(REFRESH_COOKIE, attributes);
}

/** The refresh token of a browser, when it sent one. */
export function refreshCookieOf(request: FastifyRequest): string | undefined {
  return request.cookies[REFRESH_COOKIE];
}

/**
 * Makes the check that a request which rides on a cookie comes from a page of ours. `SameSite=Strict` stops most forgery; this
 * stops the rest (a sibling subdomain, an old browser), as the OWASP sheet on cross-site request forgery asks.
 *
 * @param allowedOrigins - web origins besides the server's own
 * @throws (the check) `CSRF_REFUSED`
 */
export function createOriginCheck(allowedOrigins: readonly string[]): (request: FastifyRequest) => void {
  return (request) => {
    const origin = request.headers.origin;
    const own = `${request.protocol}://${request.host}`;
    const site = request.headers['sec-fetch-site'];
    // A browser that sends neither header is too old to be trusted with a cookie.
    const trusted = origin === undefined ? site === 'same-origin' : origin === own || allowedOrigins.includes(origin);
    if (trusted && (site !== 'cross-site' || allowedOrigins.includes(origin ?? ''))) return;
    throw serverError(
      'CSRF_REFUSED',
      'a request with the session cookie must come from a page of this server, or of TENON_CORS_ORIGINS',
    );
  };
}

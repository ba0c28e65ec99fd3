import type { Secret } from '@tenon/core';
import type { AuthParts } from '../auth-parts.ts';
import { authError } from '../errors.ts';
import type { AccessClaims } from './access-claims.ts';

/** Finds out who sends an access token, and that its session lives. */
export async function verifyAccessToken(parts: AuthParts, token: Secret | string): Promise<AccessClaims> {
  const claims = await parts.accessTokens.read(token);
  if (claims !== undefined) {
    const session = await parts.liveSessions.get(claims.sessionId);
    const lives = session !== undefined && parts.config.clock.now() < session.expiresAtMs;
    if (lives && session.accountId === claims.accountId) return claims;
  }
  throw authError('AUTH_TOKEN_INVALID', 'the access token is not valid, has expired, or its session has ended');
}

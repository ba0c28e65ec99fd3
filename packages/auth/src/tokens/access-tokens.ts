import { hash, type KeyObject } from 'node:crypto';
import { isCodedError, isSecret, Secret } from '@tenon/core';
import { errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import type { AuthConfig } from '../resolve-options.ts';
import { CLOCK_SKEW_MS, type AccessClaims } from './access-claims.ts';
import type { SigningKeys } from './signing-keys.ts';

/** What an access token is to say. */
export interface AccessGrant {
  readonly accountId: string;
  readonly sessionId: string;
  readonly tenant: string | undefined;
  readonly tenants: readonly string[];
  readonly scopes: readonly string[];
  /** The token ends with its session at the latest. Epoch milliseconds. */
  readonly sessionExpiresAtMs: number;
}

/** Writes and reads access tokens (RFC 9068). */
export interface AccessTokens {
  issue(grant: AccessGrant): Promise<{ readonly token: Secret; readonly expiresAt: Date }>;
  /** What a valid token says; `undefined` for any other text. Whether the session still lives is not looked at. */
  read(token: Secret | string): Promise<AccessClaims | undefined>;
}

const ALGORITHM = 'EdDSA';
const TYPE = 'at+jwt';
const MAX_TEXT = 16_384;
const MAX_REMEMBERED = 10_000;
const REQUIRED = ['iss', 'aud', 'sub', 'jti', 'sid', 'iat', 'nbf', 'exp', 'tenants', 'scope'];

/** Makes the codec. Verified tokens are remembered by their hash: a signature costs a hundred times a look. */
export function createAccessTokens(keys: SigningKeys, config: AuthConfig): AccessTokens {
  const verified = new LRUCache<string, AccessClaims>({ max: MAX_REMEMBERED });

  const verify = async (text: string): Promise<AccessClaims | undefined> => {
    try {
      // The key comes from our own table alone: a jwk, jku or x5u that a token brings along is not even looked at.
      const { payload } = await jwtVerify(text, async ({ kid }) => requireKey(keys, kid), {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: config.issuer,
        audience: config.audience,
        requiredClaims: REQUIRED,
        clockTolerance: CLOCK_SKEW_MS / 1_000,
        currentDate: new Date(config.clock.now()),
      });
      return toClaims(payload);
    } catch (error) {
      // A database that is down is no reason to tell people that they are signed out.
      if (isCodedError(error)) throw error;
      config.logger.debug({ reason: reasonOf(error) }, 'an access token was refused');
      return undefined;
    }
  };

  return {
    issue: (grant) => issueToken(grant, keys, config),
    async read(token) {
      const text = isSecret(token) ? token.reveal() : token;
      if (typeof text !== 'string' || text.length > MAX_TEXT) return undefined;
      const name = hash('sha256', text, 'base64url');
      let claims = verified.get(name);
      if (claims === undefined) {
        claims = await verify(text);
        if (claims !== undefined) verified.set(name, claims);
      }
      if (claims === undefined || config.clock.now() < claims.expiresAtMs + CLOCK_SKEW_MS) return claims;
      verified.delete(name);
      return undefined;
    },
  };
}

async function issueToken(
  grant: AccessGrant,
  keys: SigningKeys,
  config: AuthConfig,
): Promise<{ token: Secret; expiresAt: Date }> {
  const { kid, privateKey } = await keys.current();
  const nowMs = config.clock.now();
  const issuedAt = Math.floor(nowMs / 1_000);
  const expiresAt = Math.floor(Math.min(nowMs + config.accessTokenTtlMs, grant.sessionExpiresAtMs) / 1_000);
  const token = await new SignJWT({
    sid: grant.sessionId,
    ...(grant.tenant === undefined ? {} : { tenant: grant.tenant }),
    tenants: grant.tenants,
    scope: grant.scopes.join(' '),
  })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
    .setIssuer(config.issuer)
    .setAudience(config.audience)
    .setSubject(grant.accountId)
    .setJti(config.newId())
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(privateKey);
  return { token: new Secret(token), expiresAt: new Date(expiresAt * 1_000) };
}

async function requireKey(keys: SigningKeys, kid: unknown): Promise<KeyObject> {
  const key = typeof kid === 'string' ? await keys.find(kid) : undefined;
  if (key === undefined) throw new errors.JWKSNoMatchingKey();
  return key;
}

// The signature is ours, so the claims are as we write them; a token of another program under the same key is not.
function toClaims(payload: JWTPayload): AccessClaims | undefined {
  const { sub, jti, iat, exp, sid, tenant, tenants, scope } = payload as Readonly<Record<string, unknown>>;
  if (typeof sub !== 'string' || typeof jti !== 'string' || typeof sid !== 'string') return undefined;
  if (typeof iat !== 'number' || typeof exp !== 'number' || typeof scope !== 'string') return undefined;
  if (!Array.isArray(tenants) || !tenants.every((one): one is string => typeof one === 'string')) return undefined;
  if (tenant !== undefined && (typeof tenant !== 'string' || !tenants.includes(tenant))) return undefined;
  return Object.freeze({
    accountId: sub,
    sessionId: sid,
    tokenId: jti,
    tenant,
    tenants: Object.freeze(tenants),
    scopes: Object.freeze(scope === '' ? [] : scope.split(' ')),
    issuedAtMs: iat * 1_000,
    expiresAtMs: exp * 1_000,
  });
}

// The code alone: jose's errors carry the payload.
function reasonOf(error: unknown): string {
  return error instanceof errors.JOSEError ? error.code : 'UNREADABLE';
}

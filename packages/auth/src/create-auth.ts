import { setAccountStatus } from './accounts/account-status.ts';
import { createAccounts } from './accounts/accounts.ts';
import { changePassword, setPassword } from './accounts/change-password.ts';
import { register } from './accounts/register.ts';
import { signIn } from './accounts/sign-in.ts';
import { createApiKeys } from './api-keys/api-keys.ts';
import { findLiveApiKeys } from './api-keys/verify-api-key.ts';
import type { AuthParts } from './auth-parts.ts';
import type { Auth } from './auth.ts';
import { createCheckCache } from './check-cache.ts';
import { createOperationGate } from './operation-gate.ts';
import type { AuthOptions } from './options.ts';
import { readCommonPasswords } from './passwords/common-passwords.ts';
import { createPasswordHasher } from './passwords/password-hasher.ts';
import { purge } from './purge.ts';
import { resolveAuthOptions } from './resolve-options.ts';
import { createSecurityEvents } from './security-events.ts';
import { endSessionsNow } from './sessions/end-sessions.ts';
import { findLiveSession } from './sessions/live-session.ts';
import { createRefreshTokens } from './sessions/refresh-token.ts';
import { refresh } from './sessions/refresh.ts';
import { createSessions } from './sessions/sessions.ts';
import type { AuthTables } from './tables.ts';
import { createSignInThrottle } from './throttle/sign-in-throttle.ts';
import { createAccessTokens } from './tokens/access-tokens.ts';
import { SigningKeys } from './tokens/signing-keys.ts';
import { verifyAccessToken } from './tokens/verify-access-token.ts';

const MAX_REMEMBERED_SESSIONS = 50_000;
const MAX_REMEMBERED_API_KEYS = 10_000;

/**
 * Makes the service that signs people and machines in. Nothing is reached until the first call.
 *
 * @throws `AUTH_OPTIONS_INVALID` naming the option
 * @example
 * ```ts
 * await database.migrate([authMigrations()]);
 * const memberships = async (accountId: string) => [{ tenantId: 'acme', role: 'owner', scopes: ['orders:write'] }];
 * const auth = createAuth({ database, keys, kv, memberships, issuer: url, audience: url });
 * const { id } = await auth.register({ email: 'ann@example.org', password, name: 'Ann' });
 * const { accessToken, refreshToken } = await auth.signIn({ email: 'ann@example.org', password, ip });
 * const { accountId, tenant, scopes } = await auth.verifyAccessToken(accessToken);
 * ```
 */
export function createAuth(options: AuthOptions): Auth {
  const parts = createParts(options);
  const gate = createOperationGate();
  let closing: Promise<void> | undefined;
  return Object.freeze({
    ...gate.guard(createOperations(parts)),
    accounts: gate.guard(createAccounts(parts.database)),
    sessions: gate.guard(createSessions(parts)),
    apiKeys: gate.guard(createApiKeys(parts)),
    statistics: () => Object.freeze(parts.hasher.statistics()),
    close() {
      closing ??= (async () => {
        gate.shut();
        parts.hasher.close();
        await gate.idle();
        await parts.events.drain();
      })();
      return closing;
    },
  });
}

type Operations = Omit<Auth, 'accounts' | 'sessions' | 'apiKeys' | 'statistics' | 'close'>;

function createOperations(parts: AuthParts): Operations {
  return {
    register: (input) => register(parts, input),
    signIn: (input) => signIn(parts, input),
    refresh: (token, client = {}) => refresh(parts, token, client),
    signOut: async (sessionId) => void (await endSessionsNow(parts, 'signed-out', { sessionId })),
    async signOutByRefreshToken(token) {
      const claim = parts.refreshTokens.read(token);
      if (claim !== undefined) await endSessionsNow(parts, 'signed-out', { sessionId: claim.sessionId });
    },
    signOutAll: async (accountId) => (await endSessionsNow(parts, 'signed-out-everywhere', { accountId })).length,
    changePassword: (input) => changePassword(parts, input),
    setPassword: (accountId, newPassword) => setPassword(parts, accountId, newPassword),
    disableAccount: (accountId) => setAccountStatus(parts, accountId, 'disabled'),
    enableAccount: (accountId) => setAccountStatus(parts, accountId, 'active'),
    verifyAccessToken: (token) => verifyAccessToken(parts, token),
    jwks: async () => ({ keys: await parts.signingKeys.published() }),
    async rotateSigningKey() {
      const kid = await parts.signingKeys.rotate();
      parts.events.emit({ type: 'signing-key.rotated', details: { kid } });
      return { kid };
    },
    purge: () => purge(parts),
  };
}

function createParts(options: AuthOptions): AuthParts {
  const config = resolveAuthOptions(options);
  const { clock } = config;
  const database = options.database.withTables<AuthTables>();
  const signingKeys = new SigningKeys(database, options.keys.subring('auth/signing-keys'), config);
  return {
    config,
    database,
    memberships: options.memberships,
    commonPasswords: options.breachedPasswords ?? readCommonPasswords(),
    events: createSecurityEvents(clock, config.logger, options.onSecurityEvent),
    hasher: createPasswordHasher({
      clock,
      cost: config.bcryptCost,
      concurrency: config.hashConcurrency,
      queueMax: config.hashQueueMax,
    }),
    throttle: createSignInThrottle(options.kv, config),
    signingKeys,
    accessTokens: createAccessTokens(signingKeys, config),
    refreshTokens: createRefreshTokens(options.keys.subring('auth/refresh-tokens')),
    liveSessions: createCheckCache({
      clock,
      ttlMs: config.sessionCheckTtlMs,
      max: MAX_REMEMBERED_SESSIONS,
      load: (sessionId) => findLiveSession(database, sessionId),
    }),
    liveApiKeys: createCheckCache({
      clock,
      ttlMs: config.sessionCheckTtlMs,
      max: MAX_REMEMBERED_API_KEYS,
      load: (prefix) => findLiveApiKeys(database, prefix),
    }),
  };
}

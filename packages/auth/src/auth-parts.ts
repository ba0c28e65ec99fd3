import type { Database } from '@tenon/database';
import type { LiveApiKey } from './api-keys/verify-api-key.ts';
import type { CheckCache } from './check-cache.ts';
import type { AuthOptions } from './options.ts';
import type { PasswordHasher } from './passwords/password-hasher.ts';
import type { AuthConfig } from './resolve-options.ts';
import type { SecurityEvents } from './security-events.ts';
import type { LiveSession } from './sessions/live-session.ts';
import type { RefreshTokens } from './sessions/refresh-token.ts';
import type { AuthTables } from './tables.ts';
import type { SignInThrottle } from './throttle/sign-in-throttle.ts';
import type { AccessTokens } from './tokens/access-tokens.ts';
import type { SigningKeys } from './tokens/signing-keys.ts';

/** What the operations of this package work with. */
export interface AuthParts {
  readonly config: AuthConfig;
  readonly database: Database<AuthTables>;
  readonly memberships: AuthOptions['memberships'];
  readonly commonPasswords: ReadonlySet<string>;
  readonly events: SecurityEvents;
  readonly hasher: PasswordHasher;
  readonly throttle: SignInThrottle;
  readonly signingKeys: SigningKeys;
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  /** By session id. */
  readonly liveSessions: CheckCache<LiveSession | undefined>;
  /** By prefix. */
  readonly liveApiKeys: CheckCache<readonly LiveApiKey[]>;
}

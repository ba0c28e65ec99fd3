import type { Clock, Logger } from '@tenon/core';
import type { KeyRing } from '@tenon/crypto';
import type { Database } from '@tenon/database';
import type { KeyValueStore } from '@tenon/kv';
import type { AuthSecurityEvent } from './security-event.ts';

/** One tenant that an account may work in. */
export interface TenantMembership {
  readonly tenantId: string;
  readonly role: string;
  /** What the role allows, for example `orders:write`. */
  readonly scopes: readonly string[];
}

/** How failed sign-ins slow the next ones down. */
export interface ThrottleOptions {
  /** Failures of one account before it must wait, 1 to 1,000. Default 5. */
  readonly accountFreeAttempts?: number;
  /** Failures from one address before it must wait, 1 to 100,000. Default 50. */
  readonly addressFreeAttempts?: number;
  /** The first wait, in milliseconds, 100 to 60,000; each further failure doubles it. Default 1,000. */
  readonly baseDelayMs?: number;
  /** The longest wait, in milliseconds, up to 86,400,000. Default 900,000 (15 minutes). */
  readonly maxDelayMs?: number;
  /** After how long without a failure all is forgotten, in milliseconds, up to 604,800,000. Default 3,600,000 (1 hour). */
  readonly forgetAfterMs?: number;
}

/** What {@link createAuth} takes. */
export interface AuthOptions {
  /** With {@link authMigrations} applied. */
  readonly database: Database;
  /** Seals signing keys and signs refresh tokens, through subrings of its own. */
  readonly keys: KeyRing;
  /** Counts failed sign-ins. Shared by all processes, or each counts for itself. */
  readonly kv: KeyValueStore;
  /** The tenants of an account, in the order in which the first is the default. Called outside of any transaction. */
  readonly memberships: (accountId: string) => Promise<readonly TenantMembership[]>;
  /** `iss` of access tokens: the server's public URL. */
  readonly issuer: string;
  /** `aud` of access tokens. */
  readonly audience: string;
  /** Told what an auditor wants to know, after it is committed and logged. A failure of it is logged and harms nothing. */
  readonly onSecurityEvent?: (event: AuthSecurityEvent) => void | Promise<void>;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: UUID version 7 from the clock. */
  readonly newId?: () => string;
  /** Default: silent. */
  readonly logger?: Logger;
  /** A number from 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number;
  /** Work factor of bcrypt, 4 to 15: each step doubles it. Below 10 is for tests alone. Default 12. */
  readonly bcryptCost?: number;
  /** Passwords hashed at once, 1 to 64; each keeps a thread of libuv's pool busy. Default 2. */
  readonly hashConcurrency?: number;
  /** Callers that may wait for a hash, 0 to 10,000; beyond it they are shed. Default 64. */
  readonly hashQueueMax?: number;
  /** Life of an access token, in milliseconds, 1,000 to 86,400,000. Default 900,000 (15 minutes). */
  readonly accessTokenTtlMs?: number;
  /** A session ends when it is not refreshed for this long, in milliseconds, from 1,000. Default 604,800,000 (7 days). */
  readonly refreshIdleMs?: number;
  /** A session ends this long after sign-in, in milliseconds, from 1,000. Default 2,592,000,000 (30 days). */
  readonly refreshAbsoluteMs?: number;
  /**
   * For how long after a refresh every earlier token of the session is answered with the successor that is out already, in
   * milliseconds, 0 to 10,000. Default 10,000. 0 is the strict mode: any reuse ends the session, a lost reply too.
   */
  readonly refreshReuseGraceMs?: number;
  /** How long this process trusts what it knows of a session or API key, in milliseconds, 0 to 60,000. Default 1,000. */
  readonly sessionCheckTtlMs?: number;
  /** Passwords that are refused, in lower case and NFC. Default: the list of this package. */
  readonly breachedPasswords?: ReadonlySet<string>;
  /** Default: as {@link ThrottleOptions} says. */
  readonly throttle?: ThrottleOptions;
}

import type { Secret } from '@tenon/core';
import type { Account } from '../accounts/account.ts';
import type { TenantMembership } from '../options.ts';

/** What a person has after signing in or refreshing. */
export interface SignedIn {
  /** Sent with each request as `Authorization: Bearer`. */
  readonly accessToken: Secret;
  readonly accessExpiresAt: Date;
  /** Good for one {@link Auth.refresh}, which gives its successor. */
  readonly refreshToken: Secret;
  /** When the refresh token ends unless it is used before. */
  readonly refreshExpiresAt: Date;
  readonly account: Account;
  readonly sessionId: string;
  /** The tenant that the access token works in. Undefined when the account is (no longer) a member of it, or of any. */
  readonly tenant: string | undefined;
  /** All tenants that the account may work in. */
  readonly tenants: readonly TenantMembership[];
}

/** Why a session ended. */
export type SessionEndReason =
  | 'signed-out'
  | 'signed-out-everywhere'
  | 'ended-by-owner'
  | 'password-changed'
  | 'account-disabled'
  | 'refresh-token-reused';

/** A session that lives: it has neither ended nor expired. */
export interface Session {
  readonly id: string;
  /** The tenant that was chosen at sign-in. */
  readonly tenant: string | undefined;
  /** Where it was last signed in or refreshed from. */
  readonly ip: string | undefined;
  readonly userAgent: string | undefined;
  readonly createdAt: Date;
  /** When it was last refreshed. */
  readonly lastSeenAt: Date;
  /** When it ends unless it is refreshed before. */
  readonly expiresAt: Date;
}

/** A person's sessions. */
export interface Sessions {
  /** The living sessions of an account, the last seen first; 1,000 at most. */
  list(accountId: string): Promise<readonly Session[]>;
  /**
   * Ends one session of an account.
   *
   * @throws `AUTH_SESSION_NOT_FOUND` when the account has no living session with this id: somebody else's looks the same
   */
  end(accountId: string, sessionId: string): Promise<void>;
}

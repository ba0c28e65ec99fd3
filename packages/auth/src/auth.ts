import type { Secret } from '@tenon/core';
import type {
  Account,
  Accounts,
  ChangePasswordInput,
  ClientDetails,
  RegisterInput,
  SignInInput,
} from './accounts/account.ts';
import type { ApiKeys } from './api-keys/api-key.ts';
import type { Sessions, SignedIn } from './sessions/session.ts';
import type { AccessClaims, PublicSigningKeys } from './tokens/access-claims.ts';

/** Password hashing at this moment, and since the start. */
export interface AuthStatistics {
  /** Hashes and comparisons that run now. */
  readonly running: number;
  /** Callers that wait for one. */
  readonly waiting: number;
  /** Comparisons finished. */
  readonly compares: number;
  /** Hashes finished. */
  readonly hashes: number;
  /** Callers refused with `AUTH_OVERLOADED`. */
  readonly shed: number;
}

/** What {@link Auth.purge} removed. */
export interface PurgeReport {
  readonly sessions: number;
  readonly signingKeys: number;
}

/** People and machines signing in. */
export interface Auth {
  /**
   * Makes an account. It belongs to no tenant yet.
   *
   * @throws `AUTH_INPUT_INVALID` with all problems in `details.problems`; `AUTH_EMAIL_TAKEN`; `AUTH_OVERLOADED`
   */
  register(input: RegisterInput): Promise<Account>;

  /**
   * Opens a session by password. An unknown address, a wrong password and a disabled account get the same answer after the
   * same work.
   *
   * @throws `AUTH_CREDENTIALS_INVALID`; `AUTH_THROTTLED` with `retryAfterMs`; `AUTH_OVERLOADED` when too many wait;
   *   `AUTH_TENANT_UNAVAILABLE` when the password is right, and the tenant asked for is not one of the account's
   */
  signIn(input: SignInInput): Promise<SignedIn>;

  /**
   * Exchanges a refresh token for its successor and a fresh access token. A repeated request, because the reply was lost or
   * two windows raced, gets the same successor; any other reuse ends the session.
   *
   * @throws `AUTH_REFRESH_INVALID` when the token is forged, expired, reused, or its session has ended;
   *   `AUTH_REFRESH_BUSY` when others kept the session busy for 5 seconds: try again, and keep the token
   */
  refresh(refreshToken: Secret | string, client?: ClientDetails): Promise<SignedIn>;

  /** Ends a session. One that has ended or never was is no error. */
  signOut(sessionId: string): Promise<void>;

  /** Ends the session of a refresh token, however old the token is; anything that is none is no error (RFC 7009). */
  signOutByRefreshToken(refreshToken: Secret | string): Promise<void>;

  /**
   * Ends all sessions of an account, for its owner or an administrator.
   *
   * @returns how many there were
   */
  signOutAll(accountId: string): Promise<number>;

  /**
   * Sets a new password for somebody who knows the old one, and ends the sessions.
   *
   * @throws `AUTH_CREDENTIALS_INVALID` when the current password is wrong or the account is disabled or unknown;
   *   `AUTH_INPUT_INVALID`; `AUTH_THROTTLED`; `AUTH_OVERLOADED`
   */
  changePassword(input: ChangePasswordInput): Promise<void>;

  /**
   * Sets a new password without the old one, and ends all sessions. For administrators and the command line.
   *
   * @throws `AUTH_ACCOUNT_NOT_FOUND`; `AUTH_INPUT_INVALID`; `AUTH_OVERLOADED`
   */
  setPassword(accountId: string, newPassword: Secret | string): Promise<void>;

  /**
   * Ends all sessions of an account and opens no more. The API keys that it made belong to their tenants, and stay.
   *
   * @throws `AUTH_ACCOUNT_NOT_FOUND`
   */
  disableAccount(accountId: string): Promise<void>;

  /** Takes {@link Auth.disableAccount} back. @throws `AUTH_ACCOUNT_NOT_FOUND` */
  enableAccount(accountId: string): Promise<void>;

  /**
   * Finds out who sends an access token, and that the session still lives.
   *
   * @throws `AUTH_TOKEN_INVALID` for every reason there is; which one is not told
   */
  verifyAccessToken(token: Secret | string): Promise<AccessClaims>;

  /** The public keys of all access tokens that may be valid, for others that verify them. */
  jwks(): Promise<PublicSigningKeys>;

  /** Signs with a new key from now on. Tokens of the old one stay valid until they expire. */
  rotateSigningKey(): Promise<{ readonly kid: string }>;

  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly apiKeys: ApiKeys;

  /** Password hashing at this moment, and since the start. */
  statistics(): AuthStatistics;

  /** Removes sessions that expired 30 days ago, and signing keys that no valid token needs. Run it once a day or so. */
  purge(): Promise<PurgeReport>;

  /** Refuses new work, and waits for security events that are being recorded. Idempotent. */
  close(): Promise<void>;
}

import type { CredentialMaterial } from '../kinds/material.ts';

/** What a refresher is given. */
export interface RefreshRequest {
  readonly tenant: string;
  readonly scope: string;
  readonly id: string;
  /** The version whose material this is. */
  readonly version: number;
  /** The material as it was stored, with what consumers never see, such as the refresh token. Keep no reference to it. */
  readonly material: Readonly<Record<string, unknown>>;
  /** Aborts when the answer would come too late to be stored. The caller's own cancellation does not reach this far. */
  readonly signal: AbortSignal;
}

/** How the provider answered. */
export type RefreshAnswer =
  | {
      readonly status: 'refreshed';
      readonly material: CredentialMaterial;
      /** When it ends. Default: what the material says itself. */
      readonly expiresAt?: Date;
    }
  /** The provider will never take this material again (`invalid_grant` of RFC 6749): a person has to sign in. */
  | { readonly status: 'rejected' }
  /** The provider certainly did nothing (it could not be reached, was overloaded): it may be asked again. */
  | { readonly status: 'not-applied'; readonly retryAfterMs?: number };

/** Renews credentials of one kind at whoever issued them. */
export interface CredentialRefresher {
  /** The name of the kind. */
  readonly kind: string;
  /**
   * Whether asking twice with the same material does no harm. Refresh tokens that are good once do: when an answer is lost, asking again
   * looks like theft to the provider. Default `false`.
   */
  readonly isReplayable?: boolean;
  /**
   * Asks the provider. What it throws, and silence, count as "nobody knows whether it was done".
   *
   * @returns `undefined` when the material holds nothing to refresh with
   */
  refresh(request: RefreshRequest): Promise<RefreshAnswer | undefined>;
}

/** The times of refreshing, in milliseconds. */
export interface RefreshOptions {
  /** How long before its end a credential is refreshed when it is used. Default 60,000. */
  readonly beforeExpiryMs?: number;
  /** How long a caller waits for the provider. What comes later is still stored. Default 8,000. */
  readonly timeoutMs?: number;
  /** How long a claim holds without a sign of life. Default 30,000; at least `timeoutMs` and two heartbeats, and three heartbeats. */
  readonly claimTtlMs?: number;
  /** How often a claim is prolonged. Default 10,000. */
  readonly heartbeatMs?: number;
  /** How long after `timeoutMs` a late answer is waited for. Default 60,000. */
  readonly lateMs?: number;
  /** How long the version before can still be retrieved. Default 300,000. */
  readonly graceMs?: number;
  /** Most refreshes of this process at a time, 1 to 1,000. Default 32. */
  readonly concurrency?: number;
}

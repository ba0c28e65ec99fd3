import type { CredentialKey } from '../identity/credential-key.ts';
import type { RotationPolicy } from '../rotation/rotation-policy.ts';

/** One version of a credential's material, sealed. Times are milliseconds since the epoch. */
export interface StoredVersion {
  /** 1 for the first material, one more for each that replaced it. Never used twice for a credential while it exists. */
  readonly version: number;
  /** What `seal` of `@tenon/crypto` gave, bound to the credential's key, kind and version. */
  readonly envelope: Uint8Array;
  /** The key that sealed it, as the envelope names it. */
  readonly keyId: string;
  readonly createdAt: number;
  /** When the material itself ends; absent: unknown or never. */
  readonly expiresAt?: number;
  /** Until when an earlier version is still handed out to who asks for it. Absent: it is history, good for going back. */
  readonly graceUntil?: number;
}

/** What the refreshing of a credential has come to, kept with it so that all processes know. Times are milliseconds since the epoch. */
export interface StoredRefresh {
  /** Why a person has to sign in again before it can be refreshed; absent: nobody has to. */
  readonly reauthorize?: 'rejected' | 'outcome-unknown' | 'nothing-to-refresh-with';
  /** Not before this moment, after a failure that was not final. */
  readonly notBefore?: number;
  /** Failures since the last success. */
  readonly failures: number;
  /** When outcomes were not known, the newest last; those of the last hour count. */
  readonly unknownAt: readonly number[];
  /** Of the last claim. One more with each: a late write under an older one is refused. */
  readonly generation: number;
  /** Who refreshes it now. Without one, nobody does. */
  readonly claim?: {
    /** UUID of one attempt. */
    readonly holder: string;
    /** Until when nobody else may, unless it is prolonged. */
    readonly expiresAt: number;
  };
}

/** A credential as storage keeps it: everything but the material in plain, the material in envelopes alone. */
export interface StoredCredential {
  readonly key: CredentialKey;
  /** The name of its kind. */
  readonly kind: string;
  /** One more with every write of the record, whatever it changed: what compare-and-set goes by. */
  readonly revision: number;
  readonly current: StoredVersion;
  /** Earlier versions, the newest first, 5 at most. */
  readonly previous: readonly StoredVersion[];
  readonly tags: Readonly<Record<string, string>>;
  readonly description?: string;
  readonly policies: readonly RotationPolicy[];
  readonly createdAt: number;
  readonly modifiedAt: number;
  /** When the material was last replaced by a rotation. */
  readonly rotatedAt?: number;
  readonly refresh?: StoredRefresh;
}

/** How many earlier versions a credential keeps. */
export const MAX_PREVIOUS = 5;

import type { CredentialKey } from '../identity/credential-key.ts';
import type { StoredCredential, StoredVersion } from './stored-credential.ts';

/** What every operation of a storage is told. */
export interface StorageCallOptions {
  /** Aborts at the vault's deadline. A driver that can stop its work should. */
  readonly signal: AbortSignal;
}

/** A version without its envelope. */
export type VersionSummary = Omit<StoredVersion, 'envelope'>;

/** A credential without any envelope: what listing reads. */
export type StoredSummary = Omit<StoredCredential, 'current' | 'previous'> & {
  readonly current: VersionSummary;
  readonly previous: readonly VersionSummary[];
};

/** Which credentials a list holds. All that is given must fit. */
export interface StorageQuery {
  readonly tenant: string;
  /** This scope and everything below it. Absent: every scope of the tenant, for an administrator. */
  readonly within?: string;
  /** Pairs that the tags must hold. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly kind?: string;
  /** Created at this moment or later. */
  readonly createdFrom?: number;
  /** Created at this moment or earlier. */
  readonly createdTo?: number;
  /** Whose current version ends before this moment. */
  readonly expiresBefore?: number;
  /** Of which some version is sealed with another key than this. */
  readonly notSealedWith?: string;
  /** Goes on behind this one. */
  readonly after?: { readonly scope: string; readonly id: string };
  /** 1 to 1,000. */
  readonly limit: number;
}

/** One page, by scope and id in the order of their UTF-8 bytes. */
export interface StoragePage {
  readonly items: readonly StoredSummary[];
  /** Whether more come behind the last. */
  readonly hasMore: boolean;
}

/** A record to write, and what must be there for that. */
export interface StoragePut {
  readonly record: StoredCredential;
  /** The revision that must be stored now; 0: there must be none. */
  readonly expectedRevision: number;
}

/**
 * Where sealed credentials are kept. A storage sees envelopes and what stands in plain beside them, never material or keys.
 *
 * Obligations of a driver:
 *
 * - **The key is tenant, scope and id together**, each compared exactly, case included. Nothing of one tenant is reached by another's key.
 * - **A write is all or nothing**, also when the process is killed in the middle: afterwards the old or the new record is there, whole.
 * - **`put` compares and sets atomically** for all users of the same data, in other processes too where the data outlives one.
 * - **What resolved can be read** by whoever asks next, and lasts as long as the driver promises.
 * - **Failures are coded**: `CREDENTIAL_STORAGE_UNAVAILABLE` (retryable: nothing was changed), `CREDENTIAL_OUTCOME_UNKNOWN` when a write may have
 *   happened, `CREDENTIAL_STORAGE_DENIED`, `CREDENTIAL_STORAGE_CORRUPT` naming the credential, `CREDENTIAL_TOO_LARGE`; anything else becomes
 *   `CREDENTIAL_STORAGE_FAILED`.
 */
export interface CredentialStorage {
  /** For messages and metrics: `memory`, `file`, `postgres`, ... */
  readonly name: string;
  /** Whether other processes may work on the same data. A cache then needs to hear of their changes. */
  readonly isShared: boolean;

  get(key: CredentialKey, options: StorageCallOptions): Promise<StoredCredential | undefined>;

  /** Resolves to `false`, changing nothing, when another revision is there. */
  put(change: StoragePut, options: StorageCallOptions): Promise<boolean>;

  /** Resolves to whether there was one. */
  delete(key: CredentialKey, options: StorageCallOptions): Promise<boolean>;

  list(query: StorageQuery, options: StorageCallOptions): Promise<StoragePage>;

  /** What the driver does for many at once faster than one by one. Absent: the vault calls the others, some at a time. */
  readonly batch?: StorageBatch;

  /** Lets go of what the driver itself opened. Idempotent. */
  close(): Promise<void>;
}

/** Operations on many credentials of one tenant, 100 at most. No key comes twice; answers are in the order of what was asked. */
export interface StorageBatch {
  get(keys: readonly CredentialKey[], options: StorageCallOptions): Promise<readonly (StoredCredential | undefined)[]>;
  /** Each for itself: those that find another revision change nothing. */
  put(changes: readonly StoragePut[], options: StorageCallOptions): Promise<readonly boolean[]>;
  delete(keys: readonly CredentialKey[], options: StorageCallOptions): Promise<readonly boolean[]>;
}

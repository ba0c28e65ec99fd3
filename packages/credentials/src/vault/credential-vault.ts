import type { AuditQuery, AuditRecord } from '../audit/audit-record.ts';
import type { CacheStatistics } from '../cache/credential-cache.ts';
import type { CredentialReference } from '../identity/credential-key.ts';
import type { CredentialMaterial } from '../kinds/material.ts';
import type { ResealOptions, ResealReport } from '../reseal/reseal.ts';
import type { RotationReport } from '../rotation/credential-rotator.ts';
import type { RotateNowOptions } from '../rotation/run-rotator.ts';
import type { RollBackOptions, RotateOptions } from '../rotation/rotate.ts';
import type { Validation } from '../validation/validate-credential.ts';
import type { BatchResult, StoreEntry } from './batch.ts';
import type { Credential, CredentialInfo } from './credential.ts';
import type { CredentialFilter, CredentialPage } from './list.ts';
import type { RetrieveOptions } from './retrieve.ts';
import type { StoreOptions } from './store.ts';

/**
 * The operations on credentials, from one point of view. All work in the context's tenant, or the one the vault was built for.
 *
 * Besides what each names, every operation throws `TENANT_REQUIRED` and `CREDENTIAL_TENANT_MISMATCH`; `CREDENTIAL_ID_INVALID`,
 * `CREDENTIAL_SCOPE_INVALID` and `CREDENTIAL_SCOPE_REQUIRED` for a reference that is none; `CREDENTIAL_STORAGE_UNAVAILABLE`,
 * `CREDENTIAL_STORAGE_DENIED`, `CREDENTIAL_STORAGE_FAILED` and `CREDENTIAL_STORAGE_CORRUPT` when the storage fails;
 * `CREDENTIAL_ABORTED` when the caller gives up; `CREDENTIAL_AUDIT_UNAVAILABLE` with a required audit; `CREDENTIALS_CLOSED`. Those that
 * change something throw `CREDENTIAL_OUTCOME_UNKNOWN` when nobody can tell whether they did.
 */
export interface CredentialView {
  /**
   * Stores material, sealed, under a reference. What was there before is gone; to keep it readable for a while, rotate instead.
   *
   * @throws `CREDENTIAL_INVALID` with all problems; `CREDENTIAL_EXISTS` with mode `create`; `CREDENTIAL_NOT_FOUND` and
   *   `CREDENTIAL_VERSION_CONFLICT` with mode `replace`; `CREDENTIAL_SCOPE_VIOLATION` outside of the view
   */
  store(reference: CredentialReference, material: CredentialMaterial, options?: StoreOptions): Promise<CredentialInfo>;

  /**
   * Opens a credential. `undefined` when there is none, or none that this view may know of: the two cannot be told apart.
   *
   * @throws `CREDENTIAL_EXPIRED`, unless `allowExpired`; `CREDENTIAL_KIND_MISMATCH`; `CREDENTIAL_UNREADABLE` when its envelope was changed,
   *   moved, or sealed with a key that the ring does not hold
   */
  retrieve<Value extends object>(
    reference: CredentialReference,
    options?: RetrieveOptions<Value>,
  ): Promise<Credential<Value> | undefined>;

  /**
   * What is known of a credential without opening it; `undefined` when there is none, or none that this view may know of.
   *
   * @throws what every operation does, and nothing of its own: see {@link CredentialView}
   */
  inspect(reference: CredentialReference): Promise<CredentialInfo | undefined>;

  /**
   * Removes a credential with all its versions. Resolves to whether there was one.
   *
   * @throws `CREDENTIAL_SCOPE_VIOLATION` outside of the view
   */
  delete(reference: CredentialReference): Promise<boolean>;

  /** One page of credentials in a scope and below it, without opening any. @throws `CREDENTIAL_SCOPE_REQUIRED` */
  list(filter?: CredentialFilter): Promise<CredentialPage>;

  /**
   * All of them, read a page at a time as they are asked for.
   *
   * @throws `CREDENTIAL_SCOPE_REQUIRED`, when the first is asked for
   */
  listAll(filter?: Omit<CredentialFilter, 'after'>): AsyncIterable<CredentialInfo>;

  /**
   * Judges offline whether a credential can be expected to work. One that is missing is a result, not an error.
   *
   * @throws what every operation does, and nothing of its own: see {@link CredentialView}
   */
  validate(reference: CredentialReference): Promise<Validation>;

  /** {@link CredentialView.store} for many: bounded, each for itself, in order. */
  storeMany(entries: readonly StoreEntry[]): Promise<BatchResult<CredentialInfo>>;
  /** {@link CredentialView.retrieve} for many. */
  retrieveMany<Value extends object>(
    references: readonly CredentialReference[],
    options?: Omit<RetrieveOptions<Value>, 'version'>,
  ): Promise<BatchResult<Credential<Value> | undefined>>;
  /** {@link CredentialView.delete} for many. */
  deleteMany(references: readonly CredentialReference[]): Promise<BatchResult<boolean>>;
  /** {@link CredentialView.validate} for many. */
  validateMany(references: readonly CredentialReference[]): Promise<BatchResult<Validation>>;

  /**
   * Puts new material in the place of the old, which can still be retrieved by its version until its grace is over.
   *
   * @throws `CREDENTIAL_NOT_FOUND`, `CREDENTIAL_VERSION_CONFLICT`, `CREDENTIAL_INVALID`, and what `verify` throws: then nothing has changed
   */
  rotate(
    reference: CredentialReference,
    material: CredentialMaterial,
    options?: RotateOptions,
  ): Promise<CredentialInfo>;

  /**
   * {@link CredentialView.rotate} with material that the rotator of its kind makes, by one process at a time. When anything fails the old material
   * stays in use.
   *
   * @throws `CREDENTIAL_ROTATION_IMPOSSIBLE` without a rotator; `CREDENTIAL_ROTATION_FAILED`; `CREDENTIAL_REFRESH_BUSY` when another process is at
   *   it; `CREDENTIAL_NOT_FOUND`
   */
  rotateNow(reference: CredentialReference, options?: RotateNowOptions): Promise<CredentialInfo>;

  /** Ends the grace of all earlier versions at once. @throws `CREDENTIAL_NOT_FOUND` */
  revokePrevious(reference: CredentialReference): Promise<CredentialInfo>;

  /**
   * Refreshes a credential at whoever issued it. All who ask at the same time, in whatever process, share one refresh; one that is under way
   * goes on although its caller goes away.
   *
   * @throws `CREDENTIAL_REAUTHORIZATION_REQUIRED` when a person has to sign in; `CREDENTIAL_REFRESH_FAILED` and `CREDENTIAL_REFRESH_BUSY` with
   *   `retryAfterMs`; `CREDENTIAL_OUTCOME_UNKNOWN` when there was no answer in time; `CREDENTIAL_REFRESH_IMPOSSIBLE` without a refresher;
   *   `CREDENTIAL_NOT_FOUND`, `CREDENTIAL_SCOPE_VIOLATION`
   */
  refresh(reference: CredentialReference): Promise<CredentialInfo>;

  /** Makes an earlier version current again, under a new number. @throws `CREDENTIAL_NOT_FOUND`, `CREDENTIAL_VERSION_CONFLICT` */
  rollBack(reference: CredentialReference, options?: RollBackOptions): Promise<CredentialInfo>;
}

/** What a vault counts. */
export interface VaultStatistics {
  /** `undefined` without a cache. */
  readonly cache: CacheStatistics | undefined;
}

/** A vault of sealed credentials. Make one with `credentials()`. */
export interface CredentialVault extends CredentialView {
  /**
   * The same vault, seen from a scope: it and everything below, and nothing else. What lies outside looks like what is missing, and is
   * recorded.
   *
   * @throws `CREDENTIAL_SCOPE_INVALID`
   */
  within(scope: string): CredentialView;

  /**
   * Every scope of the tenant, for a stated reason. Each operation is recorded with it.
   *
   * @param reason - why the scopes are set aside, 1 to 256 characters, for example `incident 4711`
   * @throws `CREDENTIAL_INVALID` without a reason
   */
  asAdministrator(reason: string): CredentialView;

  /**
   * Rotates everything of the tenant whose policies ask for it by now. Run it as often as policies should be exact, in as many processes as
   * you like.
   *
   * @param signal - begins no further rotation once it aborts
   * @throws what every operation does: see {@link CredentialView}. The failure of one rotation is in the report
   */
  rotateDue(signal?: AbortSignal): Promise<RotationReport>;

  /**
   * Seals everything of the tenant with the first key of the ring, while others go on reading and writing. Killed in the middle, it is simply
   * run again. Afterwards the older keys can leave the ring, unless something was unreadable.
   *
   * @throws what every operation does: see {@link CredentialView}. What cannot be opened is in the report
   */
  reseal(options?: ResealOptions): Promise<ResealReport>;

  /**
   * Records of the audit of the context's tenant, the newest first; none without an audit.
   *
   * @throws what every operation does: see {@link CredentialView}
   */
  auditRecords(query?: Omit<AuditQuery, 'tenant'>): Promise<readonly AuditRecord[]>;

  statistics(): VaultStatistics;
  /** Forgets everything in the cache. */
  clearCache(): void;
  /** Forgets one credential in the cache. */
  clearCacheFor(reference: CredentialReference): void;

  /** Refuses further work, waits for what is under way and for the audit, and lets go of the storage. Idempotent. */
  close(): Promise<void>;
}

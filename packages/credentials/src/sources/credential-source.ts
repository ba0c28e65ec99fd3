import type { CredentialKey } from '../identity/credential-key.ts';
import type { CredentialMaterial } from '../kinds/material.ts';

/** What a source is told with each read. */
export interface SourceCallOptions {
  /** Aborts at the vault's deadline. A driver that can stop its work should. */
  readonly signal: AbortSignal;
}

/** A credential as a source gives it. */
export interface SourcedCredential {
  readonly material: CredentialMaterial;
  /** How the source itself names this version, whatever it looks like. Absent: it has no versions. */
  readonly version?: string;
  /** When this version came to be. Absent: unknown, and the moment of the reading stands for it. */
  readonly createdAt?: Date;
  /** When the material ends. Default: what the material says itself, such as a certificate; otherwise unknown. */
  readonly expiresAt?: Date;
  /** How long it may be kept in memory, sealed, in milliseconds, up to a day. Default 0: not at all. */
  readonly ttlMs?: number;
}

/**
 * Where credentials live that somebody else manages. A vault asks its sources, in their order, for what its own storage does not hold; it never
 * writes to them, and never writes what they give to its storage.
 *
 * Obligations of a driver:
 *
 * - **The key is tenant, scope and id together**: different keys lead to different places, case included.
 * - **`undefined` means that there surely is none**, as the one answer that lets the next source be asked. Whoever is refused, or cannot tell, throws.
 * - **Failures are coded**: `CREDENTIAL_STORAGE_UNAVAILABLE` (retryable, with `retryAfterMs` where the source says so), `CREDENTIAL_STORAGE_TIMEOUT`,
 *   `CREDENTIAL_STORAGE_DENIED`, `CREDENTIAL_STORAGE_CORRUPT`, `CREDENTIAL_UNREADABLE`, `CREDENTIAL_TOO_LARGE`; anything else becomes
 *   `CREDENTIAL_STORAGE_FAILED`. Neither a secret nor what the driver itself signs in with is in any message, detail or cause.
 * - **Nothing is kept**: each `get` asks anew. Only the vault caches, for as long as `ttlMs` allows.
 * - **`get` ends when the signal aborts**, and after `close` it throws `CREDENTIALS_CLOSED`.
 */
export interface CredentialSource {
  /** For messages, audit and logs: `hashicorp-vault`, ... Each source of one vault has its own. */
  readonly name: string;

  get(key: CredentialKey, options: SourceCallOptions): Promise<SourcedCredential | undefined>;

  /** Lets go of what the driver itself opened, and ends what is under way. Idempotent. */
  close(): Promise<void>;
}

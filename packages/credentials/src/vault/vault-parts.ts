import { currentContext, requireTenant, type Clock, type Logger, type TaskTracker, type Telemetry } from '@tenon/core';
import type { KeyRing } from '@tenon/crypto';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { CredentialCache } from '../cache/credential-cache.ts';
import { credentialError } from '../errors.ts';
import { keyText, type CredentialKey } from '../identity/credential-key.ts';
import type { KindRegistry } from '../kinds/kind-registry.ts';
import type { Refreshing } from '../refresh/create-refreshing.ts';
import type { CredentialRotator } from '../rotation/credential-rotator.ts';
import type { GuardedStorage } from '../storage/guarded-storage.ts';
import type { SourceChain } from '../sources/source-chain.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import type { CredentialInstruments } from './instruments.ts';

/** What a vault was built with. */
export interface VaultParts {
  readonly storage: GuardedStorage;
  readonly storageName: string;
  /** Where credentials are looked for that the storage does not hold; `undefined` in a vault without sources. */
  readonly sources: SourceChain | undefined;
  readonly hasBatches: boolean;
  readonly ring: KeyRing;
  readonly kinds: KindRegistry;
  readonly cache: CredentialCache<StoredCredential> | undefined;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly instruments: CredentialInstruments;
  readonly inHand: TaskTracker;
  readonly batchConcurrency: number;
  readonly defaultScope: string | undefined;
  readonly tenant: string | undefined;
  readonly rotators: ReadonlyMap<string, CredentialRotator>;
  /** Renews credentials; `undefined` in a vault without refreshers. */
  readonly refreshing: () => Refreshing | undefined;
  /** Tells other processes that a credential has changed. */
  readonly announce: (key: CredentialKey) => void;
  isClosed(): boolean;
}

/**
 * The tenant of an operation: the vault's own, or the context's.
 *
 * @throws `TENANT_REQUIRED` without either; `CREDENTIAL_TENANT_MISMATCH` when they differ; `CREDENTIALS_CLOSED`
 */
export function tenantOf(parts: VaultParts): string {
  if (parts.isClosed()) throw credentialError('CREDENTIALS_CLOSED', 'the vault has been closed: build another one');
  if (parts.tenant === undefined) return requireTenant();
  const running = currentContext()?.tenant;
  if (running === undefined || running === parts.tenant) return parts.tenant;
  throw tenantMismatch('this vault was built for one tenant: build it without tenant(), or use it for that one');
}

/** The failure of work for another tenant than it was begun for. @param why - and what to do */
export function tenantMismatch(why: string): Error {
  return credentialError('CREDENTIAL_TENANT_MISMATCH', `the work runs for another tenant; ${why}`);
}

/** Forgets what the cache holds of a credential, here and in other processes. */
export function forget(parts: VaultParts, key: CredentialKey): void {
  parts.cache?.drop(keyText(key));
  parts.announce(key);
}

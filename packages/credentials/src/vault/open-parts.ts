import { createTaskTracker, createTelemetry, type Clock, type Logger } from '@tenon/core';
import type { KeyRing } from '@tenon/crypto';
import { createAuditTrail, noAuditTrail, type AuditOptions } from '../audit/audit-trail.ts';
import { createCredentialCache, type CacheOptions, type CredentialCache } from '../cache/credential-cache.ts';
import type { CacheInvalidation } from '../cache/invalidation.ts';
import { credentialError } from '../errors.ts';
import { keyText } from '../identity/credential-key.ts';
import type { CredentialKind } from '../kinds/define-kind.ts';
import { createKindRegistry } from '../kinds/kind-registry.ts';
import { createRefreshing } from '../refresh/create-refreshing.ts';
import type { RefreshSettings } from '../refresh/refresh-settings.ts';
import type { CredentialRotator } from '../rotation/credential-rotator.ts';
import type { CredentialSource } from '../sources/credential-source.ts';
import { createSourceChain } from '../sources/source-chain.ts';
import type { CredentialStorage } from '../storage/credential-storage.ts';
import type { RetryOptions } from '../storage/guarded-call.ts';
import { guardStorage } from '../storage/guarded-storage.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { createInstruments } from './instruments.ts';
import type { VaultParts } from './vault-parts.ts';

/** Everything a vault is made of, checked. */
export interface VaultConfig {
  readonly storage: CredentialStorage;
  readonly sources: readonly CredentialSource[];
  readonly keys: KeyRing;
  readonly kinds: readonly CredentialKind[];
  readonly tenant: string | undefined;
  readonly defaultScope: string | undefined;
  readonly cache: CacheOptions | undefined;
  readonly invalidation: CacheInvalidation | undefined;
  readonly audit: AuditOptions | undefined;
  readonly refresh: RefreshSettings;
  readonly rotators: readonly CredentialRotator[];
  readonly batchConcurrency: number;
  readonly operationTimeoutMs: number;
  readonly retry: Required<RetryOptions>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The parts of one vault, and the end of them. */
export interface OpenParts {
  readonly parts: VaultParts;
  /** Refuses further work, waits for what runs and for the audit, and lets go of storage and sources. Idempotent. */
  close(): Promise<void>;
}

/** Puts a vault together. */
export function openParts(config: VaultConfig): OpenParts {
  const { storage, clock, logger, audit } = config;
  const cache = createCache(config);
  const telemetry = createTelemetry('@tenon/credentials');
  const inHand = createTaskTracker();
  let closing: Promise<void> | undefined;
  const guard = { clock, logger, timeoutMs: config.operationTimeoutMs, retry: config.retry, random: Math.random };
  // Of their own purpose: what is sealed here opens nowhere else, under the same root keys.
  const ring = config.keys.subring('credentials');
  const kinds = createKindRegistry(config.kinds);
  const parts: VaultParts = {
    storage: guardStorage(storage, guard),
    storageName: storage.name,
    sources:
      config.sources.length === 0
        ? undefined
        : createSourceChain({ sources: config.sources, guard, ring, kinds, clock }),
    hasBatches: storage.batch !== undefined,
    ring,
    kinds,
    cache,
    audit: audit === undefined ? noAuditTrail : createAuditTrail(audit, clock, logger),
    clock,
    logger,
    telemetry,
    instruments: createInstruments(telemetry, cache === undefined ? undefined : () => cache.statistics()),
    inHand,
    batchConcurrency: config.batchConcurrency,
    defaultScope: config.defaultScope,
    tenant: config.tenant,
    rotators: new Map(config.rotators.map((one) => [one.kind, one])),
    refreshing: () => refreshing,
    announce: (key) => config.invalidation?.publish(keyText(key)),
    isClosed: () => closing !== undefined,
  };
  const refreshing = config.refresh.refreshers.size === 0 ? undefined : createRefreshing(parts, config.refresh);
  const stopListening =
    cache === undefined
      ? undefined
      : config.invalidation?.subscribe({ changed: (key) => cache.drop(key), missed: () => cache.clear() });
  const end = async (): Promise<void> => {
    stopListening?.();
    await inHand.idle();
    await refreshing?.drain();
    await parts.audit.flush();
    await Promise.all([storage.close(), parts.sources?.close()]);
  };
  return { parts, close: () => (closing ??= end()) };
}

function createCache({
  cache,
  storage,
  invalidation,
  clock,
}: VaultConfig): CredentialCache<StoredCredential> | undefined {
  if (cache === undefined || cache.enabled === false) return undefined;
  if (storage.isShared && invalidation === undefined) {
    throw credentialError(
      'CREDENTIALS_OPTIONS_INVALID',
      `the storage "${storage.name}" can be shared with other processes, whose changes a cache would not see: give the builder an invalidation(), or no cache`,
    );
  }
  return createCredentialCache(cache, clock);
}

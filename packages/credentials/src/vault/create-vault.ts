import { createTelemetry, type Clock, type Logger } from '@tenon/core';
import type { KeyRing } from '@tenon/crypto';
import { createAuditTrail, noAuditTrail, type AuditOptions } from '../audit/audit-trail.ts';
import { createCredentialCache, type CacheOptions, type CredentialCache } from '../cache/credential-cache.ts';
import type { CacheInvalidation } from '../cache/invalidation.ts';
import { credentialError } from '../errors.ts';
import { keyText } from '../identity/credential-key.ts';
import { assertScope } from '../identity/scope.ts';
import type { CredentialKind } from '../kinds/define-kind.ts';
import { createKindRegistry } from '../kinds/kind-registry.ts';
import { createRefreshing } from '../refresh/create-refreshing.ts';
import type { RefreshSettings } from '../refresh/refresh-settings.ts';
import type { CredentialRotator } from '../rotation/credential-rotator.ts';
import { rotateDue } from '../rotation/run-rotator.ts';
import { reseal } from '../reseal/reseal.ts';
import type { CredentialSource } from '../sources/credential-source.ts';
import { createSourceChain } from '../sources/source-chain.ts';
import type { CredentialStorage } from '../storage/credential-storage.ts';
import type { RetryOptions } from '../storage/guarded-call.ts';
import { guardStorage } from '../storage/guarded-storage.ts';
import type { StoredCredential } from '../storage/stored-credential.ts';
import { createView } from './create-view.ts';
import type { CredentialVault } from './credential-vault.ts';
import { createInstruments } from './instruments.ts';
import { resolveKey } from './resolve-key.ts';
import { tenantOf, type VaultParts } from './vault-parts.ts';
import { createWorkInHand } from './work-in-hand.ts';

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

/** Makes the vault. */
export function createVault(config: VaultConfig): CredentialVault {
  const { storage, clock, logger, audit } = config;
  const cache = createCache(config);
  const trail = audit === undefined ? noAuditTrail : createAuditTrail(audit, clock, logger);
  const telemetry = createTelemetry('@tenon/credentials');
  const inHand = createWorkInHand();
  let closing: Promise<void> | undefined;
  const guard = { clock, logger, timeoutMs: config.operationTimeoutMs, retry: config.retry, random: Math.random };
  // Of their own purpose: what is sealed here opens nowhere else, under the same root keys.
  const ring = config.keys.subring('credentials');
  const kinds = createKindRegistry(config.kinds);
  const sources =
    config.sources.length === 0 ? undefined : createSourceChain({ sources: config.sources, guard, ring, kinds, clock });
  const parts: VaultParts = {
    storage: guardStorage(storage, guard),
    storageName: storage.name,
    sources,
    hasBatches: storage.batch !== undefined,
    ring,
    kinds,
    cache,
    audit: trail,
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

  return Object.freeze<CredentialVault>({
    ...createView(parts, {}),
    within(scope) {
      assertScope(scope);
      return createView(parts, { scope });
    },
    asAdministrator(reason) {
      if (typeof reason === 'string' && reason.trim() !== '' && reason.length <= 256) {
        return createView(parts, { administrator: { reason } });
      }
      throw credentialError('CREDENTIAL_INVALID', 'an administrator states a reason of 1 to 256 characters');
    },
    rotateDue: (signal) => rotateDue(parts, signal),
    reseal: (options) => reseal(parts, options),
    auditRecords: async (query = {}) => audit?.audit.query({ ...query, tenant: tenantOf(parts) }) ?? [],
    statistics: () => Object.freeze({ cache: cache?.statistics() }),
    clearCache() {
      cache?.clear();
      sources?.forget();
    },
    clearCacheFor(reference) {
      const { key } = resolveKey(parts, {}, reference, 'clearCacheFor');
      cache?.drop(keyText(key));
      sources?.forget(key);
    },
    close() {
      closing ??= (async () => {
        stopListening?.();
        await inHand.done();
        await refreshing?.drain();
        await trail.flush();
        await Promise.all([storage.close(), sources?.close()]);
      })();
      return closing;
    },
  });
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

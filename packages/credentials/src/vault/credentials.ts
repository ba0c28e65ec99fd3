import { isTenantId, silentLogger, systemClock, type Clock, type Logger } from '@tenon/core';
import { KeyRing } from '@tenon/crypto';
import type { AuditOptions } from '../audit/audit-trail.ts';
import type { CacheOptions } from '../cache/credential-cache.ts';
import type { CacheInvalidation } from '../cache/invalidation.ts';
import { credentialError } from '../errors.ts';
import { scopeProblem } from '../identity/scope.ts';
import { builtInKinds } from '../kinds/built-in-kinds.ts';
import { isKindName, type CredentialKind } from '../kinds/define-kind.ts';
import type { CredentialRefresher, RefreshOptions } from '../refresh/credential-refresher.ts';
import type { CredentialRotator } from '../rotation/credential-rotator.ts';
import { checkRefreshOptions } from '../refresh/refresh-settings.ts';
import type { CredentialSource } from '../sources/credential-source.ts';
import type { CredentialStorage } from '../storage/credential-storage.ts';
import type { RetryOptions } from '../storage/guarded-call.ts';
import { createVault } from './create-vault.ts';
import type { VaultConfig } from './open-parts.ts';
import type { CredentialVault } from './credential-vault.ts';

/** The steps of building a vault. Each gives the builder back, and the last call of one counts. */
interface BuilderSteps<HasStorage extends boolean, HasKeys extends boolean> {
  /** Where sealed credentials are kept. Needed. */
  storage(storage: CredentialStorage): CredentialsBuilder<true, HasKeys>;
  /**
   * Where credentials live that others manage, for what the storage does not hold. Call it for each; they are asked in this order, each only when the
   * one before surely has none. They are read alone: lists, changes and rotations know of the storage's credentials only.
   */
  source(source: CredentialSource): CredentialsBuilder<HasStorage, HasKeys>;
  /** The keys that seal them: the first seals, any opens. Needed. */
  keys(ring: KeyRing): CredentialsBuilder<HasStorage, true>;
  /** The one tenant of a program that has no others. Default: the context's, for each operation. */
  tenant(id: string): CredentialsBuilder<HasStorage, HasKeys>;
  /** The scope of references and lists that name none. Default: none, so that they are refused. */
  defaultScope(scope: string): CredentialsBuilder<HasStorage, HasKeys>;
  /** A kind of one's own, besides the built-in ones. Call it for each. */
  kind(kind: CredentialKind): CredentialsBuilder<HasStorage, HasKeys>;
  /** Keeps what was read, sealed, in memory. Default: no cache. */
  cache(options: CacheOptions): CredentialsBuilder<HasStorage, HasKeys>;
  /** A cache whose entries are good so long, in milliseconds. */
  cacheTtl(ttlMs: number): CredentialsBuilder<HasStorage, HasKeys>;
  /** A cache of at most so many entries. */
  cacheMaxEntries(maxEntries: number): CredentialsBuilder<HasStorage, HasKeys>;
  /** How caches of other processes hear of changes. A cache on a storage that can be shared needs it. */
  invalidation(invalidation: CacheInvalidation): CredentialsBuilder<HasStorage, HasKeys>;
  /** Records who did what. Default: nothing is recorded. */
  audit(options: AuditOptions): CredentialsBuilder<HasStorage, HasKeys>;
  /** Renews credentials of one kind, when they are used shortly before their end or when it is asked for. Call it for each kind. */
  refresher(refresher: CredentialRefresher): CredentialsBuilder<HasStorage, HasKeys>;
  /** Makes new credentials of one kind when a policy or somebody asks for it. Call it for each kind. */
  rotator(rotator: CredentialRotator): CredentialsBuilder<HasStorage, HasKeys>;
  /** The times of refreshing. */
  refreshing(options: RefreshOptions): CredentialsBuilder<HasStorage, HasKeys>;
  /** How many of a batch are worked on at a time, 1 to 100. Default 10. */
  batchConcurrency(concurrency: number): CredentialsBuilder<HasStorage, HasKeys>;
  /**
   * How long one operation may take in the storage and all sources together, retries included, in milliseconds, 1 to 60,000. Default
   * 5,000.
   */
  operationTimeout(timeoutMs: number): CredentialsBuilder<HasStorage, HasKeys>;
  /** How often a failure that changed nothing is tried again. */
  retry(options: RetryOptions): CredentialsBuilder<HasStorage, HasKeys>;
  /** Default: the machine's. */
  clock(clock: Clock): CredentialsBuilder<HasStorage, HasKeys>;
  /** Default: silent. */
  logger(logger: Logger): CredentialsBuilder<HasStorage, HasKeys>;
}

/**
 * Builds a vault. `build()` is there once storage and keys have been given.
 *
 * @typeParam HasStorage - whether `storage()` has been called
 * @typeParam HasKeys - whether `keys()` has been called
 */
export type CredentialsBuilder<HasStorage extends boolean = false, HasKeys extends boolean = false> = BuilderSteps<
  HasStorage,
  HasKeys
> &
  ([HasStorage, HasKeys] extends [true, true]
    ? {
        /**
         * Makes the vault.
         *
         * @throws `CREDENTIALS_OPTIONS_INVALID` naming the option
         */
        build(): CredentialVault;
      }
    : unknown);

/**
 * Begins to build a vault for the secrets with which a program acts in other systems.
 *
 * @example
 * ```ts
 * const vault = credentials().storage(postgresStorage(database)).keys(KeyRing.fromEnv(process.env)).build();
 * await vault.store({ scope: 'org:acme/team:eng', id: 'github' }, apiKey('ghp_...'));
 * const github = await vault.retrieve({ scope: 'org:acme/team:eng', id: 'github' });
 * ```
 */
export function credentials(): CredentialsBuilder {
  return builder({ kinds: builtInKinds });
}

type Draft = Partial<Omit<VaultConfig, 'retry' | 'refresh'>> & {
  readonly refreshers?: readonly CredentialRefresher[];
  readonly refreshOptions?: RefreshOptions;
  readonly retry?: RetryOptions;
  readonly kinds: readonly CredentialKind[];
};

function builder(draft: Draft): CredentialsBuilder {
  const step = (more: Partial<Draft>) => builder({ ...draft, ...more });
  const steps = {
    storage: (storage: CredentialStorage) => step({ storage }),
    source: (source: CredentialSource) => step({ sources: [...(draft.sources ?? []), source] }),
    keys: (keys: KeyRing) => step({ keys }),
    tenant: (tenant: string) => step({ tenant }),
    defaultScope: (defaultScope: string) => step({ defaultScope }),
    kind: (kind: CredentialKind) => step({ kinds: [...draft.kinds, kind] }),
    cache: (cache: CacheOptions) => step({ cache: { ...draft.cache, enabled: true, ...cache } }),
    cacheTtl: (ttlMs: number) => step({ cache: { ...draft.cache, enabled: true, ttlMs } }),
    cacheMaxEntries: (maxEntries: number) => step({ cache: { ...draft.cache, enabled: true, maxEntries } }),
    invalidation: (invalidation: CacheInvalidation) => step({ invalidation }),
    audit: (audit: AuditOptions) => step({ audit }),
    refresher: (refresher: CredentialRefresher) => step({ refreshers: [...(draft.refreshers ?? []), refresher] }),
    rotator: (rotator: CredentialRotator) => step({ rotators: [...(draft.rotators ?? []), rotator] }),
    refreshing: (refreshOptions: RefreshOptions) =>
      step({ refreshOptions: { ...draft.refreshOptions, ...refreshOptions } }),
    batchConcurrency: (batchConcurrency: number) => step({ batchConcurrency }),
    operationTimeout: (operationTimeoutMs: number) => step({ operationTimeoutMs }),
    retry: (retry: RetryOptions) => step({ retry }),
    clock: (clock: Clock) => step({ clock }),
    logger: (logger: Logger) => step({ logger }),
    build: () => createVault(complete(draft)),
  };
  // For JavaScript, `build` is always there and says what is missing; for TypeScript, only when nothing is.
  return Object.freeze(steps) as object as CredentialsBuilder;
}

function complete(draft: Draft): VaultConfig {
  const { storage, keys, tenant, defaultScope, batchConcurrency = 10, operationTimeoutMs = 5_000, retry = {} } = draft;
  if (typeof storage?.get !== 'function') throw missing('storage');
  if (!(keys instanceof KeyRing)) throw missing('keys');
  if (tenant !== undefined && !(typeof tenant === 'string' && isTenantId(tenant))) {
    throw invalid('tenant', 'must be 1 to 64 letters, digits, "_" or "-"');
  }
  const scopeWrong = defaultScope === undefined ? undefined : scopeProblem(defaultScope);
  if (scopeWrong !== undefined) throw invalid('defaultScope', `is no scope: ${scopeWrong}`);
  for (const kind of draft.kinds) {
    if (!isKindName(kind?.definition?.name)) throw invalid('kind', 'must be made with defineKind()');
  }
  if (draft.audit !== undefined && typeof draft.audit.audit?.append !== 'function') {
    throw invalid('audit.audit', 'must be where the audit is kept');
  }
  const { attempts = 3, baseDelayMs = 50, maxDelayMs = 1_000 } = retry;
  whole('batchConcurrency', batchConcurrency, 100);
  whole('operationTimeout', operationTimeoutMs, 60_000);
  whole('retry.attempts', attempts, 10);
  whole('retry.baseDelayMs', baseDelayMs, 10_000);
  whole('retry.maxDelayMs', maxDelayMs, 30_000);
  return {
    storage,
    sources: draft.sources ?? [],
    keys,
    tenant,
    defaultScope,
    kinds: draft.kinds,
    cache: draft.cache,
    invalidation: draft.invalidation,
    audit: draft.audit,
    refresh: checkRefreshOptions(draft.refreshers ?? [], draft.refreshOptions),
    rotators: draft.rotators ?? [],
    batchConcurrency,
    operationTimeoutMs,
    retry: { attempts, baseDelayMs, maxDelayMs },
    clock: draft.clock ?? systemClock,
    logger: draft.logger ?? silentLogger,
  };
}

function whole(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw invalid(name, `must be a whole number from 1 to ${max}`);
}

function missing(step: string): Error {
  return credentialError(
    'CREDENTIALS_OPTIONS_INVALID',
    `a vault cannot be built without ${step}(): call it before build()`,
    {
      details: { option: step },
    },
  );
}

function invalid(option: string, why: string): Error {
  return credentialError('CREDENTIALS_OPTIONS_INVALID', `${option} ${why}`, { details: { option } });
}

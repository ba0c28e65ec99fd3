import type { Clock, Logger } from '@tenon/core';
import type { CredentialReader } from './credentials/credential-slots.ts';
import type { ResourceToken } from './definition/resource-token.ts';
import type { EventStream } from './events/event-bus.ts';
import type { ResourceEvent } from './events/resource-event.ts';
import type { HealthRollUp } from './health/health-roll-up.ts';
import type { HealthRecord, HealthStatus } from './health/health-status.ts';
import type { HealthTrend } from './health/health-trend.ts';
import type { GateState } from './health/recovery-gate.ts';
import type { ResourceState } from './lifecycle/resource-state.ts';
import type { Borrowed } from './managed/resource-services.ts';
import type { AcquireOptions, CloseReport } from './pool/pool.ts';
import type { PoolRecommendation } from './pool/recommendation.ts';
import type { PoolStatistics } from './pool/statistics.ts';
import type { QuotaName, TenantQuota } from './quota/tenant-quotas.ts';
import type { RegistrationOptions } from './registry/registration.ts';
import type { ScopeResolution } from './registry/registry.ts';
import type { ResourceScope } from './scope/resource-scope.ts';

/** What {@link createResources} takes. Nothing of it is required. */
export interface ResourcesOptions {
  /** The resources that are there from the start, each as it is defined. */
  readonly define?: readonly ResourceToken[];
  /** Where credentials come from: a vault of `@tenon/credentials`, or anything that reads like one. */
  readonly vault?: CredentialReader;
  /** How the registration for a scope is found. Default `hierarchical`. */
  readonly resolution?: ScopeResolution;
  /** How much each tenant may use, or a tenant's own quota. Default: 100 resources, 1,000 leases, 1,000 waiting acquires. */
  readonly quota?: TenantQuota | ((tenant: string) => TenantQuota | undefined);
  /** After how long without use a resource of a scope is closed, in milliseconds; `Infinity`: never. Default 900,000. */
  readonly idleResourceMs?: number;
  /** How often credentials are looked at for a change, and unused resources for their end, in milliseconds, 100 or more. Default 30,000. */
  readonly maintenanceIntervalMs?: number;
  /** How long borrowers have when something is closed, in milliseconds. Default 30,000. */
  readonly drainTimeoutMs?: number;
  /** Whether metrics tell tenants apart: the first 1,000 by their id. Default `false`. */
  readonly tenantLabels?: boolean;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: none. */
  readonly logger?: Logger;
  /** From 0 up to 1, not included. Default `Math.random`. */
  readonly random?: () => number;
}

/** A credential that has changed. */
export interface CredentialChange {
  /** Whose it is. Default: the tenant of the context. */
  readonly tenant?: string;
  /** Its scope in the vault. Default: any. */
  readonly scope?: string;
  readonly id: string;
  /** `rotated`: there is a new one; `revoked`: what there was must not be used any more, from this moment on. */
  readonly change: 'rotated' | 'revoked';
}

/** One managed resource, as people look at it. No secret, and no setting that its definition hides, is in it. */
export interface ResourceView {
  readonly name: string;
  readonly version: string;
  readonly technology: string;
  /** The text form of its scope. */
  readonly scope: string;
  readonly state: ResourceState;
  readonly use: 'pooled' | 'shared';
  readonly borrowers: number;
  readonly health: HealthStatus;
  /** Where its health goes, by its last looks. */
  readonly trend: HealthTrend;
  readonly gate: GateState;
  readonly config: Readonly<Record<string, unknown>>;
  /** The version of the credential in each slot that is filled. */
  readonly credentials: Readonly<Record<string, { readonly id: string; readonly version: number | undefined }>>;
  readonly dependencies: readonly string[];
  readonly pool: PoolStatistics;
  readonly recommendation: PoolRecommendation;
}

/** How all resources are. */
export interface ResourcesHealth extends HealthRollUp {
  /** By what they are of. */
  readonly byTechnology: Readonly<Record<string, HealthRollUp>>;
}

/** What became of one managed resource at the end. */
export interface ShutDownEntry extends CloseReport {
  readonly resource: string;
  readonly scope: string;
}

/** What became of all, in the order in which they were ended: those that need others first. */
export interface ShutDownReport {
  readonly resources: readonly ShutDownEntry[];
  /** Instances that were taken from borrowers, and that may still live. */
  readonly forced: number;
  readonly left: number;
}

/** Live connections to everything, by typed tokens, for each tenant its own. */
export interface Resources extends AsyncDisposable {
  /**
   * Adds a resource, or one that is different in a scope.
   *
   * @throws `RESOURCE_CONFIGURATION_INVALID`, `RESOURCE_ALREADY_REGISTERED`, `RESOURCE_TYPE_MISMATCH` for a name that another token has,
   *   `RESOURCE_DEPENDENCY_CIRCULAR`, `RESOURCE_SCOPE_INVALID`, `RESOURCES_CLOSED`; nothing has changed then
   */
  register<Face extends object, Config>(
    token: ResourceToken<Face, Config>,
    options?: RegistrationOptions<NoInfer<Config>>,
  ): void;
  /** Takes a resource away: its registration in one scope, or all of them, and what was made by them. */
  remove(token: ResourceToken, scope?: ResourceScope): Promise<readonly ShutDownEntry[]>;
  /**
   * Borrows an instance: give it back with `await using`, `using` or `lease.release()`.
   *
   * @param scope - whose instance. The tenant is always that of the context, and need not be said. Default: the tenant's
   * @throws what {@link Pool.acquire} throws; `RESOURCE_CREDENTIAL_MISSING` or `RESOURCE_CREDENTIAL_MISMATCH` naming the slot that cannot be
   *   filled; `RESOURCE_UNAVAILABLE` when there is none for the scope, it is quarantined or held back;
   *   `RESOURCE_TENANT_MISMATCH`, `RESOURCE_QUOTA_EXCEEDED`, `RESOURCE_TYPE_MISMATCH`, `RESOURCES_CLOSED`
   * @example
   * ```ts
   * await using db = await resources.acquire(ordersDb);
   * const { rows } = await db.query('select 1 as one');
   * ```
   */
  acquire<Face extends object>(
    token: ResourceToken<Face>,
    scope?: ResourceScope,
    options?: AcquireOptions,
  ): Promise<Borrowed<Face>>;
  /** Borrows an instance for one piece of work. A failure of the work counts against the instance. */
  use<Face extends object, Result>(
    token: ResourceToken<Face>,
    work: (borrowed: Borrowed<Face>) => Result | Promise<Result>,
    scope?: ResourceScope,
    options?: AcquireOptions,
  ): Promise<Result>;
  /**
   * Makes instances ahead of need, what others need first. When one cannot be made, those made before it are ended again, in reverse.
   *
   * @param options - `tokens`: which, and what they need; default all. `scope`: whose
   */
  start(options?: {
    readonly tokens?: readonly ResourceToken[];
    readonly scope?: ResourceScope;
    readonly signal?: AbortSignal;
  }): Promise<void>;
  /**
   * Changes the settings of a registration. Whoever has an instance finishes on the old settings, however long that takes; new ones are
   * made with the new.
   *
   * @throws `RESOURCE_CONFIGURATION_INVALID`, `RESOURCE_UNAVAILABLE` when there is no registration of exactly that scope,
   *   `RESOURCE_DEPENDENCY_CIRCULAR`, `RESOURCE_TENANT_MISMATCH`, `RESOURCES_CLOSED`; nothing has changed then
   */
  reload<Face extends object, Config>(
    token: ResourceToken<Face, Config>,
    options: RegistrationOptions<NoInfer<Config>>,
  ): void;
  /**
   * Tells of a credential that has changed. When a revocation returns its promise, no lease that rests on it, itself or through what it
   * needs, is of any use any more. A new credential is tried first, with one instance more than the pool may have.
   *
   * @throws `RESOURCE_TENANT_MISMATCH`
   */
  credentialChanged(change: CredentialChange): Promise<void>;
  /**
   * Ends the instances of a resource in one scope, or in all; the next acquire makes new ones.
   *
   * @throws `RESOURCE_TENANT_MISMATCH` in the work of one tenant, for what all tenants share (`isolation: 'none'`)
   */
  drain(
    token: ResourceToken,
    options?: { readonly scope?: ResourceScope; readonly timeoutMs?: number },
  ): Promise<readonly ShutDownEntry[]>;
  /**
   * Lends nothing of a resource until {@link Resources.resume}: also not to those who wait, nor of what is made anew meanwhile. What is
   * lent stays so.
   *
   * @param reason - for those who are refused
   * @throws `RESOURCE_TENANT_MISMATCH`, as {@link Resources.drain}
   */
  hold(token: ResourceToken, reason: string, scope?: ResourceScope): void;
  /** Lends again what was held back, quarantined or given up. @throws `RESOURCE_TENANT_MISMATCH`, as {@link Resources.drain} */
  resume(token: ResourceToken, scope?: ResourceScope): void;
  /** What is managed now; a tenant's own when the context has one. */
  list(filter?: { readonly token?: ResourceToken; readonly scope?: ResourceScope }): readonly ResourceView[];
  /** The registered tokens. */
  tokens(): readonly ResourceToken[];
  /** The token of a name, for people who type it. */
  named(name: string): ResourceToken | undefined;
  /** Looks at what is managed, now. @returns what was seen, by resource and scope; those without a free instance are left out */
  check(
    token?: ResourceToken,
  ): Promise<readonly (HealthRecord & { readonly resource: string; readonly scope: string })[]>;
  /** The last looks at a resource, the newest first. */
  healthHistory(token: ResourceToken, scope?: ResourceScope): readonly HealthRecord[];
  /** How they are together: a tenant's own when the context has one. */
  health(): ResourcesHealth;
  /** What a tenant uses of its quota. @throws `RESOURCE_TENANT_MISMATCH` when that is another one than the context's */
  usage(tenant: string): Readonly<Record<QuotaName, number>>;
  /** Hears every event from now on, at once. @returns stops hearing */
  onEvent(listener: (event: ResourceEvent) => void): () => void;
  /** The events for a reader that takes its time: bounded, the oldest dropped. */
  events(options: { readonly signal: AbortSignal; readonly maxBuffered?: number }): EventStream<ResourceEvent>;
  /** What needs what, as a Mermaid flowchart. */
  toMermaid(): string;
  /** Refuses new borrowers, waits for those there are, and ends everything: what needs others first. Idempotent; never rejects. */
  close(options?: { readonly timeoutMs?: number }): Promise<ShutDownReport>;
}

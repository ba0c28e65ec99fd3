import { createTelemetry, currentContext } from '@tenon/core';
import { revokeSlot } from './credentials/revoke-slot.ts';
import { tellChange } from './credentials/tell-change.ts';
import { createRevokedCredentials, type RevokedCredentials } from './credentials/revoked-credentials.ts';
import type { ResourceToken } from './definition/resource-token.ts';
import { resourceError } from './errors.ts';
import { createEventBus, type EventBus, type EventStream } from './events/event-bus.ts';
import type { ResourceEvent, ResourceEventFacts } from './events/resource-event.ts';
import { toMermaid } from './graph/mermaid.ts';
import type { HealthRecord } from './health/health-status.ts';
import { createDepartures, type Departures } from './managed/departures.ts';
import { dependentsOf } from './managed/dependents.ts';
import { checkAll, healthOfAll, historyOf } from './managed/health-of.ts';
import { createHolds, type Holds } from './managed/holds.ts';
import { createMaintenance, type Maintenance } from './managed/maintenance.ts';
import type { ManagedResource } from './managed/managed-resource.ts';
import { madeBy } from './managed/made-by.ts';
import { createManagedSet, type ManagedSet } from './managed/managed-set.ts';
import { createResourceInstruments } from './managed/resource-instruments.ts';
import type { Borrowed, ResourceServices } from './managed/resource-services.ts';
import { showResource } from './managed/show-resource.ts';
import { startAll } from './managed/start-all.ts';
import { watchFigures } from './managed/watch-figures.ts';
import type { AcquireOptions } from './pool/pool.ts';
import { createTenantQuotas, type QuotaName } from './quota/tenant-quotas.ts';
import { createRegistration, type RegistrationOptions } from './registry/registration.ts';
import { createRegistry, type Registry } from './registry/registry.ts';
import { resolveResourcesOptions, type ResolvedOptions } from './resources-options.ts';
import type {
  CredentialChange,
  Resources,
  ResourcesHealth,
  ResourcesOptions,
  ResourceView,
  ShutDownEntry,
  ShutDownReport,
} from './resources.ts';
import { globalScope, scopeContains, scopeKey, sharedScope, type ResourceScope } from './scope/resource-scope.ts';
import { assertOwnTenant, scopeOfCall } from './scope/scope-of-call.ts';

/**
 * Makes a registry of resources. Nothing is connected before the first `acquire` or `start`; call `close` at the end.
 *
 * @example
 * ```ts
 * const ordersDb = postgres('orders-db', { pool: { max: 20 }, credentials: { login: 'orders-db-login' } });
 * await using resources = createResources({ vault, define: [ordersDb] });
 *
 * await using db = await resources.acquire(ordersDb);
 * const { rows } = await db.query('select 1 as one');
 * ```
 * @throws what {@link Resources.register} throws for what is defined; `RESOURCE_CONFIGURATION_INVALID` for an option out of its range
 */
export function createResources(options: ResourcesOptions = {}): Resources {
  const resources = new ResourceRegistry(options);
  for (const token of options.define ?? []) resources.register(token);
  return resources;
}

class ResourceRegistry implements Resources {
  readonly #options: ResolvedOptions;
  readonly #bus: EventBus<ResourceEvent>;
  readonly #registry: Registry;
  readonly #services: ResourceServices;
  readonly #managed: ManagedSet;
  readonly #departures: Departures;
  readonly #revoked: RevokedCredentials = createRevokedCredentials();
  readonly #holds: Holds = createHolds();
  readonly #maintenance: Maintenance;
  readonly #telemetry = createTelemetry('@tenon/resources');
  #closing: Promise<ShutDownReport> | undefined;
  #isClosed = false;

  constructor(options: ResourcesOptions) {
    this.#options = resolveResourcesOptions(options);
    const { clock, logger } = this.#options;
    this.#bus = createEventBus(logger);
    this.#registry = createRegistry(options.resolution ?? 'hierarchical');
    this.#services = this.#createServices(options);
    this.#managed = createManagedSet(this.#services, (made) => this.#holdIfWanted(made));
    this.#departures = createDepartures({ managed: this.#managed, clock, logger });
    this.#maintenance = createMaintenance({
      clock,
      intervalMs: this.#options.maintenanceIntervalMs,
      idleResourceMs: this.#options.idleResourceMs,
      managed: this.#managed,
      services: this.#services,
      onMissing: (managed, slot) => this.#revoke(managed, slot),
      onUnused: (managed) => void this.#close(managed),
    });
    watchFigures(this.#services.instruments, () => this.#departures.all());
  }

  register<Face extends object, Config>(
    token: ResourceToken<Face, Config>,
    options: RegistrationOptions<Config> = {},
  ): void {
    this.#assertOpen();
    assertOwnTenant(options.scope?.tenant);
    this.#registry.add(createRegistration(token, options));
    this.#emit(token, undefined, { type: 'registered', version: token.version });
  }

  async remove(token: ResourceToken, scope?: ResourceScope): Promise<readonly ShutDownEntry[]> {
    assertOwnTenant(scope?.tenant);
    const before = this.#registry.registrationsOf(token);
    this.#registry.remove(token, scope);
    if (before.length > 0) this.#emit(token, undefined, { type: 'removed' });
    const these = madeBy(this.#managed.of(token), this.#registry, token, scope);
    return Promise.all(these.map((managed) => this.#close(managed)));
  }

  async acquire<Face extends object>(
    token: ResourceToken<Face>,
    scope?: ResourceScope,
    options: AcquireOptions = {},
  ): Promise<Borrowed<Face>> {
    this.#assertOpen();
    const given = scopeOfCall(scope);
    const { signal = currentContext()?.signal, deadline = currentContext()?.deadline } = options;
    const patience = {
      ...options,
      ...(signal === undefined ? {} : { signal }),
      ...(deadline === undefined ? {} : { deadline }),
    };
    const borrowed = await this.#telemetry.span('resources.acquire', { 'tenon.resource': token.name }, () =>
      this.#find(token, given).acquire(patience, given.tenant),
    );
    // The token knows what the definition behind it gives.
    return borrowed as Borrowed<Face>;
  }

  async use<Face extends object, Result>(
    token: ResourceToken<Face>,
    work: (borrowed: Borrowed<Face>) => Result | Promise<Result>,
    scope?: ResourceScope,
    options?: AcquireOptions,
  ): Promise<Result> {
    await using borrowed = await this.acquire(token, scope, options);
    try {
      return await work(borrowed);
    } catch (error) {
      borrowed.lease.release({ failed: true });
      throw error;
    }
  }

  async start({ tokens, scope, signal }: Parameters<Resources['start']>[0] = {}): Promise<void> {
    this.#assertOpen();
    const given = scopeOfCall(scope);
    await startAll({
      graph: this.#registry.graph,
      tokens,
      signal,
      find: (name) => {
        this.#assertOpen();
        const token = this.#registry.named(name);
        return token && this.#find(token, given);
      },
      close: (managed) => this.#departures.close(managed, 0),
    });
  }

  reload<Face extends object, Config>(token: ResourceToken<Face, Config>, options: RegistrationOptions<Config>): void {
    this.#assertOpen();
    const { scope = globalScope } = options;
    assertOwnTenant(scope.tenant);
    if (this.#registry.at(token, scope) === undefined) {
      throw resourceError('RESOURCE_UNAVAILABLE', `resource "${token.name}" is not registered for this scope`, {
        details: { resource: token.name, scope: scopeKey(scope) },
      });
    }
    const next = createRegistration(token, options);
    this.#registry.replace(next);
    for (const managed of madeBy(this.#managed.of(token), this.#registry, token, scope)) {
      // Whoever has an instance of it may keep that for as long as it needs.
      if (managed.registration.fingerprint !== next.fingerprint) void this.#departures.close(managed, Infinity);
    }
    this.#emit(token, scopeKey(scope), { type: 'reloaded' });
  }

  async credentialChanged(change: CredentialChange): Promise<void> {
    const { tenant = currentContext()?.tenant, ...rest } = change;
    assertOwnTenant(tenant);
    await tellChange(tenant === undefined ? rest : { ...rest, tenant }, {
      departures: this.#departures,
      services: this.#services,
      revoke: (managed, slot) => this.#revoke(managed, slot),
    });
  }

  async drain(
    token: ResourceToken,
    { scope, timeoutMs }: { readonly scope?: ResourceScope; readonly timeoutMs?: number } = {},
  ): Promise<readonly ShutDownEntry[]> {
    return Promise.all(this.#visible(token, scope).map((managed) => this.#close(managed, timeoutMs)));
  }

  hold(token: ResourceToken, reason: string, scope?: ResourceScope): void {
    this.#holds.hold(token, this.#wanted(token, scope), reason);
    for (const managed of this.#visible(token, scope)) managed.hold(reason);
  }

  resume(token: ResourceToken, scope?: ResourceScope): void {
    this.#holds.resume(token, this.#wanted(token, scope));
    for (const managed of this.#visible(token, scope)) managed.resume();
  }

  list(filter: { readonly token?: ResourceToken; readonly scope?: ResourceScope } = {}): readonly ResourceView[] {
    return this.#visible(filter.token, filter.scope).map(showResource);
  }

  tokens(): readonly ResourceToken[] {
    return this.#registry.tokens();
  }

  named(name: string): ResourceToken | undefined {
    return this.#registry.named(name);
  }

  async check(
    token?: ResourceToken,
  ): Promise<readonly (HealthRecord & { readonly resource: string; readonly scope: string })[]> {
    return checkAll(this.#visible(token));
  }

  healthHistory(token: ResourceToken, scope?: ResourceScope): readonly HealthRecord[] {
    return historyOf(this.#visible(token, scope));
  }

  health(): ResourcesHealth {
    return healthOfAll(this.#visible());
  }

  usage(tenant: string): Readonly<Record<QuotaName, number>> {
    assertOwnTenant(tenant);
    return this.#services.quotas.usage(tenant);
  }

  onEvent(listener: (event: ResourceEvent) => void): () => void {
    return this.#bus.on(listener);
  }

  events(options: { readonly signal: AbortSignal; readonly maxBuffered?: number }): EventStream<ResourceEvent> {
    return this.#bus.stream(options);
  }

  toMermaid(): string {
    return toMermaid(this.#registry.graph);
  }

  close({ timeoutMs = this.#options.drainTimeoutMs }: { readonly timeoutMs?: number } = {}): Promise<ShutDownReport> {
    if (this.#closing === undefined) {
      const { promise, resolve } = Promise.withResolvers<ShutDownReport>();
      // First of all: whoever hears of what follows may ask for it again.
      this.#closing = promise;
      this.#maintenance.stop();
      resolve(
        this.#departures.closeAll(timeoutMs).finally(() => {
          this.#isClosed = true;
          this.#services.instruments.stop();
        }),
      );
    }
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #find(token: ResourceToken, scope: ResourceScope): ManagedResource {
    // While all is being ended, those who are still served get what they need for it.
    if (this.#isClosed) throw closed();
    const managed = this.#managed.get(this.#registry.find(token, scope), scope);
    this.#maintenance.wake();
    return managed;
  }

  /** The scope that a call about a resource means, down to the level at which its instances are kept apart. */
  #wanted({ definition }: ResourceToken, scope: ResourceScope | undefined): ResourceScope {
    return sharedScope(scopeOfCall(scope), definition.isolation);
  }

  #visible(token?: ResourceToken, scope?: ResourceScope): readonly ManagedResource[] {
    const given = scopeOfCall(scope);
    const those = token === undefined ? this.#managed.all() : this.#managed.of(token);
    return those.filter(({ registration, scope: own }) =>
      scopeContains(sharedScope(given, registration.token.definition.isolation), own),
    );
  }

  #holdIfWanted(made: ManagedResource): void {
    const reason = this.#holds.reasonFor(made.registration.token, made.scope);
    if (reason !== undefined) made.hold(reason);
  }

  #close(managed: ManagedResource, timeoutMs: number = this.#options.drainTimeoutMs): Promise<ShutDownEntry> {
    return this.#departures.close(managed, timeoutMs);
  }

  #revoke(managed: ManagedResource, slot: string): void {
    revokeSlot(managed, slot, {
      departures: this.#departures,
      revoked: this.#revoked,
      services: this.#services,
      drainTimeoutMs: this.#options.drainTimeoutMs,
    });
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closed();
  }

  #emit(token: ResourceToken, scope: string | undefined, facts: ResourceEventFacts): void {
    const place = scope === undefined ? {} : { scope };
    const atMs = this.#options.clock.now();
    this.#bus.emit({ resource: token.name, technology: token.technology, ...place, atMs, ...facts });
  }

  #createServices({ vault, tenantLabels = false }: ResourcesOptions): ResourceServices {
    const { clock, logger, random, quotaOf } = this.#options;
    return {
      clock,
      logger,
      random,
      reader: vault,
      quotas: createTenantQuotas(quotaOf),
      instruments: createResourceInstruments(this.#telemetry, tenantLabels),
      emit: (token, scope, facts) => this.#emit(token, scope, facts),
      acquireDependency: async (token, scope, acquire) => {
        const source = this.#find(token, scope);
        return { source, borrowed: await source.acquire(acquire, undefined) };
      },
      invalidateDependents: (source, why) => {
        for (const each of dependentsOf(source, this.#departures.all())) each.supply.invalidate(why);
      },
      isRevoked: (tenant, { id, scope }, { version }) => this.#revoked.has({ tenant, scope, id }, version),
    };
  }
}

function closed(): Error {
  return resourceError('RESOURCES_CLOSED', 'the resources are closed or being closed, and lend nothing any more');
}

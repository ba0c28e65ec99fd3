import { createTelemetry, currentContext, silentLogger, systemClock, type Clock, type Logger } from '@tenon/core';
import { createRevokedCredentials, refreshSlot, type RevokedCredentials } from './credentials/change-credential.ts';
import type { ResourceToken } from './definition/resource-token.ts';
import { resourceError } from './errors.ts';
import { createEventBus, type EventBus, type EventStream } from './events/event-bus.ts';
import type { ResourceEvent, ResourceEventFacts } from './events/resource-event.ts';
import { toMermaid } from './graph/mermaid.ts';
import { rollUp, type HealthRecord, type HealthStatus } from './health/health-status.ts';
import { createMaintenance, type Maintenance } from './managed/maintenance.ts';
import type { ManagedResource } from './managed/managed-resource.ts';
import { createManagedSet, type ManagedSet } from './managed/managed-set.ts';
import { createResourceInstruments } from './managed/resource-instruments.ts';
import type { Borrowed, ResourceServices } from './managed/resource-services.ts';
import { closeAll, closeOne } from './managed/shut-down.ts';
import { showResource } from './managed/show-resource.ts';
import type { AcquireOptions } from './pool/pool.ts';
import { createTenantQuotas, type QuotaName, type TenantQuotas } from './quota/tenant-quotas.ts';
import { createRegistration, type RegistrationOptions } from './registry/registration.ts';
import { createRegistry, type Registry } from './registry/registry.ts';
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
 * @throws what {@link Resources.register} throws for what is defined
 */
export function createResources(options: ResourcesOptions = {}): Resources {
  const resources = new ResourceRegistry(options);
  for (const token of options.define ?? []) resources.register(token);
  return resources;
}

class ResourceRegistry implements Resources {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #bus: EventBus<ResourceEvent>;
  readonly #registry: Registry;
  readonly #quotas: TenantQuotas;
  readonly #services: ResourceServices;
  readonly #managed: ManagedSet;
  readonly #revoked: RevokedCredentials = createRevokedCredentials();
  readonly #maintenance: Maintenance;
  readonly #drainTimeoutMs: number;
  readonly #telemetry = createTelemetry('@tenon/resources');
  /** Closed in the background; the end waits for them. */
  readonly #leaving = new Set<Promise<unknown>>();
  #closing: Promise<ShutDownReport> | undefined;

  constructor(options: ResourcesOptions) {
    const { clock = systemClock, logger = silentLogger, quota, drainTimeoutMs = 30_000 } = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#drainTimeoutMs = drainTimeoutMs;
    this.#bus = createEventBus(logger);
    this.#registry = createRegistry(options.resolution ?? 'hierarchical');
    this.#quotas = createTenantQuotas(
      (tenant) => (typeof quota === 'function' ? quota(tenant) : quota),
      (tenant, name, limit) => logger.warn({ tenant, quota: name, limit }, 'a tenant has reached a quota of resources'),
    );
    this.#services = this.#createServices(options);
    this.#managed = createManagedSet(this.#services);
    this.#maintenance = createMaintenance({
      clock,
      intervalMs: options.maintenanceIntervalMs ?? 30_000,
      idleResourceMs: options.idleResourceMs ?? 900_000,
      managed: this.#managed,
      services: this.#services,
      onMissing: (managed, slot) => this.#revoke(managed, slot),
      onUnused: (managed) => this.#letGo(managed),
    });
    this.#watchFigures();
  }

  register<Face extends object, Config>(
    token: ResourceToken<Face, Config>,
    options: RegistrationOptions<Config> = {},
  ): void {
    this.#assertOpen();
    this.#registry.add(createRegistration(token, options));
    this.#emit(token, undefined, { type: 'registered', version: token.version });
  }

  async remove(token: ResourceToken, scope?: ResourceScope): Promise<readonly ShutDownEntry[]> {
    const gone = this.#registry
      .registrationsOf(token)
      .filter((one) => scope === undefined || scopeKey(one.scope) === scopeKey(scope));
    this.#registry.remove(token, scope);
    this.#emit(token, undefined, { type: 'removed' });
    const these = this.#managed.of(token).filter(({ registration }) => gone.includes(registration));
    return Promise.all(these.map((managed) => this.#close(managed, this.#drainTimeoutMs)));
  }

  async acquire<Face extends object>(
    token: ResourceToken<Face>,
    scope?: ResourceScope,
    options: AcquireOptions = {},
  ): Promise<Borrowed<Face>> {
    this.#assertOpen();
    const given = this.#inContext(scope);
    const { signal = currentContext()?.signal, deadline = currentContext()?.deadline } = options;
    const borrowed = await this.#telemetry.span('resources.acquire', { 'tenon.resource': token.name }, () =>
      this.#find(token, given).acquire({
        ...options,
        ...(signal === undefined ? {} : { signal }),
        ...(deadline === undefined ? {} : { deadline }),
      }),
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

  async start(
    options: {
      readonly tokens?: readonly ResourceToken[];
      readonly scope?: ResourceScope;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<void> {
    this.#assertOpen();
    const scope = this.#inContext(options.scope);
    const { graph } = this.#registry;
    const wanted = options.tokens?.flatMap(({ name }) => graph.orderFor(name)) ?? graph.order();
    const started: ManagedResource[] = [];
    try {
      for (const name of graph.order().filter((each) => wanted.includes(each))) {
        const token = this.#registry.named(name);
        if (token === undefined) continue;
        const managed = this.#find(token, scope);
        if (managed.lifecycle.state === 'created') started.push(managed);
        await managed.warmUp(options.signal);
      }
    } catch (error) {
      for (const managed of started.toReversed()) await this.#close(managed, 0);
      throw error;
    }
  }

  reload<Face extends object, Config>(token: ResourceToken<Face, Config>, options: RegistrationOptions<Config>): void {
    this.#assertOpen();
    const scope = options.scope ?? globalScope;
    const before = this.#registry.at(token, scope);
    if (before === undefined) {
      throw resourceError('RESOURCE_UNAVAILABLE', `resource "${token.name}" is not registered for this scope`, {
        details: { resource: token.name, scope: scopeKey(scope) },
      });
    }
    const next = createRegistration(token, options);
    this.#registry.replace(next);
    for (const managed of this.#managed.of(token)) {
      if (managed.registration === before && next.fingerprint !== before.fingerprint) this.#letGo(managed);
    }
    this.#emit(token, scopeKey(scope), { type: 'reloaded' });
  }

  async credentialChanged({ tenant = currentContext()?.tenant, change, ...place }: CredentialChange): Promise<void> {
    const these = this.#managed
      .all()
      .filter((one) => one.scope.tenant === tenant)
      .flatMap((managed) => managed.cells.slotsOf(place).map((slot) => ({ managed, slot })));
    if (change === 'revoked') {
      for (const { managed, slot } of these) this.#revoke(managed, slot);
      return;
    }
    const outcomes = await Promise.all(
      these.map(async (one) => ({ ...one, outcome: await refreshSlot(one.managed, one.slot, this.#services) })),
    );
    for (const { managed, slot, outcome } of outcomes) if (outcome === 'missing') this.#revoke(managed, slot);
  }

  async drain(
    token: ResourceToken,
    options: { readonly scope?: ResourceScope; readonly timeoutMs?: number } = {},
  ): Promise<readonly ShutDownEntry[]> {
    const { timeoutMs = this.#drainTimeoutMs } = options;
    return Promise.all(this.#chosen(token, options.scope).map((managed) => this.#close(managed, timeoutMs)));
  }

  hold(token: ResourceToken, reason: string, scope?: ResourceScope): void {
    for (const managed of this.#chosen(token, scope)) managed.hold(reason);
  }

  resume(token: ResourceToken, scope?: ResourceScope): void {
    for (const managed of this.#chosen(token, scope)) managed.resume();
  }

  list(filter: { readonly token?: ResourceToken; readonly scope?: ResourceScope } = {}): readonly ResourceView[] {
    const those = filter.token === undefined ? this.#managed.all() : this.#managed.of(filter.token);
    return those.filter((managed) => this.#isVisible(managed, filter.scope)).map(showResource);
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
    const those = token === undefined ? this.#managed.all() : this.#managed.of(token);
    const seen = await Promise.all(
      those
        .filter((managed) => managed.registration.token.definition.hasCheck && this.#isVisible(managed, undefined))
        .map(async (managed) => ({ managed, record: await managed.watch.checkNow() })),
    );
    return seen.flatMap(({ managed, record }) =>
      record === undefined ? [] : [{ ...record, resource: managed.registration.token.name, scope: managed.scopeText }],
    );
  }

  healthHistory(token: ResourceToken, scope?: ResourceScope): readonly HealthRecord[] {
    return this.#chosen(token, scope).flatMap((managed) => managed.watch.history());
  }

  health(): ResourcesHealth {
    const visible = this.#managed.all().filter((managed) => this.#isVisible(managed, undefined));
    const all = visible.map((managed) => ({ managed, health: healthOf(managed) }));
    const groups = Map.groupBy(all, ({ managed }) => managed.registration.token.technology);
    const rolled = [...groups].map(
      ([technology, those]) => [technology, rollUp(those.map(({ health }) => health))] as const,
    );
    return { ...rollUp(all.map(({ health }) => health)), byTechnology: Object.fromEntries(rolled) };
  }

  usage(tenant: string): Readonly<Record<QuotaName, number>> {
    return this.#quotas.usage(tenant);
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

  close({ timeoutMs = this.#drainTimeoutMs }: { readonly timeoutMs?: number } = {}): Promise<ShutDownReport> {
    this.#closing ??= (async () => {
      this.#maintenance.stop();
      const report = await closeAll(this.#managed.all(), this.#registry.graph, timeoutMs, this.#clock);
      await Promise.all(this.#leaving);
      return report;
    })();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #find(token: ResourceToken, scope: ResourceScope): ManagedResource {
    const managed = this.#managed.get(this.#registry.find(token, scope), scope);
    this.#maintenance.wake();
    return managed;
  }

  /** The scope of a call. Its tenant is the one of the context, whatever the caller says or forgets. */
  #inContext(scope: ResourceScope = globalScope): ResourceScope {
    const tenant = currentContext()?.tenant;
    if (tenant === undefined || scope.tenant === tenant) return scope;
    if (scope.tenant === undefined) return { ...scope, tenant };
    throw resourceError(
      'RESOURCE_TENANT_MISMATCH',
      'a resource of one tenant was asked for in the work of another: run the work in the tenant whose resource it needs',
    );
  }

  #chosen(token: ResourceToken, scope: ResourceScope | undefined): readonly ManagedResource[] {
    return this.#managed.of(token).filter((managed) => this.#isVisible(managed, scope));
  }

  #isVisible(managed: ManagedResource, scope: ResourceScope | undefined): boolean {
    const { isolation } = managed.registration.token.definition;
    const wanted = this.#inContext(scope);
    return scopeContains(sharedScope(wanted, isolation), managed.scope);
  }

  /** Ends one that is not to be used any more, while others may still finish with it. */
  #letGo(managed: ManagedResource): void {
    void this.#close(managed, this.#drainTimeoutMs);
  }

  #close(managed: ManagedResource, timeoutMs: number): Promise<ShutDownEntry> {
    this.#managed.detach(managed);
    const closing = closeOne(managed, timeoutMs).finally(() => this.#leaving.delete(closing));
    this.#leaving.add(closing);
    return closing;
  }

  // The fence comes first, and at once: nothing is awaited before it.
  #revoke(managed: ManagedResource, slot: string): void {
    const { token } = managed.registration;
    const { id, scope } = managed.cells.slotOf(slot);
    const held = managed.cells.held(slot);
    if (held !== undefined) this.#revoked.add({ tenant: managed.scope.tenant, scope, id }, held.version);
    managed.supply.revoke();
    this.#emit(token, managed.scopeText, { type: 'credential-revoked', slot });
    this.#letGo(managed);
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return;
    throw resourceError('RESOURCES_CLOSED', 'the resources are closed or being closed, and lend nothing any more');
  }

  #emit(token: ResourceToken, scope: string | undefined, facts: ResourceEventFacts): void {
    const place = scope === undefined ? {} : { scope };
    this.#bus.emit({ resource: token.name, technology: token.technology, ...place, atMs: this.#clock.now(), ...facts });
  }

  #createServices(options: ResourcesOptions): ResourceServices {
    return {
      clock: this.#clock,
      logger: this.#logger,
      random: options.random ?? Math.random,
      reader: options.vault,
      quotas: this.#quotas,
      instruments: createResourceInstruments(this.#telemetry, options.tenantLabels ?? false),
      drainTimeoutMs: this.#drainTimeoutMs,
      emit: (token, scope, facts) => this.#emit(token, scope, facts),
      acquireDependency: async (token, scope, acquire) => this.#find(token, scope).acquire(acquire),
      isRevoked: (tenant, { id, scope }, { version }) => this.#revoked.has({ tenant, scope, id }, version),
    };
  }

  #watchFigures(): void {
    const { instruments } = this.#services;
    const readings = (read: (managed: ManagedResource) => number) =>
      this.#managed.all().map((managed) => ({
        token: managed.registration.token,
        tenant: managed.scope.tenant,
        value: read(managed),
      }));
    instruments.watch('resource_active_count', 'Leases that are out', () =>
      readings(({ supply }) => supply.borrowers()),
    );
    instruments.watch('resource_waiting_count', 'Acquires that wait', () =>
      readings(({ pool }) => pool.statistics().waiting),
    );
    instruments.watch('resource_active_instances', 'Instances that live', () =>
      readings(({ maker }) => maker.living().length),
    );
  }
}

function healthOf({ watch }: ManagedResource): HealthStatus {
  const { state } = watch.gate;
  if (state.state === 'open') return watch.last?.health ?? { status: 'unknown' };
  return { status: 'unhealthy', reason: state.reason, recoverable: state.state !== 'given-up' };
}

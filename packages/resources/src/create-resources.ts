import { currentContext } from '@tenon/core';
import { tellChange } from './credentials/tell-change.ts';
import type { ResourceToken } from './definition/resource-token.ts';
import { resourceError } from './errors.ts';
import type { EventStream } from './events/event-bus.ts';
import type { ResourceEvent } from './events/resource-event.ts';
import { toMermaid } from './graph/mermaid.ts';
import type { HealthRecord } from './health/health-status.ts';
import { checkAll, healthOfAll, historyOf } from './managed/health-of.ts';
import { madeBy } from './managed/made-by.ts';
import type { ManagedResource } from './managed/managed-resource.ts';
import type { Borrowed } from './managed/resource-services.ts';
import { showResource } from './managed/show-resource.ts';
import { startAll } from './managed/start-all.ts';
import { useBorrowed } from './managed/use-borrowed.ts';
import type { AcquireOptions } from './pool/pool.ts';
import type { QuotaName } from './quota/tenant-quotas.ts';
import { createRegistration, type RegistrationOptions } from './registry/registration.ts';
import { ResourceParts, resourcesClosed } from './resource-parts.ts';
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
import { assertMayEnd, assertOwnTenant, scopeOfCall, sharedScopeOfCall } from './scope/scope-of-call.ts';
import { patienceOfCall } from './waiting/with-patience.ts';

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
  readonly #parts: ResourceParts;
  #closing: Promise<ShutDownReport> | undefined;

  constructor(options: ResourcesOptions) {
    this.#parts = new ResourceParts(options);
  }

  register<Face extends object, Config>(
    token: ResourceToken<Face, Config>,
    options: RegistrationOptions<Config> = {},
  ): void {
    this.#assertOpen();
    assertOwnTenant(options.scope?.tenant);
    this.#parts.registry.add(createRegistration(token, options));
    this.#parts.emit(token, undefined, { type: 'registered', version: token.version });
  }

  async remove(token: ResourceToken, scope?: ResourceScope): Promise<readonly ShutDownEntry[]> {
    assertOwnTenant(scope?.tenant);
    const before = this.#parts.registry.registrationsOf(token);
    this.#parts.registry.remove(token, scope);
    if (before.length > 0) this.#parts.emit(token, undefined, { type: 'removed' });
    const these = madeBy(this.#parts.managed.of(token), this.#parts.registry, token, scope);
    return Promise.all(these.map((managed) => this.#close(managed)));
  }

  async acquire<Face extends object>(
    token: ResourceToken<Face>,
    scope?: ResourceScope,
    options: AcquireOptions = {},
  ): Promise<Borrowed<Face>> {
    this.#assertOpen();
    const given = scopeOfCall(scope);
    const patience = patienceOfCall(options);
    // Not awaited: what lies ready is had without a turn.
    const borrowed = this.#parts.telemetry.span('resources.acquire', { 'tenon.resource': token.name }, () =>
      this.#parts.find(token, given).acquire(patience, given.tenant),
    );
    // The token knows what the definition behind it gives.
    return borrowed as Borrowed<Face> | Promise<Borrowed<Face>>;
  }

  async use<Face extends object, Result>(
    token: ResourceToken<Face>,
    work: (borrowed: Borrowed<Face>) => Result | Promise<Result>,
    scope?: ResourceScope,
    options?: AcquireOptions,
  ): Promise<Result> {
    return useBorrowed(this.acquire(token, scope, options), work);
  }

  async start({ tokens, scope, signal }: Parameters<Resources['start']>[0] = {}): Promise<void> {
    this.#assertOpen();
    const given = scopeOfCall(scope);
    await startAll({
      graph: this.#parts.registry.graph,
      tokens,
      signal,
      find: (name) => {
        this.#assertOpen();
        const token = this.#parts.registry.named(name);
        return token && this.#parts.find(token, given);
      },
      close: (managed) => this.#parts.departures.close(managed, 0),
    });
  }

  reload<Face extends object, Config>(token: ResourceToken<Face, Config>, options: RegistrationOptions<Config>): void {
    this.#assertOpen();
    const { scope = globalScope } = options;
    assertOwnTenant(scope.tenant);
    if (this.#parts.registry.at(token, scope) === undefined) {
      throw resourceError('RESOURCE_UNAVAILABLE', `resource "${token.name}" is not registered for this scope`, {
        details: { resource: token.name, scope: scopeKey(scope) },
      });
    }
    const next = createRegistration(token, options);
    this.#parts.registry.replace(next);
    for (const managed of madeBy(this.#parts.managed.of(token), this.#parts.registry, token, scope)) {
      // Whoever has an instance of it may keep that for as long as it needs.
      if (managed.registration.fingerprint !== next.fingerprint) void this.#parts.departures.close(managed, Infinity);
    }
    this.#parts.emit(token, scopeKey(scope), { type: 'reloaded' });
  }

  async credentialChanged(change: CredentialChange): Promise<void> {
    const { tenant = currentContext()?.tenant, ...rest } = change;
    assertOwnTenant(tenant);
    await tellChange(tenant === undefined ? rest : { ...rest, tenant }, {
      departures: this.#parts.departures,
      services: this.#parts.services,
      revoke: (managed, slot) => this.#parts.revoke(managed, slot),
    });
  }

  async drain(
    token: ResourceToken,
    { scope, timeoutMs }: { readonly scope?: ResourceScope; readonly timeoutMs?: number } = {},
  ): Promise<readonly ShutDownEntry[]> {
    assertMayEnd(token);
    return Promise.all(this.#visible(token, scope).map((managed) => this.#close(managed, timeoutMs)));
  }

  hold(token: ResourceToken, reason: string, scope?: ResourceScope): void {
    assertMayEnd(token);
    this.#parts.holds.hold(token, sharedScopeOfCall(token, scope), reason);
    for (const managed of this.#visible(token, scope)) managed.hold(reason);
  }

  resume(token: ResourceToken, scope?: ResourceScope): void {
    assertMayEnd(token);
    this.#parts.holds.resume(token, sharedScopeOfCall(token, scope));
    for (const managed of this.#visible(token, scope)) managed.resume();
  }

  list(filter: { readonly token?: ResourceToken; readonly scope?: ResourceScope } = {}): readonly ResourceView[] {
    return this.#visible(filter.token, filter.scope).map(showResource);
  }

  tokens(): readonly ResourceToken[] {
    return this.#parts.registry.tokens();
  }

  named(name: string): ResourceToken | undefined {
    return this.#parts.registry.named(name);
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
    return this.#parts.services.quotas.usage(tenant);
  }

  onEvent(listener: (event: ResourceEvent) => void): () => void {
    return this.#parts.bus.on(listener);
  }

  events(options: { readonly signal: AbortSignal; readonly maxBuffered?: number }): EventStream<ResourceEvent> {
    return this.#parts.bus.stream(options);
  }

  toMermaid(): string {
    return toMermaid(this.#parts.registry.graph);
  }

  close({
    timeoutMs = this.#parts.options.drainTimeoutMs,
  }: { readonly timeoutMs?: number } = {}): Promise<ShutDownReport> {
    if (this.#closing === undefined) {
      const { promise, resolve } = Promise.withResolvers<ShutDownReport>();
      // First of all: whoever hears of what follows may ask for it again.
      this.#closing = promise;
      this.#parts.maintenance.stop();
      resolve(this.#parts.departures.closeAll(timeoutMs).finally(() => this.#parts.close()));
    }
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #visible(token?: ResourceToken, scope?: ResourceScope): readonly ManagedResource[] {
    const given = scopeOfCall(scope);
    const those = token === undefined ? this.#parts.managed.all() : this.#parts.managed.of(token);
    return those.filter(({ registration, scope: own }) =>
      scopeContains(sharedScope(given, registration.token.definition.isolation), own),
    );
  }

  #close(managed: ManagedResource, timeoutMs: number = this.#parts.options.drainTimeoutMs): Promise<ShutDownEntry> {
    return this.#parts.departures.close(managed, timeoutMs);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw resourcesClosed();
  }
}

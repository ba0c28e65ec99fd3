import { createTelemetry, type Telemetry } from '@tenon/core';
import { revokeSlot } from './credentials/revoke-slot.ts';
import { createRevokedCredentials } from './credentials/revoked-credentials.ts';
import type { ResourceToken } from './definition/resource-token.ts';
import { resourceError } from './errors.ts';
import { createEventBus, type EventBus } from './events/event-bus.ts';
import type { ResourceEvent, ResourceEventFacts } from './events/resource-event.ts';
import { createDepartures, type Departures } from './managed/departures.ts';
import { dependentsOf } from './managed/dependents.ts';
import { createHolds, type Holds } from './managed/holds.ts';
import { createMaintenance, type Maintenance } from './managed/maintenance.ts';
import type { ManagedResource } from './managed/managed-resource.ts';
import { createManagedSet, type ManagedSet } from './managed/managed-set.ts';
import { createResourceInstruments } from './managed/resource-instruments.ts';
import type { ResourceServices } from './managed/resource-services.ts';
import { watchFigures } from './managed/watch-figures.ts';
import { createTenantQuotas } from './quota/tenant-quotas.ts';
import { createRegistry, type Registry } from './registry/registry.ts';
import { resolveResourcesOptions, type ResolvedOptions } from './resources-options.ts';
import type { ResourcesOptions } from './resources.ts';
import type { ResourceScope } from './scope/resource-scope.ts';

/** What a registry of resources is made of. It is put together here, and used by `create-resources.ts`. */
export class ResourceParts {
  readonly options: ResolvedOptions;
  readonly telemetry: Telemetry = createTelemetry('@tenon/resources');
  readonly bus: EventBus<ResourceEvent>;
  readonly registry: Registry;
  readonly services: ResourceServices;
  readonly managed: ManagedSet;
  readonly departures: Departures;
  readonly holds: Holds = createHolds();
  readonly maintenance: Maintenance;
  readonly #revoked = createRevokedCredentials();
  #isClosed = false;

  constructor(options: ResourcesOptions) {
    this.options = resolveResourcesOptions(options);
    const { clock, logger, maintenanceIntervalMs, idleResourceMs, drainTimeoutMs } = this.options;
    this.bus = createEventBus(logger);
    this.registry = createRegistry(options.resolution ?? 'hierarchical');
    this.services = this.#createServices(options);
    this.managed = createManagedSet(this.services, (made) => {
      const reason = this.holds.reasonFor(made.registration.token, made.scope);
      if (reason !== undefined) made.hold(reason);
    });
    this.departures = createDepartures({ managed: this.managed, clock });
    this.maintenance = createMaintenance({
      clock,
      intervalMs: maintenanceIntervalMs,
      idleResourceMs,
      managed: this.managed,
      services: this.services,
      onMissing: (managed, slot) => this.revoke(managed, slot),
      onUnused: (managed) => void this.departures.close(managed, drainTimeoutMs),
    });
    watchFigures(this.services.instruments, () => this.departures.all());
  }

  /** The managed resource for a scope. While all is being ended, those who are still served get what they need for it. */
  find(token: ResourceToken, scope: ResourceScope): ManagedResource {
    if (this.#isClosed) throw resourcesClosed();
    const managed = this.managed.get(this.registry.find(token, scope), scope);
    this.maintenance.wake();
    return managed;
  }

  revoke(managed: ManagedResource, slot: string): void {
    const { drainTimeoutMs } = this.options;
    revokeSlot(managed, slot, {
      departures: this.departures,
      revoked: this.#revoked,
      services: this.services,
      drainTimeoutMs,
    });
  }

  emit(token: ResourceToken, scope: string | undefined, facts: ResourceEventFacts): void {
    if (!this.bus.isHeard) return;
    const place = scope === undefined ? {} : { scope };
    const atMs = this.options.clock.now();
    this.bus.emit({ resource: token.name, technology: token.technology, ...place, atMs, ...facts });
  }

  /** To be called when all has been ended. */
  close(): void {
    this.#isClosed = true;
    this.services.instruments.stop();
  }

  #createServices({ vault, tenantLabels = false }: ResourcesOptions): ResourceServices {
    const { clock, logger, random, quotaOf } = this.options;
    return {
      clock,
      logger,
      random,
      reader: vault,
      quotas: createTenantQuotas(quotaOf),
      instruments: createResourceInstruments(this.telemetry, tenantLabels),
      emit: (token, scope, facts) => this.emit(token, scope, facts),
      acquireDependency: async (token, scope, acquire) => {
        const source = this.find(token, scope);
        return { source, borrowed: await source.acquire(acquire, undefined) };
      },
      invalidateDependents: (source, why) => {
        for (const each of dependentsOf(source, this.departures.all())) each.supply.invalidate(why);
      },
      isRevoked: (tenant, { id, scope }, { version }) => this.#revoked.has({ tenant, scope, id }, version),
    };
  }
}

/** For whoever comes after the end has begun. */
export function resourcesClosed(): Error {
  return resourceError('RESOURCES_CLOSED', 'the resources are closed or being closed, and lend nothing any more');
}

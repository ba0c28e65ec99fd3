import { isCodedError, toError } from '@tenon/core';
import type { SlotCredential } from '../credentials/credential-slots.ts';
import { createSlotCells, type SlotCells } from '../credentials/slot-cells.ts';
import { resourceError } from '../errors.ts';
import { createHealthWatch, type HealthWatch } from '../health/health-watch.ts';
import { healthScore, isUsable, type HealthStatus } from '../health/health-status.ts';
import type { GateState } from '../health/recovery-gate.ts';
import { createLifecycle, type Lifecycle } from '../lifecycle/resource-state.ts';
import { createPool } from '../pool/create-pool.ts';
import type { AcquireOptions, CloseReport, Lease, Pool } from '../pool/pool.ts';
import type { Registration } from '../registry/registration.ts';
import { scopeKey, type ResourceScope } from '../scope/resource-scope.ts';
import { borrow } from './borrow.ts';
import { createInstanceMaker, type Instance, type InstanceMaker } from './instance.ts';
import type { Borrowed, ResourceServices } from './resource-services.ts';
import { pooledSupply, sharedSupply, type Supply } from './shared-supply.ts';

/** Instances of a shared resource that may live at once: the one in use, and those that still serve earlier borrowers. */
const SHARED_INSTANCES = 8;

/** The instances of one registration for one scope: what makes, lends, watches and ends them. */
export class ManagedResource {
  readonly registration: Registration;
  readonly scope: ResourceScope;
  readonly scopeText: string;
  readonly cells: SlotCells;
  readonly maker: InstanceMaker;
  readonly pool: Pool<Instance>;
  readonly supply: Supply<Instance>;
  readonly lifecycle: Lifecycle;
  readonly watch: HealthWatch;
  readonly #services: ResourceServices;
  readonly #healthOf = new WeakMap<Instance, number>();
  #lastUsedMs: number;
  #heldFor: string | undefined;
  #closing: Promise<CloseReport> | undefined;

  constructor(registration: Registration, scope: ResourceScope, services: ResourceServices) {
    const { token, slots } = registration;
    this.registration = registration;
    this.scope = scope;
    this.scopeText = scopeKey(scope);
    this.#services = services;
    this.#lastUsedMs = services.clock.monotonicMs();
    this.cells = createSlotCells({
      resource: token.name,
      slots,
      reader: services.reader,
      scope,
      clock: services.clock,
      isRevoked: (slot, credential) => services.isRevoked(scope.tenant, slot, credential),
    });
    this.maker = createInstanceMaker(registration, scope, this.cells, services);
    this.pool = this.#createPool();
    this.supply =
      token.definition.use === 'shared'
        ? sharedSupply(this.pool, (instance) => this.maker.isBroken(instance))
        : pooledSupply(this.pool);
    this.lifecycle = createLifecycle(token.name, (from, to) => this.#emit({ type: 'state-changed', from, to }));
    this.watch = this.#createWatch();
    if (token.definition.hasCheck) this.watch.start();
  }

  /** When somebody last had an instance, on the clock's monotonic scale. */
  get lastUsedMs(): number {
    return this.supply.borrowers() > 0 ? this.#services.clock.monotonicMs() : this.#lastUsedMs;
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** Lends an instance. */
  async acquire(options: AcquireOptions): Promise<Borrowed> {
    const { clock, quotas, instruments } = this.#services;
    const { token } = this.registration;
    const startedMs = clock.monotonicMs();
    const { tenant } = this.scope;
    let giveBack: (() => void) | undefined;
    try {
      this.assertOpen();
      giveBack = quotas.take(tenant, 'maxLeases');
      const lease = this.supply.tryAcquire() ?? (await this.#wait(options));
      const borrowed = this.#lend(lease, giveBack);
      const waitedMs = clock.monotonicMs() - startedMs;
      instruments.acquired(token, tenant, waitedMs / 1_000);
      this.#emit({ type: 'acquired', waitedMs });
      return borrowed;
    } catch (error) {
      giveBack?.();
      const code = isCodedError(error) ? error.code : toError(error).name;
      instruments.failed(token, code);
      this.#emit({ type: 'acquire-failed', code, waitedMs: clock.monotonicMs() - startedMs });
      throw error;
    }
  }

  /** @throws `RESOURCE_UNAVAILABLE` while it is quarantined or held back */
  assertOpen(): void {
    const { token } = this.registration;
    const { state } = this.watch.gate;
    if (this.#heldFor !== undefined) throw unavailable(token.name, `it is held back: ${this.#heldFor}`, 1_000);
    if (state.state === 'open') return;
    if (state.state === 'given-up') {
      throw unavailable(token.name, `it was given up after ${state.attempts} tries to recover it`, undefined);
    }
    // While somebody tries it, the answer is near.
    const retryInMs = this.watch.gate.retryInMs(this.#services.clock.monotonicMs()) ?? 0;
    throw unavailable(token.name, 'it is quarantined, because it failed its health checks', Math.ceil(retryInMs) + 50);
  }

  /** Makes the instances that its pool should have at least, or one. */
  async warmUp(signal?: AbortSignal): Promise<void> {
    const { min = 0 } = this.registration.pool;
    this.#becomeInitializing();
    try {
      await this.pool.warmUp({ count: Math.max(1, min), ...(signal === undefined ? {} : { signal }) });
      this.#settle(true);
    } catch (error) {
      this.#becomeFailed();
      throw error;
    }
  }

  /** Lends nothing until {@link ManagedResource.resume}; what is lent stays so. */
  hold(reason: string): void {
    this.#heldFor = reason;
    this.#settle(false);
  }

  /** Lends again, also what was given up. */
  resume(): void {
    this.#heldFor = undefined;
    this.watch.gate.open();
    if (this.lifecycle.state === 'maintenance') this.lifecycle.moveTo('ready');
    this.#settle(false);
  }

  /** Ends every instance, those lent out when they come back or the time is over. */
  close(timeoutMs: number = this.#services.drainTimeoutMs): Promise<CloseReport> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  /**
   * Makes an instance with other credentials, looks at it, and ends it.
   *
   * @throws what keeps them from being used
   */
  async tryCredentials(candidates: Readonly<Record<string, SlotCredential>>, signal: AbortSignal): Promise<void> {
    const { name, definition } = this.registration.token;
    const instance = await this.maker.create(signal, candidates);
    try {
      const seen = await definition.check(instance.value, { signal });
      if (!isUsable(seen)) throw unavailable(name, 'with its new credential it does not work', undefined);
    } finally {
      await this.maker.destroy(instance, { reason: 'surplus', signal });
    }
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    const { lifecycle } = this;
    this.watch.stop();
    if (lifecycle.state === 'in-use') lifecycle.moveTo('ready');
    if (lifecycle.state === 'initializing') lifecycle.moveTo('failed');
    if (lifecycle.state === 'ready' || lifecycle.state === 'idle') lifecycle.moveTo('draining');
    const report = await this.supply.close({ timeoutMs });
    if (lifecycle.state !== 'created') lifecycle.moveTo('cleanup');
    lifecycle.moveTo('terminated');
    return report;
  }

  async #wait(options: AcquireOptions): Promise<Lease<Instance>> {
    const stopWaiting = this.#services.quotas.take(this.scope.tenant, 'maxWaiters');
    this.#becomeInitializing();
    try {
      return await this.supply.acquire(options);
    } catch (error) {
      this.#becomeFailed();
      throw error;
    } finally {
      stopWaiting();
    }
  }

  #lend(lease: Lease<Instance>, giveBack: () => void): Borrowed {
    const { clock, instruments } = this.#services;
    const { token } = this.registration;
    const lentMs = clock.monotonicMs();
    try {
      const borrowed = borrow(token.definition, lease, this.scopeText, (failed) => {
        giveBack();
        this.#lastUsedMs = clock.monotonicMs();
        instruments.released(token, this.scope.tenant);
        this.#emit({ type: 'released', heldMs: this.#lastUsedMs - lentMs, failed });
        this.#settle(false);
      });
      this.#settle(true);
      return borrowed;
    } catch (error) {
      lease.taint();
      lease.release({ failed: true });
      throw error;
    }
  }

  #becomeInitializing(): void {
    const { state } = this.lifecycle;
    if (state === 'created' || state === 'failed') this.lifecycle.moveTo('initializing');
  }

  #becomeFailed(): void {
    if (this.lifecycle.state === 'initializing') this.lifecycle.moveTo('failed');
  }

  /** @param works - whether an instance has just been had */
  #settle(works: boolean): void {
    const { lifecycle } = this;
    if (this.isClosing) return;
    if (works) this.#becomeInitializing();
    if (works && lifecycle.state === 'initializing') lifecycle.moveTo('ready');
    if (lifecycle.state !== 'ready' && lifecycle.state !== 'idle' && lifecycle.state !== 'in-use') return;
    if (this.supply.borrowers() > 0) lifecycle.moveTo('in-use');
    else {
      lifecycle.moveTo('idle');
      if (this.#heldFor !== undefined) lifecycle.moveTo('maintenance');
    }
  }

  #createPool(): Pool<Instance> {
    const { clock, logger, random } = this.#services;
    const { token, pool } = this.registration;
    const { reset, use } = token.definition;
    return createPool<Instance>({
      ...pool,
      ...(use === 'shared' ? { max: SHARED_INSTANCES } : {}),
      name: token.name,
      create: ({ signal }) => this.maker.create(signal),
      destroy: (instance, context) => this.maker.destroy(instance, context),
      isBroken: (instance) => this.maker.isBroken(instance),
      ...(reset === undefined || use === 'shared'
        ? {}
        : { reset: (instance: Instance, context: { readonly signal: AbortSignal }) => reset(instance.value, context) }),
      healthOf: (instance) => this.#healthOf.get(instance),
      clock,
      logger: logger.child({ resource: token.name, resourceScope: this.scopeText }),
      random,
      onEvent: (event) => this.#emit({ type: 'pool', event }),
    });
  }

  #createWatch(): HealthWatch {
    const { clock, random, instruments } = this.#services;
    const { token, health } = this.registration;
    return createHealthWatch({
      resource: token.name,
      health,
      clock,
      random,
      look: ({ probe, signal }) => this.#look(probe, signal),
      onRecord: ({ health: seen }, before) => {
        instruments.checked(token, isUsable(seen));
        if (seen.status !== before) this.#emit({ type: 'health-changed', from: before, to: seen.status });
      },
      onGate: (state) => this.#onGate(state),
    });
  }

  async #look(probe: boolean, signal: AbortSignal): Promise<HealthStatus | undefined> {
    // Those at work show by that how they are; a look must not take their place.
    const lease = probe ? await this.supply.acquire({ signal }) : this.supply.tryAcquire();
    if (lease === undefined) return undefined;
    try {
      const instance = lease.value;
      const seen = await this.registration.token.definition.check(instance.value, { signal });
      this.#healthOf.set(instance, healthScore(seen));
      if (!isUsable(seen)) lease.taint();
      return seen;
    } catch (error) {
      lease.taint();
      throw error;
    } finally {
      lease.release();
    }
  }

  #onGate(state: GateState): void {
    if (this.isClosing) return;
    if (state.state === 'open') {
      this.#emit({ type: 'recovered', attempts: 0 });
      this.#settle(true);
    } else if (state.state === 'closed') {
      const retryInMs = this.watch.gate.retryInMs(this.#services.clock.monotonicMs()) ?? 0;
      this.#emit({ type: 'quarantined', reason: state.reason, retryInMs, attempt: state.attempts });
      // What was made before it failed is not trusted any more.
      if (state.attempts === 0) this.supply.invalidate('quarantined');
      if (this.lifecycle.state !== 'created') this.lifecycle.moveTo('failed');
    } else if (state.state === 'given-up') this.#emit({ type: 'given-up', attempts: state.attempts });
  }

  #emit(facts: Parameters<ResourceServices['emit']>[2]): void {
    this.#services.emit(this.registration.token, this.scopeText, facts);
  }
}

function unavailable(resource: string, why: string, retryAfterMs: number | undefined): Error {
  return resourceError('RESOURCE_UNAVAILABLE', `resource "${resource}" cannot be had now: ${why}`, {
    retryable: retryAfterMs !== undefined,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { resource },
  });
}

import type { Logger } from '@tenon/core';
import { slotFailureOr } from '../credentials/slot-failure.ts';
import { createSlotCells, type SlotCells } from '../credentials/slot-cells.ts';
import { withoutError } from '../events/managed-pool-event.ts';
import type { ResourceEventFacts } from '../events/resource-event.ts';
import type { HealthWatch } from '../health/health-watch.ts';
import type { ResourceState } from '../lifecycle/resource-state.ts';
import { createStateFollower, type StateFollower } from '../lifecycle/state-follower.ts';
import { resourceLogger } from '../logging/resource-logger.ts';
import type { AcquireOptions, CloseReport, Pool } from '../pool/pool.ts';
import type { PoolEvent } from '../pool/pool-event.ts';
import type { Registration } from '../registry/registration.ts';
import { scopeKey, type ResourceScope } from '../scope/resource-scope.ts';
import { createEnding, type Ending } from './ending.ts';
import { createInstanceMaker, type Instance, type InstanceMaker } from './instance.ts';
import { Lending } from './lending.ts';
import { Loans } from './loans.ts';
import { createManagedPool, createSupply } from './managed-pool.ts';
import { refusalOf } from './refusal.ts';
import type { Borrowed, ResourceServices } from './resource-services.ts';
import type { Supply } from './shared-supply.ts';
import { createWaitingRoom } from './waiting-room.ts';
import { watchHealth } from './watch-health.ts';

/** The instances of one registration for one scope: what makes, lends, watches and ends them. */
export class ManagedResource {
  readonly registration: Registration;
  readonly scope: ResourceScope;
  readonly scopeText: string;
  /** Its lines say what they are about. */
  readonly logger: Logger;
  readonly cells: SlotCells;
  readonly maker: InstanceMaker;
  readonly pool: Pool<Instance>;
  readonly supply: Supply<Instance>;
  readonly watch: HealthWatch;
  readonly end: Ending;
  readonly #services: ResourceServices;
  readonly #follower: StateFollower;
  readonly #loans: Loans;
  readonly #lending: Lending;
  readonly #healthOf = new WeakMap<Instance, number>();
  readonly #waiting = createWaitingRoom();
  #heldFor: string | undefined;

  constructor(registration: Registration, scope: ResourceScope, services: ResourceServices) {
    const { definition } = registration.token;
    this.registration = registration;
    this.scope = scope;
    this.scopeText = scopeKey(scope);
    this.logger = resourceLogger(services.logger, registration.token.name, scope);
    this.#services = services;
    this.cells = this.#createCells();
    this.maker = createInstanceMaker({
      registration,
      scope,
      cells: this.cells,
      services,
      logger: this.logger,
      onLost: () => this.watch.broke(),
    });
    this.#loans = this.#createLoans();
    this.#follower = this.#createFollower();
    this.pool = this.#createPool();
    this.supply = createSupply(registration, this.pool, this.maker, services.clock);
    this.#lending = this.#createLending();
    this.watch = this.#createWatch();
    this.end = createEnding(this.pool, services.clock, {
      begin: () => {
        this.watch.stop();
        this.#follower.ending();
      },
      end: () => this.#follower.ended(),
    });
    if (definition.hasCheck) this.watch.start();
  }

  get state(): ResourceState {
    return this.#follower.state;
  }

  get borrowers(): number {
    return this.#loans.count;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** When somebody last had an instance or asked for one, on the clock's monotonic scale. It never goes back. */
  get lastUsedMs(): number {
    if (this.#waiting.size > 0) this.#loans.touch();
    return this.#loans.lastUsedMs;
  }

  get isClosing(): boolean {
    return this.end.signal.aborted;
  }

  /**
   * Lends an instance: at once, without a promise, when one lies ready.
   *
   * @param quotaOf - the tenant against whose quota it counts
   */
  acquire(options: AcquireOptions, quotaOf: string | undefined): Borrowed | Promise<Borrowed> {
    return this.#lending.acquire(options, quotaOf);
  }

  /** Makes the instances that its pool should have at least, or one. */
  async warmUp(signal?: AbortSignal): Promise<void> {
    this.#loans.touch();
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
    const { min = 0 } = this.registration.pool;
    try {
      await this.pool.warmUp({ count: Math.max(1, min), ...(signal === undefined ? {} : { signal }) });
    } catch (thrown) {
      throw slotFailureOr(thrown);
    }
  }

  /** Lends nothing until {@link ManagedResource.resume}, also not to those who wait; what is lent stays so. */
  hold(reason: string): void {
    this.#heldFor = reason;
    this.#follower.settle();
    this.#sendAway();
  }

  /** Lends again, also what was given up. */
  resume(): void {
    this.#heldFor = undefined;
    this.watch.gate.open();
    this.#follower.resumed();
  }

  /** Makes every instance of now, and what rests on it, the last of its kind. */
  invalidate(why: string): void {
    this.supply.invalidate(why);
    this.#services.invalidateDependents(this, why);
  }

  /** Ends every instance, those lent out when they come back or the time is over. A later call can only make the time shorter. */
  close(timeoutMs: number): Promise<CloseReport> {
    return this.end.close(timeoutMs);
  }

  #refusal(): Error | undefined {
    const { token } = this.registration;
    return refusalOf(token.name, this.watch.gate, this.#heldFor, this.#services.clock);
  }

  #sendAway(): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) this.#waiting.sendAway(refusal);
  }

  #createCells(): SlotCells {
    const { scope, registration } = this;
    const services = this.#services;
    return createSlotCells({
      resource: registration.token.name,
      slots: registration.slots,
      reader: services.reader,
      scope,
      clock: services.clock,
      isRevoked: (slot, credential) => services.isRevoked(scope.tenant, slot, credential),
      onRenewed: () => {
        if (this.maker.living().length > 0) this.invalidate('credential expired');
      },
    });
  }

  #createLoans(): Loans {
    const { registration, scope, scopeText } = this;
    const { clock, instruments } = this.#services;
    return new Loans({
      definition: registration.token.definition,
      scopeText,
      clock,
      onLent: () => this.#follower.works(),
      onReturned: (heldMs, failed) => {
        instruments.released(registration.token, scope.tenant);
        this.#emit({ type: 'released', heldMs, failed });
        this.#follower.settle();
      },
    });
  }

  #createLending(): Lending {
    const { registration, scope, scopeText, supply } = this;
    return new Lending({
      token: registration.token,
      scope,
      scopeText,
      services: this.#services,
      supply,
      loans: this.#loans,
      waiting: this.#waiting,
      refusal: () => this.#refusal(),
      emit: (facts) => this.#emit(facts),
    });
  }

  #createFollower(): StateFollower {
    return createStateFollower({
      resource: this.registration.token.name,
      onMove: (from, to) => this.#emit({ type: 'state-changed', from, to }),
      isOpen: () => this.watch.gate.state.state === 'open',
      isHeld: () => this.#heldFor !== undefined,
      borrowers: () => this.#loans.count,
    });
  }

  #createPool(): Pool<Instance> {
    const { registration, scope, maker } = this;
    return createManagedPool({
      registration,
      scope,
      maker,
      services: this.#services,
      logger: this.logger,
      healthOf: (instance) => this.#healthOf.get(instance),
      onMaking: () => this.#follower.making(),
      onEvent: (event) => {
        this.#heed(event);
        this.#emit({ type: 'pool', event: withoutError(event) });
      },
    });
  }

  #heed(event: PoolEvent): void {
    if (event.type === 'created') {
      this.#follower.works();
      this.watch.made();
    } else if (event.type === 'create-failed') {
      this.#follower.notMade();
      this.watch.notMade();
    } else if ('reason' in event && event.reason === 'broken') this.watch.broke();
  }

  #createWatch(): HealthWatch {
    return watchHealth({
      managed: this,
      services: this.#services,
      emit: (facts) => this.#emit(facts),
      onScore: (instance, score) => void this.#healthOf.set(instance, score),
      onOpened: () => this.#follower.works(),
      onShut: () => {
        this.#follower.quarantined();
        this.#sendAway();
        // What was made before it failed is not trusted any more.
        this.invalidate('quarantined');
      },
    });
  }

  #emit(facts: ResourceEventFacts): void {
    this.#services.emit(this.registration.token, this.scopeText, facts);
  }
}

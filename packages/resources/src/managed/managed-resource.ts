import type { SlotCredential } from '../credentials/credential-slots.ts';
import { createSlotCells, type SlotCells } from '../credentials/slot-cells.ts';
import { codeOfFailure } from '../events/code-of-failure.ts';
import { withoutError } from '../events/managed-pool-event.ts';
import type { ResourceEventFacts } from '../events/resource-event.ts';
import { createHealthWatch, type HealthWatch } from '../health/health-watch.ts';
import { healthScore, isUsable, type HealthStatus } from '../health/health-status.ts';
import { createGateFollower } from '../health/gate-follower.ts';
import type { ResourceState } from '../lifecycle/resource-state.ts';
import { createStateFollower, type StateFollower } from '../lifecycle/state-follower.ts';
import type { AcquireOptions, CloseReport, Lease, Pool } from '../pool/pool.ts';
import { resolvePoolOptions } from '../pool/resolve-pool-options.ts';
import { takeQuota } from '../quota/take-quota.ts';
import type { QuotaName } from '../quota/tenant-quotas.ts';
import type { Registration } from '../registry/registration.ts';
import { inScope } from '../scope/in-scope.ts';
import { scopeKey, type ResourceScope } from '../scope/resource-scope.ts';
import { callerIsGone } from '../waiting/with-patience.ts';
import { borrow } from './borrow.ts';
import { createEnding, type Ending } from './ending.ts';
import { createInstanceMaker, type Instance, type InstanceMaker } from './instance.ts';
import { lookAt } from './look-at.ts';
import { createManagedPool } from './managed-pool.ts';
import { refusalOf, unavailable } from './refusal.ts';
import type { Borrowed, ResourceServices } from './resource-services.ts';
import { sharedSupply, type Supply } from './shared-supply.ts';
import { createWaitingRoom } from './waiting-room.ts';

/** The instances of one registration for one scope: what makes, lends, watches and ends them. */
export class ManagedResource {
  readonly registration: Registration;
  readonly scope: ResourceScope;
  readonly scopeText: string;
  readonly cells: SlotCells;
  readonly maker: InstanceMaker;
  readonly pool: Pool<Instance>;
  readonly supply: Supply<Instance>;
  readonly watch: HealthWatch;
  /** The last look for other credentials. It never rejects. */
  changing: Promise<unknown> = Promise.resolve();
  readonly #services: ResourceServices;
  readonly #follower: StateFollower;
  readonly #healthOf = new WeakMap<Instance, number>();
  readonly #waiting = createWaitingRoom();
  readonly #ending: Ending;
  #borrowers = 0;
  #lastUsedMs: number;
  #heldFor: string | undefined;

  constructor(registration: Registration, scope: ResourceScope, services: ResourceServices) {
    const { token } = registration;
    this.registration = registration;
    this.scope = scope;
    this.scopeText = scopeKey(scope);
    this.#services = services;
    this.#lastUsedMs = services.clock.monotonicMs();
    this.cells = this.#createCells();
    this.maker = createInstanceMaker(registration, scope, this.cells, services);
    this.#follower = this.#createFollower();
    this.pool = createManagedPool({
      registration,
      scope,
      scopeText: this.scopeText,
      maker: this.maker,
      services,
      healthOf: (instance) => this.#healthOf.get(instance),
      onMaking: () => this.#follower.making(),
      onEvent: (event) => {
        if (event.type === 'created') this.#follower.works();
        if (event.type === 'create-failed') this.#follower.notMade();
        this.#emit({ type: 'pool', event: withoutError(event) });
      },
    });
    this.supply = token.definition.use === 'shared' ? this.#createSharedSupply() : this.pool;
    this.watch = this.#createWatch();
    this.#ending = createEnding(this.pool, services.clock, {
      begin: () => {
        this.watch.stop();
        this.#follower.ending();
      },
      end: () => this.#follower.ended(),
    });
    if (token.definition.hasCheck) this.watch.start();
  }

  get state(): ResourceState {
    return this.#follower.state;
  }

  /** How many have an instance. Looks at its health are not among them. */
  get borrowers(): number {
    return this.#borrowers;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** When somebody last had an instance or asked for one, on the clock's monotonic scale. It never goes back. */
  get lastUsedMs(): number {
    if (this.#borrowers > 0 || this.#waiting.size > 0) this.#touch();
    return this.#lastUsedMs;
  }

  get isClosing(): boolean {
    return this.ending.aborted;
  }

  /** Aborts when its end begins. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /**
   * Lends an instance.
   *
   * @param quotaOf - the tenant against whose quota it counts
   */
  async acquire(options: AcquireOptions, quotaOf: string | undefined): Promise<Borrowed> {
    const { clock, instruments } = this.#services;
    const { token } = this.registration;
    const startedMs = this.#touch();
    let giveBack = (): void => undefined;
    try {
      const gone = callerIsGone(token.name, options);
      if (gone !== undefined) throw gone;
      this.assertOpen();
      giveBack = this.#take(quotaOf, 'maxLeases');
      const lease = this.supply.tryAcquire() ?? (await this.#wait(options, quotaOf));
      const borrowed = this.#lend(lease, giveBack);
      const waitedMs = clock.monotonicMs() - startedMs;
      instruments.acquired(token, this.scope.tenant, waitedMs / 1_000);
      this.#emit({ type: 'acquired', waitedMs });
      return borrowed;
    } catch (error) {
      giveBack();
      const code = codeOfFailure(error);
      instruments.failed(token, code);
      this.#emit({ type: 'acquire-failed', code, waitedMs: clock.monotonicMs() - startedMs });
      throw error;
    }
  }

  /** @throws `RESOURCE_UNAVAILABLE` while it is quarantined or held back */
  assertOpen(): void {
    const nowMs = this.#services.clock.monotonicMs();
    const refusal = refusalOf(this.registration.token.name, this.watch.gate, this.#heldFor, nowMs);
    if (refusal !== undefined) throw refusal;
  }

  /** Makes the instances that its pool should have at least, or one. */
  async warmUp(signal?: AbortSignal): Promise<void> {
    this.#touch();
    this.assertOpen();
    const { min = 0 } = this.registration.pool;
    await this.pool.warmUp({ count: Math.max(1, min), ...(signal === undefined ? {} : { signal }) });
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
    return this.#ending.close(timeoutMs);
  }

  /**
   * Makes an instance with other credentials, looks at it, and ends it. It is one more than its pool may have.
   *
   * @throws what keeps them from being used
   */
  async tryCredentials(candidates: Readonly<Record<string, SlotCredential>>, signal: AbortSignal): Promise<void> {
    const { name, definition } = this.registration.token;
    if (this.#ending.isBusy) throw unavailable(name, 'an earlier try of a credential has not ended yet', undefined);
    const trial = async (): Promise<void> => {
      const instance = await this.maker.create(signal, candidates);
      try {
        signal.throwIfAborted();
        const seen = await inScope(this.scope, () => definition.check(instance.value, { signal }));
        if (!isUsable(seen)) throw unavailable(name, 'with its new credential it does not work', undefined);
      } finally {
        await this.maker.destroy(instance, { reason: 'surplus', signal });
      }
    };
    return this.#ending.during(trial(), signal);
  }

  #touch(): number {
    const nowMs = this.#services.clock.monotonicMs();
    this.#lastUsedMs = Math.max(this.#lastUsedMs, nowMs);
    return nowMs;
  }

  #take(tenant: string | undefined, quota: QuotaName): () => void {
    return takeQuota(this.#services, { token: this.registration.token, scopeText: this.scopeText }, tenant, quota);
  }

  async #wait(options: AcquireOptions, quotaOf: string | undefined): Promise<Lease<Instance>> {
    const stopWaiting = this.#take(quotaOf, 'maxWaiters');
    try {
      return await this.#waiting.wait(options, (own) => this.supply.acquire(own));
    } finally {
      stopWaiting();
    }
  }

  #sendAway(): void {
    const nowMs = this.#services.clock.monotonicMs();
    const refusal = refusalOf(this.registration.token.name, this.watch.gate, this.#heldFor, nowMs);
    if (refusal !== undefined) this.#waiting.sendAway(refusal);
  }

  #lend(lease: Lease<Instance>, giveBack: () => void): Borrowed {
    let end = (_: boolean): void => undefined;
    try {
      const borrowed = borrow(this.registration.token.definition, lease, this.scopeText, (failed) => end(failed));
      end = this.#loanOf(lease.value, giveBack);
      return borrowed;
    } catch (error) {
      lease.taint();
      lease.release({ failed: true });
      throw error;
    }
  }

  /** Begins a loan. @returns ends it, once */
  #loanOf(instance: Instance, giveBack: () => void): (failed: boolean) => void {
    const { instruments } = this.#services;
    const { token } = this.registration;
    const lentMs = this.#touch();
    const end = (failed: boolean): void => {
      if (!instance.loans.delete(end)) return;
      this.#borrowers -= 1;
      giveBack();
      instruments.released(token, this.scope.tenant);
      this.#emit({ type: 'released', heldMs: this.#touch() - lentMs, failed });
      this.#follower.settle();
    };
    instance.loans.add(end);
    this.#borrowers += 1;
    this.#follower.works();
    return end;
  }

  #createCells(): SlotCells {
    const { clock, reader, isRevoked } = this.#services;
    return createSlotCells({
      resource: this.registration.token.name,
      slots: this.registration.slots,
      reader,
      scope: this.scope,
      clock,
      isRevoked: (slot, credential) => isRevoked(this.scope.tenant, slot, credential),
      onRenewed: () => {
        if (this.maker.living().length > 0) this.invalidate('credential expired');
      },
    });
  }

  #createFollower(): StateFollower {
    return createStateFollower({
      resource: this.registration.token.name,
      onMove: (from, to) => this.#emit({ type: 'state-changed', from, to }),
      isOpen: () => this.watch.gate.state.state === 'open',
      isHeld: () => this.#heldFor !== undefined,
      borrowers: () => this.#borrowers,
    });
  }

  #createSharedSupply(): Supply<Instance> {
    const { registration, pool, maker } = this;
    const { acquireTimeoutMs } = resolvePoolOptions({
      ...registration.pool,
      name: registration.token.name,
      create: () => undefined,
      destroy: () => undefined,
    });
    return sharedSupply({
      pool,
      isBroken: (instance) => maker.isBroken(instance),
      acquireTimeoutMs,
      clock: this.#services.clock,
    });
  }

  #createWatch(): HealthWatch {
    const { clock, random, instruments, logger } = this.#services;
    const { token, health } = this.registration;
    return createHealthWatch({
      resource: token.name,
      health,
      clock,
      random,
      look: (options) =>
        lookAt(this, options, (instance, seen) => void this.#healthOf.set(instance, healthScore(seen))),
      onFailure: (thrown) =>
        logger.warn({ resource: token.name, resourceScope: this.scopeText, err: thrown }, 'a health check failed'),
      onRecord: ({ health: seen }, before: HealthStatus['status']) => {
        instruments.checked(token, isUsable(seen));
        if (seen.status !== before) this.#emit({ type: 'health-changed', from: before, to: seen.status });
      },
      onGate: createGateFollower({
        isClosing: () => this.isClosing,
        emit: (facts) => this.#emit(facts),
        retryInMs: () => this.watch.gate.retryInMs(clock.monotonicMs()) ?? 0,
        opened: () => this.#follower.works(),
        shut: () => {
          this.#follower.quarantined();
          this.#sendAway();
          // What was made before it failed is not trusted any more.
          this.invalidate('quarantined');
        },
      }),
    });
  }

  #emit(facts: ResourceEventFacts): void {
    this.#services.emit(this.registration.token, this.scopeText, facts);
  }
}

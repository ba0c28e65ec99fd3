import type { Clock, Timer } from '@tenon/core';
import { createIdleChooser, type IdleChooser } from './choosing/idle-chooser.ts';
import { destroyEntry } from './destroy-entry.ts';
import type { Entry } from './entry.ts';
import type { HookCall } from './hook-call.ts';
import { PoolLease } from './lease.ts';
import { LeakWatch } from './leak-watch.ts';
import type { LeaseOutcome } from './pool.ts';
import { failureEvents, type PoolEventFacts } from './pool-event.ts';
import type { DestroyReason } from './pool-options.ts';
import type { PoolConfig } from './resolve-pool-options.ts';
import { PoolFigures, RECENT_WEIGHT } from './figures.ts';
import { replenish } from './supply.ts';
import { offer, serveIdle, takeBack } from './take-back.ts';
import { takeIdle } from './take-idle.ts';
import { WaiterQueue } from './waiter-queue.ts';

/** Somebody who waits until the pool is in some state. */
export interface Watcher {
  readonly isReached: () => boolean;
  readonly reached: () => void;
}

/** A warm-up that is going on. */
export interface WarmUp {
  readonly target: number;
  /** @param failure - of a `create`, or of the pool */
  readonly settle: (failure: unknown) => void;
}

/**
 * The state of one pool, and its fast path: lending an idle instance and taking it back look at flags and counts alone. Everything slower is in
 * the functions of the files beside, which work on this state.
 *
 * Invariants: an idle instance and a waiter exist together only while one is being checked for the other; `live + creating <= max`, after a
 * resize as soon as possible; `idle` is empty in every state but open.
 */
export class PoolCore<Instance> {
  readonly config: PoolConfig<Instance>;
  readonly clock: Clock;
  readonly chooser: IdleChooser<Instance> | undefined;
  readonly leaks: LeakWatch<Instance> | undefined;
  readonly figures: PoolFigures = new PoolFigures();
  /** The one idle for longest first. */
  readonly idle: Entry<Instance>[] = [];
  /** All there are, those being destroyed included. */
  readonly entries: Set<Entry<Instance>> = new Set();
  readonly queue: WaiterQueue<PoolLease<Instance>> = new WaiterQueue();
  readonly creates: Set<HookCall<Instance>> = new Set();
  readonly warmUps: Set<WarmUp> = new Set();
  readonly watchers: Set<Watcher> = new Set();

  state: 'open' | 'draining' | 'closed' = 'open';
  isRevoked: boolean = false;
  /** From the first acquire or warm-up on `min` instances are kept. */
  isStarted = false;
  min: number;
  max: number;
  generation = 0;
  active = 0;
  checking = 0;
  creating = 0;
  destroying = 0;
  /** Calls of `create` that were given up and have not answered. */
  abandoned = 0;

  createFailuresInRow = 0;
  /** Instances that were invalidated while they were made. */
  outdatedInRow = 0;
  backoffs = 0;
  retryAtMs = 0;
  lastCreateError: unknown;
  retryTimer: Timer | undefined;
  waitTimer: Timer | undefined;
  waitDueMs: number = Infinity;
  /** Whether the time of those who came in this turn will be started at its end. */
  willStampWaiters: boolean = false;
  sweepTimer: Timer | undefined;
  sweepDueMs: number = Infinity;
  idleSweepDueMs: number = Infinity;

  /** Whether times and records of use are kept. */
  readonly stamps: boolean;
  readonly #takesPlainly: boolean;
  #returnsPlainly = false;

  constructor(config: PoolConfig<Instance>) {
    this.config = config;
    this.clock = config.clock;
    this.min = config.min;
    this.max = config.max;
    this.chooser = createIdleChooser(config);
    this.leaks = config.maxHoldMs === undefined ? undefined : new LeakWatch(this, config.maxHoldMs);
    this.stamps = config.validate !== undefined || this.chooser?.learn !== undefined || this.leaks !== undefined;
    this.#takesPlainly = config.strategy === 'lifo' && config.isBroken === undefined && config.validate === undefined;
    this.refreshFastPath();
  }

  /** Instances that are of use, now or soon. */
  get usable(): number {
    return this.entries.size - this.destroying;
  }

  /** Lends an idle instance, if there is one. */
  tryLend(): PoolLease<Instance> | undefined {
    const entry = this.#takesPlainly ? this.idle.pop() : takeIdle(this);
    return entry === undefined ? undefined : this.lend(entry);
  }

  /** Lends an instance that is in nobody's hands. @param borrower - where it was asked for, when that was earlier */
  lend(entry: Entry<Instance>, borrower?: Error): PoolLease<Instance> {
    const { figures } = this;
    entry.state = 'borrowed';
    entry.uses += 1;
    if (entry.uses >= this.config.maxUses) entry.retired ??= 'used-up';
    entry.lendingNumber = figures.acquisitions += 1;
    const active = (this.active += 1);
    if (active > figures.peakActive) figures.peakActive = active;
    figures.recentActive += (active - figures.recentActive) * RECENT_WEIGHT;
    const lease = new PoolLease(this, entry);
    if (this.stamps) {
      entry.borrowedAtMs = this.clock.monotonicMs();
      this.leaks?.lent(entry, lease, borrower);
    }
    return lease;
  }

  /** Takes an instance back from its lease. */
  giveBack(entry: Entry<Instance>, outcome: LeaseOutcome | undefined): void {
    if (this.#returnsPlainly && entry.retired === undefined && this.queue.size === 0) {
      this.active -= 1;
      entry.state = 'idle';
      entry.controller = undefined;
      this.idle.push(entry);
      return;
    }
    takeBack(this, entry, outcome);
  }

  /** Gives an instance to whoever needs it, see {@link offer}. */
  offer(entry: Entry<Instance>): void {
    offer(this, entry);
  }

  /** Gives idle instances to those who wait, see {@link serveIdle}. */
  serveIdle(): void {
    serveIdle(this);
  }

  /** Destroys an instance, see {@link destroyEntry}. */
  destroy(entry: Entry<Instance>, reason: DestroyReason): void {
    destroyEntry(this, entry, reason);
  }

  /** Makes what is missing, see {@link replenish}. */
  replenish(): void {
    replenish(this);
  }

  /** To be called after every change that decides whether a return needs a second look. */
  refreshFastPath(): void {
    const { config } = this;
    const hasHooks = config.isBroken !== undefined || config.reset !== undefined;
    this.#returnsPlainly =
      !hasHooks && !this.stamps && this.state === 'open' && this.usable + this.creating <= this.max;
  }

  /** Tells watchers when what they wait for has come. To be called after every change off the fast path. */
  notify(): void {
    for (const watcher of this.watchers) {
      if (!watcher.isReached()) continue;
      this.watchers.delete(watcher);
      watcher.reached();
    }
  }

  report(facts: PoolEventFacts): void {
    const { name: pool, logger, onEvent } = this.config;
    if (failureEvents.has(facts.type)) logger.warn({ pool, ...facts }, `pool "${pool}": ${facts.type}`);
    try {
      onEvent?.({ pool, ...facts });
    } catch (error) {
      logger.error({ pool, error, event: facts.type }, `pool "${pool}": onEvent threw`);
    }
  }
}

import { deadlineAfter, type Clock, type Timer } from '@tenon/core';
import type { HealthOptions } from '../definition/resource-definition.ts';
import { resourceError } from '../errors.ts';
import { describeFailure } from '../events/describe-failure.ts';
import { inBackground } from '../scope/in-background.ts';
import { Doubts } from './doubts.ts';
import { isUsable, type HealthRecord, type HealthStatus } from './health-status.ts';
import { LookHistory, type Sight } from './look-history.ts';
import { createRecoveryGate, recoverySettings, type GateState, type RecoveryGate } from './recovery-gate.ts';

/** Looks at one resource regularly, and when something speaks against it; quarantines it when it fails, and lets it out again when it works. */
export interface HealthWatch {
  readonly gate: RecoveryGate;
  readonly history: Omit<LookHistory, 'add' | 'refute'>;
  /** Looks now. @returns what was seen; `undefined` when there was nothing to look at */
  checkNow(): Promise<HealthRecord | undefined>;
  /** An instance was found beyond use. A look follows. */
  broke(): void;
  /** An instance could not be made. A look follows. */
  notMade(): void;
  /** An instance was made. */
  made(): void;
  start(): void;
  /** Ends it, a look that is under way included. */
  stop(): void;
}

/** How a look is taken. */
export interface LookOptions {
  /** Whether to look at a new instance when none is free and there is room, so that what has failed is looked at though nobody asks for it. */
  readonly inDoubt: boolean;
  /** Whether the last try to make an instance has failed. */
  readonly isNotMade: boolean;
  readonly signal: AbortSignal;
}

/** What {@link createHealthWatch} works with. */
export interface HealthWatchOptions {
  readonly resource: string;
  readonly health: HealthOptions;
  readonly clock: Clock;
  readonly random: () => number;
  /**
   * Looks at an instance, also past the closed gate. It comes to an end when the signal aborts.
   *
   * @returns `undefined` when there is none that is free, which says nothing
   */
  readonly look: (options: LookOptions) => Promise<Sight | undefined>;
  /** Hears what a look has thrown, with all that it says. */
  readonly onFailure: (thrown: unknown) => void;
  onRecord(record: HealthRecord, before: HealthStatus['status']): void;
  onGate(state: GateState): void;
}

/** Makes a watch that has not begun. */
export function createHealthWatch(options: HealthWatchOptions): HealthWatch {
  return new Watch(options);
}

class Watch implements HealthWatch {
  readonly gate: RecoveryGate;
  readonly #options: HealthWatchOptions;
  readonly history: LookHistory = new LookHistory();
  readonly #doubts: Doubts;
  readonly #stopped = new AbortController();
  #timer: Timer | undefined;
  #isStarted = false;
  /** When the next regular look is due, while the gate is open. */
  #regularMs = 0;
  /** Since the gate was opened last: who opens it by hand gives it another chance. */
  #failures = 0;
  #isNotMade = false;
  #looking: Promise<HealthRecord | undefined> | undefined;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
    const settings = recoverySettings(options.health);
    const { initialDelayMs, factor } = settings;
    this.#doubts = new Doubts({ initialDelayMs, factor, maxDelayMs: this.#intervalMs }, options.random);
    this.gate = createRecoveryGate(settings, options.random, (state) => {
      if (state.state === 'open') this.#opened();
      options.onGate(state);
      if (state.state !== 'probing') this.#arm();
    });
  }

  get #intervalMs(): number {
    return this.#options.health.intervalMs ?? 30_000;
  }

  checkNow(): Promise<HealthRecord | undefined> {
    return this.#lookOnce(true);
  }

  broke(): void {
    this.#doubt();
  }

  notMade(): void {
    this.#isNotMade = true;
    this.#doubt();
  }

  made(): void {
    this.#isNotMade = false;
    // A look that is under way finds out by itself.
    if (this.history.refute() && this.#looking === undefined) this.#doubt();
  }

  start(): void {
    this.#isStarted = true;
    this.#regularMs = this.#options.clock.monotonicMs() + this.#intervalMs;
    this.#arm();
  }

  stop(): void {
    const { resource } = this.#options;
    this.#stopped.abort(resourceError('RESOURCES_CLOSED', `resource "${resource}" is not watched any more`));
    this.#timer?.cancel();
  }

  #opened(): void {
    this.#failures = 0;
    this.#regularMs = this.#options.clock.monotonicMs() + this.#intervalMs;
  }

  #doubt(): void {
    const { looksInDoubt = true } = this.#options.health;
    // What is quarantined is looked at anyway.
    if (!looksInDoubt || !this.#isStarted || this.gate.state.state !== 'open') return;
    this.#doubts.raise(this.#options.clock.monotonicMs());
    if (this.#looking === undefined) this.#arm();
  }

  #arm(): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#isStarted || this.#stopped.signal.aborted) return;
    const { state } = this.gate.state;
    if (state === 'given-up') return;
    const nowMs = clock.monotonicMs();
    const doubtMs = state === 'open' ? this.#doubts.dueMs : Infinity;
    const regularMs = state === 'open' ? this.#regularMs : nowMs + (this.gate.retryInMs(nowMs) ?? this.#intervalMs);
    const isRegular = regularMs <= doubtMs;
    this.#timer = clock.schedule(() => this.#tick(isRegular), Math.max(0, Math.min(regularMs, doubtMs) - nowMs));
  }

  #tick(isRegular: boolean): void {
    this.#timer = undefined;
    void inBackground(() => this.#lookOnce(isRegular)).finally(() => {
      if (isRegular) this.#regularMs = this.#options.clock.monotonicMs() + this.#intervalMs;
      this.#arm();
    });
  }

  #lookOnce(isRegular: boolean): Promise<HealthRecord | undefined> {
    this.#looking ??= this.#check(isRegular).finally(() => {
      this.#looking = undefined;
      // By its timer or by hand: there may be a doubt since.
      this.#arm();
    });
    return this.#looking;
  }

  async #check(isRegular: boolean): Promise<HealthRecord | undefined> {
    const { clock } = this.#options;
    if (this.gate.state.state === 'open') return this.#checkOpen(isRegular);
    const ticket = this.gate.tryProbe(clock.monotonicMs());
    if (ticket === undefined) return undefined;
    const record = await this.#look(true);
    const nowMs = clock.monotonicMs();
    if (record === undefined) ticket.deferred(nowMs);
    else if (isUsable(record.health)) ticket.succeeded(nowMs);
    else ticket.failed(reasonOf(record.health), nowMs, isRecoverable(record.health));
    return record;
  }

  async #checkOpen(isRegular: boolean): Promise<HealthRecord | undefined> {
    const { clock, health } = this.#options;
    const { failureThreshold = 3 } = health;
    const isDoubted = this.#doubts.begin(isRegular);
    const record = await this.#look(isDoubted || this.#failures > 0 || !isUsable(this.history.health));
    const isGood = record !== undefined && isUsable(record.health);
    this.#doubts.end(clock.monotonicMs(), isGood);
    // Until one can be made.
    if (record !== undefined && this.history.wasNotMade) this.#doubt();
    if (isGood) this.#failures = 0;
    if (record === undefined || isGood) return record;
    // A look that came early must not bring the end forward. And where none can be made the pool holds back by itself, and for ever tries
    // again: to give that up would only mean that somebody has to be called.
    if (isRegular && (!this.history.wasNotMade || this.#failures > 0)) this.#failures += 1;
    const isHopeless = !isRecoverable(record.health);
    if (this.#failures >= failureThreshold || isHopeless) {
      this.gate.close(reasonOf(record.health), clock.monotonicMs(), !isHopeless);
    }
    return record;
  }

  async #look(inDoubt: boolean): Promise<HealthRecord | undefined> {
    const { clock, health, resource, look, onFailure } = this.#options;
    const startedMs = clock.monotonicMs();
    const name = `the health check of resource "${resource}"`;
    const deadline = deadlineAfter(health.timeoutMs ?? 5_000, { clock, signal: this.#stopped.signal, name });
    let seen: Sight | undefined;
    try {
      seen = await look({ inDoubt, isNotMade: this.#isNotMade, signal: deadline.signal });
    } catch (thrown) {
      if (this.#stopped.signal.aborted) return undefined;
      onFailure(thrown);
      const reason = `its check failed: ${describeFailure(thrown)}`;
      seen = { health: { status: 'unhealthy', reason, recoverable: true }, notMade: false };
    } finally {
      deadline.cancel();
    }
    if (seen === undefined || this.#stopped.signal.aborted) return undefined;
    const before = this.history.last?.health.status ?? 'unknown';
    const record = this.history.add(seen, clock.now(), clock.monotonicMs() - startedMs);
    this.#options.onRecord(record, before);
    return record;
  }
}

const reasonOf = (health: HealthStatus): string => ('reason' in health ? health.reason : health.status);

const isRecoverable = (health: HealthStatus): boolean => health.status !== 'unhealthy' || health.recoverable;

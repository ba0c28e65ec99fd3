import { deadlineAfter, runInContext, type Clock, type Timer } from '@tenon/core';
import type { HealthOptions } from '../definition/resource-definition.ts';
import { resourceError } from '../errors.ts';
import { describeFailure } from '../events/code-of-failure.ts';
import { beforeAbort } from '../waiting/before-abort.ts';
import { isUsable, type HealthRecord, type HealthStatus } from './health-status.ts';
import { createRecoveryGate, recoverySettings, type GateState, type RecoveryGate } from './recovery-gate.ts';

/** Looks at one resource regularly, quarantines it when it fails, and lets it out again when it works. */
export interface HealthWatch {
  readonly gate: RecoveryGate;
  /** The last look; `undefined` before the first. */
  readonly last: HealthRecord | undefined;
  /** The last looks, the newest first. */
  history(): readonly HealthRecord[];
  /** Looks now. @returns what was seen; `undefined` when there was nothing to look at */
  checkNow(): Promise<HealthRecord | undefined>;
  start(): void;
  /** Ends it, a look that is under way included. */
  stop(): void;
}

/** What {@link createHealthWatch} works with. */
export interface HealthWatchOptions {
  readonly resource: string;
  readonly health: HealthOptions;
  readonly clock: Clock;
  readonly random: () => number;
  /**
   * Looks at an instance: in doubt, after a look that failed, at a new one where there is none; and past the closed gate.
   *
   * @returns `undefined` when there is none that is free, which says nothing
   */
  readonly look: (options: {
    readonly inDoubt: boolean;
    readonly signal: AbortSignal;
  }) => Promise<HealthStatus | undefined>;
  /** Hears what a look has thrown, with all that it says. */
  readonly onFailure: (thrown: unknown) => void;
  onRecord(record: HealthRecord, before: HealthStatus['status']): void;
  onGate(state: GateState): void;
}

const HISTORY = 100;

/** Makes a watch that has not begun. */
export function createHealthWatch(options: HealthWatchOptions): HealthWatch {
  return new Watch(options);
}

class Watch implements HealthWatch {
  readonly gate: RecoveryGate;
  readonly #options: HealthWatchOptions;
  readonly #history: HealthRecord[] = [];
  readonly #stopped = new AbortController();
  #timer: Timer | undefined;
  #isStarted = false;
  /** Since the gate was opened last: who opens it by hand gives it another chance. */
  #failures = 0;
  #looking: Promise<HealthRecord | undefined> | undefined;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
    this.gate = createRecoveryGate(recoverySettings(options.health), options.random, (state) => {
      if (state.state === 'open') this.#failures = 0;
      options.onGate(state);
      if (state.state !== 'probing') this.#arm();
    });
  }

  get last(): HealthRecord | undefined {
    return this.#history[0];
  }

  history(): readonly HealthRecord[] {
    return [...this.#history];
  }

  checkNow(): Promise<HealthRecord | undefined> {
    this.#looking ??= this.#check().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  start(): void {
    this.#isStarted = true;
    this.#arm();
  }

  stop(): void {
    const { resource } = this.#options;
    this.#stopped.abort(resourceError('RESOURCES_CLOSED', `resource "${resource}" is not watched any more`));
    this.#timer?.cancel();
  }

  #arm(): void {
    const { clock, health } = this.#options;
    const { intervalMs = 30_000 } = health;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!this.#isStarted || this.#stopped.signal.aborted) return;
    const { state } = this.gate.state;
    if (state === 'given-up') return;
    const delayMs = state === 'open' ? intervalMs : (this.gate.retryInMs(clock.monotonicMs()) ?? intervalMs);
    this.#timer = clock.schedule(() => this.#tick(), delayMs);
  }

  // Not in the context of the request that happened to come first.
  #tick(): void {
    void runInContext({}, () => this.checkNow()).finally(() => this.#arm());
  }

  async #check(): Promise<HealthRecord | undefined> {
    const { clock } = this.#options;
    if (this.gate.state.state === 'open') return this.#checkOpen();
    const ticket = this.gate.tryProbe(clock.monotonicMs());
    if (ticket === undefined) return undefined;
    const record = await this.#look(true);
    const nowMs = clock.monotonicMs();
    if (record === undefined) ticket.deferred(nowMs);
    else if (isUsable(record.health)) ticket.succeeded(nowMs);
    else ticket.failed(reasonOf(record.health), nowMs, isRecoverable(record.health));
    return record;
  }

  async #checkOpen(): Promise<HealthRecord | undefined> {
    const { clock, health } = this.#options;
    const { failureThreshold = 3 } = health;
    const record = await this.#look(this.#failures > 0);
    if (record === undefined) return undefined;
    this.#failures = isUsable(record.health) ? 0 : this.#failures + 1;
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
    let seen: HealthStatus | undefined;
    try {
      seen = await beforeAbort(look({ inDoubt, signal: deadline.signal }), deadline.signal);
    } catch (thrown) {
      if (this.#stopped.signal.aborted) return undefined;
      onFailure(thrown);
      seen = { status: 'unhealthy', reason: `its check failed: ${describeFailure(thrown)}`, recoverable: true };
    } finally {
      deadline.cancel();
    }
    return seen === undefined ? undefined : this.#keep(seen, clock.monotonicMs() - startedMs);
  }

  #keep(seen: HealthStatus, latencyMs: number): HealthRecord {
    const before = this.last;
    const failuresInRow = isUsable(seen) ? 0 : (before?.failuresInRow ?? 0) + 1;
    const record = { health: seen, checkedAtMs: this.#options.clock.now(), latencyMs, failuresInRow };
    this.#history.unshift(record);
    this.#history.length = Math.min(this.#history.length, HISTORY);
    this.#options.onRecord(record, before?.health.status ?? 'unknown');
    return record;
  }
}

const reasonOf = (health: HealthStatus): string => ('reason' in health ? health.reason : health.status);

const isRecoverable = (health: HealthStatus): boolean => health.status !== 'unhealthy' || health.recoverable;

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
  look(options: { readonly inDoubt: boolean; readonly signal: AbortSignal }): Promise<HealthStatus | undefined>;
  /** Hears what a look has thrown, with all that it says. */
  onFailure(thrown: unknown): void;
  onRecord(record: HealthRecord, before: HealthStatus['status']): void;
  onGate(state: GateState): void;
}

const HISTORY = 100;

/** Makes a watch that has not begun. */
export function createHealthWatch(options: HealthWatchOptions): HealthWatch {
  const { clock, health } = options;
  const { intervalMs = 30_000, timeoutMs = 5_000, failureThreshold = 3 } = health;
  const history: HealthRecord[] = [];
  const stopped = new AbortController();
  let timer: Timer | undefined;
  let isStarted = false;
  /** Since the gate was opened last: who opens it by hand gives it another chance. */
  let failures = 0;
  let looking: Promise<HealthRecord | undefined> | undefined;

  const arm = (): void => {
    timer?.cancel();
    timer = undefined;
    if (!isStarted || stopped.signal.aborted) return;
    const { state } = gate.state;
    if (state === 'given-up') return;
    timer = clock.schedule(tick, state === 'open' ? intervalMs : (gate.retryInMs(clock.monotonicMs()) ?? intervalMs));
  };
  // Not in the context of the request that happened to come first.
  const tick = (): void => {
    void runInContext({}, () => watch.checkNow()).finally(arm);
  };
  const gate = createRecoveryGate(recoverySettings(health), options.random, (state) => {
    if (state.state === 'open') failures = 0;
    options.onGate(state);
    if (state.state !== 'probing') arm();
  });

  const look = async (inDoubt: boolean): Promise<HealthRecord | undefined> => {
    const startedMs = clock.monotonicMs();
    const deadline = deadlineAfter(timeoutMs, {
      clock,
      signal: stopped.signal,
      name: `the health check of resource "${options.resource}"`,
    });
    let seen: HealthStatus | undefined;
    try {
      seen = await beforeAbort(options.look({ inDoubt, signal: deadline.signal }), deadline.signal);
    } catch (thrown) {
      if (stopped.signal.aborted) return undefined;
      options.onFailure(thrown);
      seen = { status: 'unhealthy', reason: `its check failed: ${describeFailure(thrown)}`, recoverable: true };
    } finally {
      deadline.cancel();
    }
    return seen === undefined ? undefined : keep(seen, clock.monotonicMs() - startedMs);
  };
  const keep = (seen: HealthStatus, latencyMs: number): HealthRecord => {
    const before = history[0];
    const failuresInRow = isUsable(seen) ? 0 : (before?.failuresInRow ?? 0) + 1;
    const record = { health: seen, checkedAtMs: clock.now(), latencyMs, failuresInRow };
    history.unshift(record);
    history.length = Math.min(history.length, HISTORY);
    options.onRecord(record, before?.health.status ?? 'unknown');
    return record;
  };
  const lookWhileOpen = async (): Promise<HealthRecord | undefined> => {
    const record = await look(failures > 0);
    if (record === undefined) return undefined;
    failures = isUsable(record.health) ? 0 : failures + 1;
    const isHopeless = !isRecoverable(record.health);
    if (failures >= failureThreshold || isHopeless) {
      gate.close(reasonOf(record.health), clock.monotonicMs(), !isHopeless);
    }
    return record;
  };
  const check = async (): Promise<HealthRecord | undefined> => {
    if (gate.state.state === 'open') return lookWhileOpen();
    const ticket = gate.tryProbe(clock.monotonicMs());
    if (ticket === undefined) return undefined;
    const record = await look(true);
    const nowMs = clock.monotonicMs();
    if (record === undefined) ticket.deferred(nowMs);
    else if (isUsable(record.health)) ticket.succeeded(nowMs);
    else ticket.failed(reasonOf(record.health), nowMs, isRecoverable(record.health));
    return record;
  };

  const watch: HealthWatch = {
    gate,
    get last() {
      return history[0];
    },
    history: () => [...history],
    checkNow() {
      looking ??= check().finally(() => {
        looking = undefined;
      });
      return looking;
    },
    start() {
      isStarted = true;
      arm();
    },
    stop() {
      stopped.abort(resourceError('RESOURCES_CLOSED', `resource "${options.resource}" is not watched any more`));
      timer?.cancel();
    },
  };
  return watch;
}

const reasonOf = (health: HealthStatus): string => ('reason' in health ? health.reason : health.status);

const isRecoverable = (health: HealthStatus): boolean => health.status !== 'unhealthy' || health.recoverable;

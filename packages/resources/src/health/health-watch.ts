import { deadlineAfter, toError, type Clock, type Timer } from '@tenon/core';
import type { HealthOptions } from '../definition/resource-definition.ts';
import { resourceError } from '../errors.ts';
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
   * Looks at an instance: with `probe` at a new one, past the closed gate.
   *
   * @returns `undefined` when there is none that is free, which says nothing
   */
  look(options: { readonly probe: boolean; readonly signal: AbortSignal }): Promise<HealthStatus | undefined>;
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
  let looking: Promise<HealthRecord | undefined> | undefined;

  const arm = (): void => {
    timer?.cancel();
    timer = undefined;
    if (!isStarted || stopped.signal.aborted) return;
    const { state } = gate.state;
    if (state === 'given-up') return;
    timer = clock.schedule(tick, state === 'open' ? intervalMs : (gate.retryInMs(clock.monotonicMs()) ?? intervalMs));
  };
  const tick = (): void => {
    void watch.checkNow().finally(arm);
  };
  const gate = createRecoveryGate(recoverySettings(health), options.random, (state) => {
    options.onGate(state);
    if (state.state !== 'probing') arm();
  });

  const look = async (probe: boolean): Promise<HealthRecord | undefined> => {
    const startedMs = clock.monotonicMs();
    const deadline = deadlineAfter(timeoutMs, {
      clock,
      signal: stopped.signal,
      name: `the health check of resource "${options.resource}"`,
    });
    let seen: HealthStatus | undefined;
    try {
      seen = await beforeAbort(options.look({ probe, signal: deadline.signal }), deadline.signal);
    } catch (thrown) {
      if (stopped.signal.aborted) return undefined;
      seen = { status: 'unhealthy', reason: toError(thrown).message, recoverable: true };
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
  const check = async (): Promise<HealthRecord | undefined> => {
    if (gate.state.state === 'open') {
      const record = await look(false);
      const isOver = record !== undefined && !isUsable(record.health);
      if (isOver && (record.failuresInRow >= failureThreshold || !isRecoverable(record.health))) {
        gate.close(reasonOf(record.health), clock.monotonicMs());
      }
      return record;
    }
    const ticket = gate.tryProbe(clock.monotonicMs());
    if (ticket === undefined) return undefined;
    const record = await look(true);
    if (record === undefined) ticket.failed('there was nothing to look at', clock.monotonicMs());
    else if (isUsable(record.health)) ticket.succeeded(clock.monotonicMs());
    else ticket.failed(reasonOf(record.health), clock.monotonicMs());
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

/** Work that is given up at the signal. What it comes to afterwards is let go. */
async function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(toError(signal.reason));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
    work.catch(() => undefined);
  }
}

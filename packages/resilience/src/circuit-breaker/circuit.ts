import type { Clock } from '@tenon/core';
import type { CallWindow } from './call-window.ts';
import type { CircuitSettings } from './circuit-settings.ts';

/**
 * `closed`: calls go through. `open`: all are turned away until `openMs` have passed. `half-open`: a few probes go through, all others are
 * turned away; enough good probes close the circuit, one bad probe opens it again. `isolated`: held open by hand.
 */
export type CircuitState = 'closed' | 'open' | 'half-open' | 'isolated';

/** How a call ended, for the circuit: `unknown` says nothing about the dependency, for example when the caller gave up. */
export type CircuitOutcome = 'success' | 'failure' | 'unknown';

/**
 * The state machine of a circuit breaker. It has no timer: that time has passed is noticed by the next call.
 *
 * Each state is a period with a number. A call is of the period in which it entered; when it ends in another one, its result is of the
 * past and counts for nothing, and a place that it took in a half-open period went with that period.
 */
export class Circuit {
  readonly #settings: CircuitSettings;
  readonly #window: CallWindow;
  readonly #clock: Clock;
  readonly #changed: (state: CircuitState) => void;
  #state: CircuitState = 'closed';
  #period = 0;
  #openUntilMs = 0;
  #openedInARow = 0;
  #probesUnderWay = 0;
  #goodProbes = 0;
  #newestProbeMs = 0;

  /** @param changed - told of each new state */
  constructor(settings: CircuitSettings, window: CallWindow, clock: Clock, changed: (state: CircuitState) => void) {
    this.#settings = settings;
    this.#window = window;
    this.#clock = clock;
    this.#changed = changed;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** @returns the period of the call, to be given back to {@link Circuit.leave}; -1 when the call is turned away */
  enter(): number {
    return this.#state === 'closed' ? this.#period : this.#enterGuarded();
  }

  /** Takes the end of a call that {@link Circuit.enter} let through. */
  leave(period: number, outcome: CircuitOutcome, slow: boolean): void {
    if (period !== this.#period) return;
    if (this.#state === 'half-open') this.#leaveProbe(outcome, slow);
    else if (outcome !== 'unknown' && this.#window.record(outcome === 'failure', slow)) this.#open();
  }

  /** How long a call that is turned away should wait, in milliseconds. */
  retryAfterMs(): number {
    if (this.#state === 'isolated') return this.#settings.maxOpenMs;
    if (this.#state === 'open') return Math.max(0, this.#openUntilMs - this.#clock.monotonicMs());
    // A probe is under way. How long it will take is not known; that it counts as lost is.
    if (this.#state === 'half-open') return this.#probeLostMs() - this.#clock.monotonicMs();
    return 0;
  }

  isolate(): void {
    if (this.#state !== 'isolated') this.#become('isolated');
  }

  reset(): void {
    if (this.#state !== 'closed') this.#close();
    else this.#window.reset();
  }

  #enterGuarded(): number {
    const nowMs = this.#clock.monotonicMs();
    if (this.#state === 'isolated') return -1;
    if (this.#state === 'open') {
      if (nowMs < this.#openUntilMs) return -1;
      this.#become('half-open');
    }
    const { probes, successesToClose } = this.#settings;
    const isFull = this.#probesUnderWay >= probes || this.#probesUnderWay + this.#goodProbes >= successesToClose;
    if (isFull) {
      // Probes that never end would keep the circuit half-open for ever.
      if (nowMs < this.#probeLostMs()) return -1;
      this.#become('half-open');
    }
    this.#probesUnderWay += 1;
    this.#newestProbeMs = nowMs;
    return this.#period;
  }

  #probeLostMs(): number {
    return this.#newestProbeMs + Math.max(1, this.#settings.openMs);
  }

  #leaveProbe(outcome: CircuitOutcome, slow: boolean): void {
    this.#probesUnderWay -= 1;
    if (outcome === 'unknown') return;
    if (outcome === 'failure' || slow) {
      this.#open();
      return;
    }
    this.#goodProbes += 1;
    if (this.#goodProbes >= this.#settings.successesToClose) this.#close();
  }

  #open(): void {
    const { openMs, openMultiplier, maxOpenMs } = this.#settings;
    const openForMs = Math.min(maxOpenMs, openMs * openMultiplier ** this.#openedInARow);
    this.#openUntilMs = this.#clock.monotonicMs() + openForMs;
    this.#openedInARow += 1;
    this.#become('open');
  }

  #close(): void {
    const goodProbes = this.#goodProbes;
    this.#openedInARow = 0;
    this.#window.reset();
    // The probes are the newest that is known of the dependency.
    for (let probe = 0; probe < goodProbes; probe += 1) this.#window.record(false, false);
    this.#become('closed');
  }

  #become(state: CircuitState): void {
    const isNew = this.#state !== state;
    this.#state = state;
    this.#period += 1;
    this.#probesUnderWay = 0;
    this.#goodProbes = 0;
    if (isNew) this.#changed(state);
  }
}

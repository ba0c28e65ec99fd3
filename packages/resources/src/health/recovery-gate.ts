import { backOffMs } from '../waiting/back-off.ts';

/** What decides when a resource that fails is tried again. */
export interface RecoveryOptions {
  /** How long after the first failure, in milliseconds, 1 or more. Default 1,000. */
  readonly initialDelayMs?: number;
  /** By what each further failure multiplies it, 1 or more. Default 2. */
  readonly factor?: number;
  /** The longest wait, in milliseconds. Default 300,000. */
  readonly maxDelayMs?: number;
  /** After so many tries in vain it stays closed until somebody opens it. 1 or more; `Infinity`: it is tried for ever. Default 5. */
  readonly maxAttempts?: number;
  /** How many tries in a row must succeed. 1 or more. Default 2. */
  readonly successesNeeded?: number;
}

/** Whether work goes to a resource. */
export type GateState =
  | { readonly state: 'open' }
  /** Nobody passes until `retryAtMs` (monotonic); then one may try. */
  | { readonly state: 'closed'; readonly reason: string; readonly attempts: number; readonly retryAtMs: number }
  /** One is trying. */
  | { readonly state: 'probing'; readonly reason: string; readonly attempts: number }
  /** Nobody passes, and nobody tries, until it is opened by hand. */
  | { readonly state: 'given-up'; readonly reason: string; readonly attempts: number };

/** Lets one at a time try a resource that fails, ever more seldom. Time comes from outside: it has no timer. */
export interface RecoveryGate {
  readonly state: GateState;
  /** Closes the gate; what cannot recover is given up at once. A gate that is closed already stays as it is. */
  close(reason: string, nowMs: number, isRecoverable?: boolean): void;
  /** Opens it by hand. */
  open(): void;
  /** Gives the right to try to one caller at a time, from `retryAtMs` on. What came of it must be told to the ticket. */
  tryProbe(nowMs: number): ProbeTicket | undefined;
  /** How long until somebody may try, in milliseconds; `undefined` when the gate is open, or nobody ever may. */
  retryInMs(nowMs: number): number | undefined;
}

/** The right to try. Only the first word counts. */
export interface ProbeTicket {
  succeeded(nowMs: number): void;
  /** What cannot recover is given up. */
  failed(reason: string, nowMs: number, isRecoverable?: boolean): void;
  /** It could not be tried, which says nothing: it is the turn of the next one, after the same wait again. */
  deferred(nowMs: number): void;
}

/** What {@link createRecoveryGate} works with, all of it given. */
export type RecoverySettings = Required<RecoveryOptions>;

/** Fills in the defaults. */
export function recoverySettings(options: RecoveryOptions = {}): RecoverySettings {
  return {
    initialDelayMs: options.initialDelayMs ?? 1_000,
    factor: options.factor ?? 2,
    maxDelayMs: options.maxDelayMs ?? 300_000,
    maxAttempts: options.maxAttempts ?? 5,
    successesNeeded: options.successesNeeded ?? 2,
  };
}

/**
 * Makes an open gate.
 *
 * @param random - for its waits, see {@link backOffMs}
 * @param onChange - hears of each change
 */
export function createRecoveryGate(
  settings: RecoverySettings,
  random: () => number,
  onChange: (state: GateState) => void = () => undefined,
): RecoveryGate {
  let state: GateState = { state: 'open' };
  let successes = 0;
  let generation = 0;
  const become = (next: GateState): void => {
    state = next;
    generation += 1;
    onChange(next);
  };
  const shut = (reason: string, attempts: number, nowMs: number, isRecoverable = true): void => {
    successes = 0;
    if (attempts >= settings.maxAttempts || !isRecoverable) {
      become({ state: 'given-up', reason, attempts });
      return;
    }
    become({ state: 'closed', reason, attempts, retryAtMs: nowMs + backOffMs(settings, attempts, random) });
  };

  return {
    get state() {
      return state;
    },
    close(reason, nowMs, isRecoverable) {
      if (state.state === 'open') shut(reason, 0, nowMs, isRecoverable);
    },
    open() {
      successes = 0;
      if (state.state !== 'open') become({ state: 'open' });
    },
    tryProbe(nowMs) {
      if (state.state !== 'closed' || nowMs < state.retryAtMs) return undefined;
      const { reason, attempts } = state;
      become({ state: 'probing', reason, attempts });
      const mine = generation;
      return {
        succeeded(atMs) {
          if (generation !== mine) return;
          successes += 1;
          if (successes >= settings.successesNeeded) become({ state: 'open' });
          // The next try follows at once.
          else become({ state: 'closed', reason, attempts, retryAtMs: atMs });
        },
        failed(why, atMs, isRecoverable) {
          if (generation === mine) shut(why, attempts + 1, atMs, isRecoverable);
        },
        deferred(atMs) {
          if (generation === mine) shut(reason, attempts, atMs);
        },
      };
    },
    retryInMs: (nowMs) => (state.state === 'closed' ? Math.max(0, state.retryAtMs - nowMs) : undefined),
  };
}

import type { Clock } from '@tenon/core';
import { checkNumber } from '../check-number.ts';
import { resilienceError } from '../errors.ts';
import type { StrategyOptions } from '../pipeline/strategy.ts';
import type { CallWindow } from './call-window.ts';
import { consecutiveWindow } from './consecutive-window.ts';
import { countWindow } from './count-window.ts';
import { timeWindow } from './time-window.ts';

/** When a window of calls is too bad. */
export interface WindowOptions {
  /** The part of failed calls at which the circuit opens, above 0, up to 1. Default 0.5. */
  readonly failureRatio?: number;
  /** The part of slow calls (see `slowCallMs`) at which the circuit opens, above 0, up to 1. Default 1. */
  readonly slowRatio?: number;
  /** Fewer calls than this open nothing. 1 or more. Default 5. */
  readonly minimumCalls?: number;
}

/** Looks at the last so many calls. */
export interface CountWindowOptions extends WindowOptions {
  /** How many calls, 1 to 1,000,000; one byte each. */
  readonly calls: number;
}

/** Looks at the calls of the last so many milliseconds. */
export interface TimeWindowOptions extends WindowOptions {
  /** How far back, in milliseconds, 10 or more; in steps of a tenth. */
  readonly windowMs: number;
}

/** What a circuit breaker takes. */
export interface CircuitBreakerOptions extends StrategyOptions {
  /** So many failures in a row open the circuit; 1 or more. Default 5. Not together with `window`. */
  readonly failures?: number;
  /** Opens by the part of failed or slow calls instead. */
  readonly window?: CountWindowOptions | TimeWindowOptions;
  /** A call that takes this long or longer is slow, in milliseconds. Without a `window` a slow call is a failure. Default: no call is slow. */
  readonly slowCallMs?: number;
  /** How long the circuit stays open before it lets probes through, in milliseconds. Default 30,000. */
  readonly openMs?: number;
  /** By how many times longer it stays open after each failed probe, 1 or more. Default 1. */
  readonly openMultiplier?: number;
  /** The longest time it stays open, in milliseconds. Default 300,000. */
  readonly maxOpenMs?: number;
  /** How many probes a half-open circuit has under way at most; all other calls are turned away at once. 1 or more. Default 1. */
  readonly probes?: number;
  /** How many probes must succeed to close the circuit. 1 or more. Default: `probes`. */
  readonly successesToClose?: number;
  /** Which errors speak against the dependency. Default {@link isCircuitFailure}. Others count as an answer: the dependency is there. */
  readonly isFailure?: (error: unknown) => boolean;
}

/** The options of a circuit, resolved. */
export interface CircuitSettings {
  readonly openMs: number;
  readonly openMultiplier: number;
  readonly maxOpenMs: number;
  readonly probes: number;
  readonly successesToClose: number;
  readonly slowCallMs: number;
}

/**
 * Checks the options of a circuit.
 *
 * @throws `RESILIENCE_OPTIONS_INVALID` when a number is out of range, or both `failures` and `window` are given
 */
export function circuitSettings(options: CircuitBreakerOptions): CircuitSettings {
  const whole = { min: 1, whole: true };
  const openMs = checkNumber('circuitBreaker.openMs', options.openMs ?? 30_000, { min: 0 });
  const probes = checkNumber('circuitBreaker.probes', options.probes ?? 1, whole);
  if (options.failures !== undefined && options.window !== undefined) {
    throw resilienceError('RESILIENCE_OPTIONS_INVALID', 'circuitBreaker takes either failures or window, not both', {
      details: { option: 'circuitBreaker.window' },
    });
  }
  return {
    openMs,
    openMultiplier: checkNumber('circuitBreaker.openMultiplier', options.openMultiplier ?? 1, { min: 1 }),
    maxOpenMs: checkNumber('circuitBreaker.maxOpenMs', options.maxOpenMs ?? Math.max(openMs, 300_000), { min: openMs }),
    probes,
    successesToClose: checkNumber('circuitBreaker.successesToClose', options.successesToClose ?? probes, whole),
    slowCallMs: checkNumber('circuitBreaker.slowCallMs', options.slowCallMs ?? Infinity, { above: 0 }),
  };
}

/**
 * Makes the memory of a circuit.
 *
 * @throws `RESILIENCE_OPTIONS_INVALID` when a number is out of range
 */
export function createCallWindow(options: CircuitBreakerOptions, clock: Clock): CallWindow {
  const { window } = options;
  if (window === undefined) {
    return consecutiveWindow(
      checkNumber('circuitBreaker.failures', options.failures ?? 5, { min: 1, max: 1e9, whole: true }),
    );
  }
  const ratio = { above: 0, max: 1 };
  const limits = {
    failureRatio: checkNumber('circuitBreaker.window.failureRatio', window.failureRatio ?? 0.5, ratio),
    slowRatio: checkNumber('circuitBreaker.window.slowRatio', window.slowRatio ?? 1, ratio),
    minimumCalls: checkNumber('circuitBreaker.window.minimumCalls', window.minimumCalls ?? 5, { min: 1, whole: true }),
  };
  if ('calls' in window) {
    const calls = checkNumber('circuitBreaker.window.calls', window.calls, { min: 1, max: 1_000_000, whole: true });
    // More calls than the window holds never come together.
    return countWindow(calls, { ...limits, minimumCalls: Math.min(calls, limits.minimumCalls) });
  }
  const windowMs = checkNumber('circuitBreaker.window.windowMs', window.windowMs, { min: 10 });
  return timeWindow(windowMs, clock, limits);
}

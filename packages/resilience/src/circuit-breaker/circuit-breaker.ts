import { isCodedError } from '@tenon/core';
import type { CallScope } from '../call/call-scope.ts';
import type { Step } from '../call/invoke.ts';
import { resilienceError, type ResilienceError } from '../errors.ts';
import { observe } from '../events/observe.ts';
import { createReporter } from '../events/reporter.ts';
import { createStrategy, strategyConfig, type Strategy } from '../pipeline/strategy.ts';
import { isTurnedAway } from '../retry/is-retryable.ts';
import { Circuit, type CircuitOutcome, type CircuitState } from './circuit.ts';
import { circuitSettings, createCallWindow, type CircuitBreakerOptions } from './circuit-settings.ts';

/** What a circuit breaker has seen, and how it stands. */
export interface CircuitBreakerStatistics {
  readonly state: CircuitState;
  readonly successes: number;
  readonly failures: number;
  readonly slowCalls: number;
  /** Calls that were turned away. */
  readonly rejected: number;
  readonly timesOpened: number;
  /** How long until calls are let through again, in milliseconds; 0 when they are. */
  readonly retryAfterMs: number;
}

/** A {@link circuitBreaker}. */
export interface CircuitBreaker extends Strategy<'circuit-breaker', CircuitBreakerStatistics, never> {
  readonly state: CircuitState;
  /** Opens the circuit and holds it open until {@link CircuitBreaker.reset}: for maintenance, or to take a dependency out by hand. */
  isolate(): void;
  /** Closes the circuit and forgets the calls so far. */
  reset(): void;
}

const events = {
  closed: 'circuit-closed',
  'half-open': 'circuit-half-opened',
  open: 'circuit-opened',
  isolated: 'circuit-opened',
} as const;
const gaugeValues: Readonly<Record<CircuitState, number>> = { closed: 0, 'half-open': 1, open: 2, isolated: 2 };

/**
 * What speaks against a dependency by default: every error, save coded errors that no retry can help (it was there, and said no) and those
 * by which a guard further in turned the call away (it was never asked).
 */
export function isCircuitFailure(error: unknown): boolean {
  return isCodedError(error) ? error.retryable && !isTurnedAway(error) : true;
}

/**
 * Turns calls away at once while a dependency is down, and finds out by a few probes when it is back.
 *
 * When time has passed is looked at by the next call; there is no timer, so an idle breaker costs nothing. A call that its caller gives
 * up says nothing about the dependency, and gives its place as a probe back; a timeout speaks against it.
 *
 * @example
 * ```ts
 * const guarded = circuitBreaker({ name: 'mail', failures: 5, openMs: 10_000 });
 * const quote = await guarded.run(({ signal }) => mail.quote(order, { signal }));
 * ```
 * @throws from `run`: `CIRCUIT_OPEN`, with `retryAfterMs`
 * @throws `RESILIENCE_OPTIONS_INVALID` when an option is out of range
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  const breaker = createCircuitBreaker(options, strategyConfig(options).name);
  observe({
    name: 'resilience_circuit_state',
    description: 'State of a circuit breaker: 0 closed, 1 half-open, 2 open; the worst of those with one name',
    together: 'most',
    dependency: breaker.name,
    owner: breaker,
    read: (one) => circuitGaugeValue(one.state),
  });
  return breaker;
}

/** A state as metrics show it. */
export function circuitGaugeValue(state: CircuitState): number {
  return gaugeValues[state];
}

function withControls(
  strategy: Strategy<'circuit-breaker', CircuitBreakerStatistics, never>,
  circuit: Circuit,
): CircuitBreaker {
  return {
    ...strategy,
    get state() {
      return circuit.state;
    },
    isolate: () => circuit.isolate(),
    reset: () => circuit.reset(),
  };
}

function circuitOpen(name: string, state: CircuitState, retryAfterMs: number): ResilienceError {
  const when = state === 'isolated' ? ' until it is reset by hand' : `; try again in ${Math.ceil(retryAfterMs)} ms`;
  return resilienceError('CIRCUIT_OPEN', `the circuit to "${name}" is ${state}${when}`, {
    retryable: true,
    retryAfterMs,
    details: { name, state },
  });
}

/**
 * Makes a breaker without its gauge.
 *
 * @param dependency - its label in metrics
 */
export function createCircuitBreaker(options: CircuitBreakerOptions, dependency: string): CircuitBreaker {
  const { name, clock } = strategyConfig(options);
  const { isFailure = isCircuitFailure } = options;
  const settings = circuitSettings(options);
  const timesCalls = settings.slowCallMs !== Infinity;
  const report = createReporter(dependency, options.onEvent);
  let successes = 0;
  let failures = 0;
  let slowCalls = 0;
  let rejected = 0;
  let timesOpened = 0;
  const circuit = new Circuit(settings, createCallWindow(options, clock), clock, (state) => {
    if (state === 'open') timesOpened += 1;
    report({ type: events[state], name });
  });

  const turnAway = (): never => {
    const retryAfterMs = circuit.retryAfterMs();
    rejected += 1;
    report({ type: 'circuit-rejected', name, retryAfterMs });
    throw circuitOpen(name, circuit.state, retryAfterMs);
  };
  const isSlow = (startedMs: number): boolean => {
    const slow = timesCalls && clock.monotonicMs() - startedMs >= settings.slowCallMs;
    if (slow) slowCalls += 1;
    return slow;
  };
  const judge = (scope: CallScope, error: unknown): CircuitOutcome => {
    if (scope.aborted === 'caller' || scope.aborted === 'superseded' || isTurnedAway(error)) return 'unknown';
    if (!isFailure(error)) return 'success';
    failures += 1;
    return 'failure';
  };

  const wrap = (next: Step): Step =>
    async function broken(scope: CallScope): Promise<unknown> {
      const period = circuit.enter();
      if (period < 0) turnAway();
      const startedMs = timesCalls ? clock.monotonicMs() : 0;
      try {
        const value = await next(scope);
        successes += 1;
        circuit.leave(period, 'success', isSlow(startedMs));
        return value;
      } catch (error) {
        const outcome = judge(scope, error);
        circuit.leave(period, outcome, outcome !== 'unknown' && isSlow(startedMs));
        throw error;
      }
    };
  const statistics = (): CircuitBreakerStatistics => {
    const { state } = circuit;
    return { state, successes, failures, slowCalls, rejected, timesOpened, retryAfterMs: circuit.retryAfterMs() };
  };
  return withControls(createStrategy({ kind: 'circuit-breaker', name, clock, statistics, wrap }), circuit);
}

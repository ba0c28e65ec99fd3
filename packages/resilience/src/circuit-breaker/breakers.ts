import { checkNumber } from '../check-number.ts';
import { observe } from '../events/observe.ts';
import { strategyConfig } from '../pipeline/strategy.ts';
import { circuitGaugeValue, createCircuitBreaker, type CircuitBreaker } from './circuit-breaker.ts';
import type { CircuitBreakerOptions } from './circuit-settings.ts';

// Among more than these, an open one may have to go: finding a closed one must not cost more than the call.
const MOST_LOOKED_AT = 16;

function worstState(kept: ReadonlyMap<string, CircuitBreaker>): number {
  let worst = 0;
  for (const { state } of kept.values()) worst = Math.max(worst, circuitGaugeValue(state));
  return worst;
}

/** What {@link breakers} takes: the options of each breaker, and how many there may be. */
export interface BreakersOptions extends CircuitBreakerOptions {
  /** The most breakers that are kept; 1 or more. Default 1,000. */
  readonly max?: number;
}

/** Breakers by dependency. */
export interface Breakers {
  /** How many there are. */
  readonly size: number;
  /** The breaker of a dependency; a new, closed one when there is none (any more). */
  for(dependency: string): CircuitBreaker;
  /** Forgets the breaker of a dependency. @returns whether there was one */
  delete(dependency: string): boolean;
  /** The dependencies that have a breaker, the least recently used one first. */
  names(): readonly string[];
}

/**
 * One circuit breaker for each dependency, made when it is first asked for. There are never more than `max`: the least recently used one
 * goes, preferably a closed one.
 *
 * Each breaker stands under its own name in messages and events; metrics have the registry's `name` as their label, as the
 * number of dependencies has no bounds.
 *
 * @example
 * ```ts
 * const endpoints = breakers({ name: 'webhook-endpoints', max: 10_000, failures: 3 });
 * await endpoints.for(endpoint.host).run(({ signal }) => deliver(endpoint, { signal }));
 * ```
 * @throws `RESILIENCE_OPTIONS_INVALID` when an option is out of range
 */
export function breakers(options: BreakersOptions = {}): Breakers {
  const { name: label } = strategyConfig(options);
  const max = checkNumber('breakers.max', options.max ?? 1_000, { min: 1, whole: true });
  const kept = new Map<string, CircuitBreaker>();
  // So that wrong options are refused here, and not by the first call.
  createCircuitBreaker(options, label);

  const makeRoom = (): void => {
    if (kept.size < max) return;
    const [oldest] = kept.keys();
    let leaving = oldest;
    let looked = 0;
    for (const [dependency, { state }] of kept) {
      if (state === 'closed') leaving = dependency;
      looked += 1;
      if (state === 'closed' || looked === MOST_LOOKED_AT) break;
    }
    if (leaving !== undefined) kept.delete(leaving);
  };
  const registry: Breakers = {
    get size() {
      return kept.size;
    },
    for(dependency) {
      const known = kept.get(dependency);
      if (known === undefined) makeRoom();
      else kept.delete(dependency);
      const breaker = known ?? createCircuitBreaker({ ...options, name: dependency }, label);
      kept.set(dependency, breaker);
      return breaker;
    },
    delete: (dependency) => kept.delete(dependency),
    names: () => [...kept.keys()],
  };
  observe({
    name: 'resilience_circuit_state',
    description: 'State of a circuit breaker: 0 closed, 1 half-open, 2 open; the worst of those with one name',
    together: 'most',
    dependency: label,
    owner: kept,
    read: worstState,
  });
  return registry;
}

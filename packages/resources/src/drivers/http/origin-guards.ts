import type { Clock } from '@tenon/core';
import {
  breakers,
  bulkhead,
  exponentialBackoff,
  pipeline,
  retry,
  retryBudget,
  timeout,
  type Runner,
} from '@tenon/resilience';
import { HttpAttemptFailure, isHttpFault } from './http-attempt.ts';
import type { HttpConfig } from './http-settings.ts';

/** What guards requests to each origin: time limit, retry, circuit breaker and bulkhead, none of them shared with another origin. */
export interface OriginGuards {
  /** @param timeoutMs - for the whole request */
  for(origin: string, timeoutMs: number): Runner;
  /** How many origins are remembered. */
  readonly size: number;
}

/** The time limits of one origin that are kept: callers have a few of them, and who has more pays for a new one each time. */
const KEPT_TIMEOUTS = 16;

/** Makes the guards. Those of an origin are made when it is first asked for. */
export function createOriginGuards(
  resource: string,
  config: HttpConfig,
  parts: { readonly clock: Clock; readonly random: () => number },
): OriginGuards {
  const { clock, random } = parts;
  // All have the resource's name in metrics: origins that users choose have no bounds.
  const own = { name: resource, clock };
  const circuits = breakers({ ...config.circuitBreaker, ...own, max: config.maxOrigins, isFailure: isHttpFault });
  const kept = new Map<string, (timeoutMs: number) => Runner>();

  const makeGuards = (origin: string): ((timeoutMs: number) => Runner) => {
    const { attempts, initialDelayMs, maxDelayMs, budgetRatio } = config.retry;
    const retries = retry({
      ...own,
      attempts,
      backoff: exponentialBackoff({ initialMs: initialDelayMs, maxMs: maxDelayMs }),
      budget: retryBudget({ ratio: budgetRatio, clock }),
      retryIf: (error) => error instanceof HttpAttemptFailure && error.mayRetry,
      retryAfter: (error) => (error instanceof HttpAttemptFailure ? error.retryAfterMs : undefined),
      random,
    });
    const breaker = circuits.for(origin);
    const { concurrency = config.maxConnectionsPerHost, queue, queueTimeoutMs } = config.bulkhead;
    const places = bulkhead({ ...own, concurrency, queue, queueTimeoutMs });
    const byTimeout = new Map<number, Runner>();
    return (timeoutMs) => {
      const known = byTimeout.get(timeoutMs);
      if (known !== undefined) return known;
      const made = pipeline(timeout({ ...own, ms: timeoutMs }), retries, breaker, places);
      if (byTimeout.size < KEPT_TIMEOUTS) byTimeout.set(timeoutMs, made);
      return made;
    };
  };

  return {
    for(origin, timeoutMs) {
      const known = kept.get(origin);
      const [oldest] = kept.keys();
      if (known !== undefined) kept.delete(origin);
      else if (kept.size >= config.maxOrigins && oldest !== undefined) {
        kept.delete(oldest);
        circuits.delete(oldest);
      }
      const guards = known ?? makeGuards(origin);
      kept.set(origin, guards);
      return guards(timeoutMs);
    },
    get size() {
      return kept.size;
    },
  };
}

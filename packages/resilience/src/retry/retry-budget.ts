import { systemClock, type Clock } from '@tenon/core';
import { checkNumber } from '../check-number.ts';

/** What {@link retryBudget} takes. */
export interface RetryBudgetOptions {
  /** How many retries each call pays for: 0.2 allows one retry to five calls. 0 to 1. Default 0.2. */
  readonly ratio?: number;
  /** Retries a second that are allowed besides, so that a quiet dependency can be retried at all. 0 or more. Default 1. */
  readonly perSecond?: number;
  /** The most that is saved up, in retries, and what there is at first. 1 or more. Default 10. */
  readonly capacity?: number;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
}

/** What a budget has seen. */
export interface RetryBudgetStatistics {
  /** Retries that could be paid for now. */
  readonly available: number;
  readonly spent: number;
  readonly refused: number;
}

/** How many retries a dependency is given. Share one between all who call the same dependency. */
export interface RetryBudget {
  /** A call pays in. */
  deposit(): void;
  /** Takes one retry out. @returns `false` when there is none left */
  withdraw(): boolean;
  statistics(): RetryBudgetStatistics;
}

/**
 * Keeps retries a small part of all calls, so that they do not drown a dependency that is in trouble already: with three attempts and no
 * budget an outage triples the load, with a budget of 0.2 it adds a fifth.
 *
 * A token bucket that calls fill and retries empty (as in Finagle's RetryBudget and gRPC's retry throttling). What overflows is lost, so
 * a quiet night saves up nothing for the outage of the morning.
 *
 * @example
 * ```ts
 * const budget = retryBudget({ ratio: 0.2 });
 * const reads = retry({ name: 'mail', budget });
 * const writes = retry({ name: 'mail', budget, attempts: 2 });
 * ```
 * @throws `RESILIENCE_OPTIONS_INVALID` when a number is out of range
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const ratio = checkNumber('retryBudget.ratio', options.ratio ?? 0.2, { min: 0, max: 1 });
  const perSecond = checkNumber('retryBudget.perSecond', options.perSecond ?? 1, { min: 0 });
  const capacity = checkNumber('retryBudget.capacity', options.capacity ?? 10, { min: 1 });
  const clock = options.clock ?? systemClock;
  let tokens = capacity;
  let spent = 0;
  let refused = 0;
  let refilledMs = clock.monotonicMs();

  const refill = (): void => {
    const nowMs = clock.monotonicMs();
    // A rate without bounds over no time at all is not a number.
    const gained = nowMs > refilledMs ? ((nowMs - refilledMs) / 1_000) * perSecond : 0;
    tokens = Math.min(capacity, tokens + gained);
    refilledMs = nowMs;
  };
  return {
    deposit(): void {
      tokens = Math.min(capacity, tokens + ratio);
    },
    withdraw(): boolean {
      refill();
      // Five deposits of 0.2 may add up to a little less than 1.
      const affordable = tokens >= 1 - 1e-9;
      if (affordable) {
        tokens = Math.max(0, tokens - 1);
        spent += 1;
      } else {
        refused += 1;
      }
      return affordable;
    },
    statistics(): RetryBudgetStatistics {
      refill();
      return { available: Math.floor(tokens + 1e-9), spent, refused };
    },
  };
}

import type { Clock } from '@tenon/core';
import type { CallScope } from '../call/call-scope.ts';
import { checkNumber } from '../check-number.ts';
import { strategyConfig, type StrategyOptions } from '../pipeline/strategy.ts';
import { exponentialBackoff, type Backoff } from './backoff.ts';
import { isRetryable, isTimeout } from './is-retryable.ts';
import { retryAfterOf } from './retry-after.ts';
import { retryBudget, type RetryBudget } from './retry-budget.ts';

/** What `retry` takes. */
export interface RetryOptions extends StrategyOptions {
  /** How often to try in all, the first time included; 1 or more, `Infinity` is allowed. Default 3. */
  readonly attempts?: number;
  /** How long to wait before each retry. Default {@link exponentialBackoff} with its defaults. */
  readonly backoff?: Backoff;
  /** Which errors to try again after. Default {@link isRetryable}. */
  readonly retryIf?: (error: unknown) => boolean;
  /** The least that an error asks to wait, in milliseconds. Default: `retryAfterMs` of a coded error. */
  readonly retryAfter?: (error: unknown) => number | undefined;
  /** How many retries the dependency is given. Default: a {@link retryBudget} of this strategy alone. `unlimited`: as many as fail. */
  readonly budget?: RetryBudget | 'unlimited';
  /** Whether the work may be run twice, where the run itself does not say so; without, it is not tried again after a timeout. Default `false`. */
  readonly idempotent?: boolean;
  /** A number from 0 up to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/** The options of a retry, resolved. */
export interface RetryConfig {
  readonly name: string;
  readonly clock: Clock;
  readonly attempts: number;
  readonly budget: RetryBudget | undefined;
  /** Whether the error of this call is one to try again after. */
  mayRetry(scope: CallScope, error: unknown): boolean;
  /** What the backoff says. */
  backoffMs(retry: number, previousDelayMs: number, error: unknown): number;
  /** The least that the error asks for. */
  leastMs(error: unknown): number;
}

/**
 * Checks the options of a retry.
 *
 * @throws `RESILIENCE_OPTIONS_INVALID` when `attempts` is out of range
 */
export function retryConfig(options: RetryOptions): RetryConfig {
  const { name, clock } = strategyConfig(options);
  const attempts = checkNumber('retry.attempts', options.attempts ?? 3, { min: 1, whole: true });
  const { backoff = exponentialBackoff(), retryIf = isRetryable, retryAfter = retryAfterOf } = options;
  const { random = Math.random, idempotent = false } = options;
  return {
    name,
    clock,
    attempts,
    budget: options.budget === 'unlimited' ? undefined : (options.budget ?? retryBudget({ clock })),
    mayRetry(scope, error) {
      if (scope.aborted !== undefined) return false;
      if (isTimeout(error) && !(scope.run.options.idempotent ?? idempotent)) return false;
      return retryIf(error);
    },
    backoffMs: (retry, previousDelayMs, error) => Math.max(0, backoff({ retry, previousDelayMs, error, random })),
    leastMs: (error) => retryAfter(error) ?? 0,
  };
}

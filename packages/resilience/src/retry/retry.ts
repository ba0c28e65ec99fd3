import type { CallScope } from '../call/call-scope.ts';
import type { Step } from '../call/invoke.ts';
import { checkNumber } from '../check-number.ts';
import { createReporter } from '../events/reporter.ts';
import { createStrategy, strategyConfig, type Strategy, type StrategyOptions } from '../pipeline/strategy.ts';
import { exponentialBackoff, type Backoff } from './backoff.ts';
import { isRetryable, isTimeout } from './is-retryable.ts';
import { retryAfterOf } from './retry-after.ts';
import { retryBudget, type RetryBudget } from './retry-budget.ts';

/** What {@link retry} takes. */
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

/** What a retry has seen. */
export interface RetryStatistics {
  readonly calls: number;
  readonly retries: number;
  /** Calls that failed although they had been tried again. */
  readonly exhausted: number;
  /** Retries that the budget refused. */
  readonly refusedByBudget: number;
}

/** A {@link retry}. */
export type Retry = Strategy<'retry', RetryStatistics, never>;

/**
 * Tries again what failed for a passing reason. When it gives up, the last error is thrown as it is.
 *
 * It never waits past the deadline of the call: if the next attempt could only begin after it, the error is thrown at once.
 *
 * @example
 * ```ts
 * const budget = retryBudget();
 * const patient = retry({ name: 'mail', attempts: 4, backoff: exponentialBackoff({ initialMs: 200 }), budget });
 * const quote = await patient.run(({ signal }) => mail.quote(order, { signal }), { idempotent: true });
 * ```
 * @throws `RESILIENCE_OPTIONS_INVALID` when `attempts` is out of range
 */
export function retry(options: RetryOptions = {}): Retry {
  const { name, clock } = strategyConfig(options);
  const attempts = checkNumber('retry.attempts', options.attempts ?? 3, { min: 1, whole: true });
  const { backoff = exponentialBackoff(), retryIf = isRetryable, retryAfter = retryAfterOf } = options;
  const { random = Math.random, idempotent = false } = options;
  const budget = options.budget === 'unlimited' ? undefined : (options.budget ?? retryBudget({ clock }));
  const report = createReporter(name, options.onEvent);
  let calls = 0;
  let retries = 0;
  let exhausted = 0;
  let refusedByBudget = 0;

  const mayRetry = (scope: CallScope, error: unknown): boolean => {
    if (scope.aborted !== undefined) return false;
    if (isTimeout(error) && !(scope.run.options.idempotent ?? idempotent)) return false;
    return retryIf(error);
  };
  const canPay = (attempt: number, error: unknown): boolean => {
    if (budget === undefined || budget.withdraw()) return true;
    refusedByBudget += 1;
    report({ type: 'retry-budget-exhausted', name, attempt, error });
    return false;
  };

  const tryAgain = async (next: Step, scope: CallScope, firstError: unknown): Promise<unknown> => {
    let error = firstError;
    let previousDelayMs = 0;
    for (let attempt = 1; attempt < attempts && mayRetry(scope, error); attempt += 1) {
      previousDelayMs = Math.max(0, backoff({ retry: attempt, previousDelayMs, error, random }));
      const delayMs = Math.max(previousDelayMs, retryAfter(error) ?? 0);
      // Also no when the backoff gave no number.
      const inTime = clock.monotonicMs() + delayMs < scope.deadlineAtMs;
      if (!inTime || !canPay(attempt, error)) break;
      retries += 1;
      report({ type: 'retry-scheduled', name, attempt, delayMs, error });
      await scope.sleep(delayMs);
      const again = scope.child(attempt + 1);
      try {
        return await next(again);
      } catch (nextError) {
        error = nextError;
      } finally {
        again.finish();
      }
      if (attempt + 1 === attempts) exhausted += 1;
    }
    throw error;
  };

  const wrap = (next: Step): Step =>
    async function retried(scope: CallScope): Promise<unknown> {
      calls += 1;
      budget?.deposit();
      try {
        return await next(scope);
      } catch (error) {
        return await tryAgain(next, scope, error);
      }
    };
  return createStrategy({
    kind: 'retry',
    name,
    clock,
    statistics: () => ({ calls, retries, exhausted, refusedByBudget }),
    wrap,
  });
}

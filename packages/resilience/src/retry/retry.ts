import type { CallScope } from '../call/call-scope.ts';
import type { Step } from '../call/invoke.ts';
import { createReporter } from '../events/reporter.ts';
import { createStrategy, type Strategy } from '../pipeline/strategy.ts';
import { retryConfig, type RetryOptions } from './retry-config.ts';

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
  const config = retryConfig(options);
  const { name, clock, attempts, budget } = config;
  const report = createReporter(name, options.onEvent);
  let calls = 0;
  let retries = 0;
  let exhausted = 0;
  let refusedByBudget = 0;

  const canPay = (attempt: number, error: unknown): boolean => {
    if (budget === undefined || budget.withdraw()) return true;
    refusedByBudget += 1;
    report({ type: 'retry-budget-exhausted', name, attempt, error });
    return false;
  };

  const tryAgain = async (next: Step, scope: CallScope, firstError: unknown): Promise<unknown> => {
    let error = firstError;
    let previousDelayMs = 0;
    for (let attempt = 1; attempt < attempts && config.mayRetry(scope, error); attempt += 1) {
      previousDelayMs = config.backoffMs(attempt, previousDelayMs, error);
      const delayMs = Math.max(previousDelayMs, config.leastMs(error));
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
        return tryAgain(next, scope, error);
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

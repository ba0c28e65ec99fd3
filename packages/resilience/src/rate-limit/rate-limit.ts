import type { CallScope } from '../call/call-scope.ts';
import type { Step } from '../call/invoke.ts';
import { checkNumber } from '../check-number.ts';
import { resilienceError, type ResilienceError } from '../errors.ts';
import { createReporter } from '../events/reporter.ts';
import { createStrategy, strategyConfig, type Strategy, type StrategyOptions } from '../pipeline/strategy.ts';
import { createTokenBucket } from './token-bucket.ts';

/** What {@link rateLimit} takes. */
export interface RateLimitOptions extends StrategyOptions {
  /** How many calls there may be in each period; above 0. */
  readonly calls: number;
  /** The period, in milliseconds, above 0. Default 1,000. */
  readonly perMs?: number;
  /** How many may come at once after a pause; 1 or more. Default: `calls`, rounded up. */
  readonly burst?: number;
  /** How long a call may wait for its turn, in milliseconds; it never waits past its deadline. Default 0: it is turned away at once. */
  readonly maxWaitMs?: number;
}

/** What a rate limit has seen. */
export interface RateLimitStatistics {
  /** Calls that could go at once now. */
  readonly available: number;
  readonly admitted: number;
  /** Calls that wait for their turn now. */
  readonly waiting: number;
  readonly rejected: number;
}

/** A {@link rateLimit}. */
export type RateLimit = Strategy<'rate-limit', RateLimitStatistics, never>;

function rateLimited(name: string, calls: number, perMs: number, retryAfterMs: number): ResilienceError {
  return resilienceError(
    'RATE_LIMITED',
    `"${name}" takes ${calls} calls in ${perMs} ms; try again in ${Math.ceil(retryAfterMs)} ms`,
    { retryable: true, retryAfterMs, details: { name, calls, perMs } },
  );
}

/**
 * Keeps to a rate of calls, by a token bucket.
 *
 * It counts runs, not attempts: in a pipeline it stands outside of `retry`, whose budget bounds what comes on top.
 *
 * @example
 * ```ts
 * const polite = rateLimit({ name: 'geocoder', calls: 10, perMs: 1_000, maxWaitMs: 500 });
 * const place = await polite.run(({ signal }) => geocode(address, { signal }));
 * ```
 * @throws from `run`: `RATE_LIMITED`, with `retryAfterMs`
 * @throws `RESILIENCE_OPTIONS_INVALID` when an option is out of range
 */
export function rateLimit(options: RateLimitOptions): RateLimit {
  const { name, clock } = strategyConfig(options);
  const finite = { max: Number.MAX_VALUE };
  const calls = checkNumber('rateLimit.calls', options.calls, { ...finite, above: 0 });
  const perMs = checkNumber('rateLimit.perMs', options.perMs ?? 1_000, { ...finite, above: 0 });
  const burst = checkNumber('rateLimit.burst', options.burst ?? Math.ceil(calls), { ...finite, min: 1 });
  const maxWaitMs = checkNumber('rateLimit.maxWaitMs', options.maxWaitMs ?? 0, { ...finite, min: 0 });
  const bucket = createTokenBucket(burst, calls / perMs, clock);
  const report = createReporter(name, options.onEvent);
  let admitted = 0;
  let waiting = 0;
  let rejected = 0;

  const longestWaitMs = (scope: CallScope): number =>
    maxWaitMs === 0 ? 0 : Math.min(maxWaitMs, scope.deadlineAtMs - clock.monotonicMs());
  const turnAway = (retryAfterMs: number): Promise<never> => {
    rejected += 1;
    report({ type: 'rate-limited', name, retryAfterMs });
    return Promise.reject(rateLimited(name, calls, perMs, retryAfterMs));
  };
  const nextInTurn = async (next: Step, scope: CallScope, waitMs: number): Promise<unknown> => {
    waiting += 1;
    try {
      await scope.sleep(waitMs);
    } catch (error) {
      bucket.giveBack();
      throw error;
    } finally {
      waiting -= 1;
    }
    return next(scope);
  };

  const wrap =
    (next: Step): Step =>
    (scope) => {
      const mostMs = longestWaitMs(scope);
      const waitMs = bucket.take(mostMs);
      if (waitMs > mostMs) return turnAway(waitMs);
      admitted += 1;
      return waitMs === 0 ? next(scope) : nextInTurn(next, scope, waitMs);
    };
  return createStrategy({
    kind: 'rate-limit',
    name,
    clock,
    statistics: () => ({ available: bucket.available(), admitted, waiting, rejected }),
    wrap,
  });
}

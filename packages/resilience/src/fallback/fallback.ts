import { isCodedError } from '@tenon/core';
import type { Call } from '../call/call.ts';
import type { CallScope } from '../call/call-scope.ts';
import type { Step } from '../call/invoke.ts';
import { createReporter } from '../events/reporter.ts';
import { createStrategy, strategyConfig, type Strategy, type StrategyOptions } from '../pipeline/strategy.ts';

/** Failures that a fallback hides only when it is asked to. */
export type GuardedFailure = 'cancellation' | 'rate-limit' | 'bulkhead';

/** What {@link fallback} takes. */
export interface FallbackOptions<Value> extends StrategyOptions {
  /** What to answer instead. Its own error takes the place of the first one. */
  readonly to: (error: unknown, call: Call) => Value | PromiseLike<Value>;
  /** Which errors to answer for. Default: all. */
  readonly when?: (error: unknown) => boolean;
  /**
   * Answers also when the caller gave up (`cancellation`), or was turned away by a `rate-limit` or a full `bulkhead`. Default: none of
   * them: the first wants no answer any more, and who is turned away should slow down, which an answer would hide.
   */
  readonly alsoFor?: readonly GuardedFailure[];
}

/** What a fallback has seen. */
export interface FallbackStatistics {
  /** Calls that were answered by the fallback. */
  readonly used: number;
  /** Calls whose fallback failed too. */
  readonly failed: number;
}

/** A {@link fallback}. */
export type Fallback<Value> = Strategy<'fallback', FallbackStatistics, Value>;

/** Which guarded failure an error is, if any. */
function guardedFailure(scope: CallScope, error: unknown): GuardedFailure | undefined {
  if (scope.aborted === 'caller') return 'cancellation';
  if (isCodedError(error, 'RATE_LIMITED')) return 'rate-limit';
  return isCodedError(error, 'BULKHEAD_FULL', 'BULKHEAD_QUEUE_TIMEOUT') ? 'bulkhead' : undefined;
}

/**
 * Answers with something else when the work fails: what was cached, an empty list, a second source.
 *
 * @example
 * ```ts
 * const rates = fallback({ name: 'rates', to: () => lastKnownRates });
 * const today = await rates.run(({ signal }) => fetchRates({ signal }));
 * ```
 */
export function fallback<Value>(options: FallbackOptions<Value>): Fallback<Value> {
  const { name, clock } = strategyConfig(options);
  const { to, when = () => true } = options;
  const alsoFor = new Set(options.alsoFor);
  const report = createReporter(name, options.onEvent);
  let used = 0;
  let failed = 0;

  const wrap = (next: Step): Step =>
    async function answered(scope: CallScope): Promise<unknown> {
      try {
        return await next(scope);
      } catch (error) {
        const guarded = guardedFailure(scope, error);
        if ((guarded !== undefined && !alsoFor.has(guarded)) || !when(error)) throw error;
        report({ type: 'fallback-used', name, error });
        used += 1;
        return answer(error, scope);
      }
    };
  const answer = async (error: unknown, scope: CallScope): Promise<Value> => {
    try {
      return await to(error, scope);
    } catch (fallbackError) {
      failed += 1;
      throw fallbackError;
    }
  };
  return createStrategy({ kind: 'fallback', name, clock, statistics: () => ({ used, failed }), wrap });
}

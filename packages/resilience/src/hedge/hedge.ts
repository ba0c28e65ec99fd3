import type { CallScope } from '../call/call-scope.ts';
import type { Step } from '../call/invoke.ts';
import { checkNumber } from '../check-number.ts';
import { resilienceError } from '../errors.ts';
import { createReporter } from '../events/reporter.ts';
import { createStrategy, strategyConfig, type Strategy, type StrategyOptions } from '../pipeline/strategy.ts';
import type { RetryBudget } from '../retry/retry-budget.ts';
import { raceHedges } from './race-hedges.ts';

/** What {@link hedge} takes. */
export interface HedgeOptions extends StrategyOptions {
  /** How long a call may take before a second one starts beside it, in milliseconds, 0 or more; about the 95th percentile. */
  readonly delayMs: number;
  /** How many more calls there may be beside the first, each another `delayMs` later; 1 to 10. Default 1. */
  readonly hedges?: number;
  /** Pays for the hedges: the budget that the retries of the dependency have too. Default: none, they are free. */
  readonly budget?: RetryBudget;
  /** Whether the work may be run twice, where the run itself does not say so. Default `false`: nothing is hedged. */
  readonly idempotent?: boolean;
}

/** What a hedge has seen. */
export interface HedgeStatistics {
  /** Calls that may be hedged. */
  readonly calls: number;
  readonly hedges: number;
  /** Calls that a hedge answered first. */
  readonly won: number;
}

/** A {@link hedge}. */
export type Hedge = Strategy<'hedge', HedgeStatistics, never>;

/**
 * Cuts the slowest calls short: when a call takes long, the same is asked again, and the first answer counts ("The Tail at Scale",
 * Dean and Barroso, 2013). The others are aborted. Only for work declared idempotent; everything else passes as if there were no hedge.
 *
 * A failure starts no hedge (that is what `retry` is for); it counts only when nothing else is under way.
 *
 * @example
 * ```ts
 * const quick = hedge({ name: 'search', delayMs: 80, idempotent: true });
 * const hits = await quick.run(({ signal }) => search(text, { signal }));
 * ```
 * @throws `RESILIENCE_OPTIONS_INVALID` when an option is out of range
 */
export function hedge(options: HedgeOptions): Hedge {
  const { name, clock } = strategyConfig(options);
  const delayMs = checkNumber('hedge.delayMs', options.delayMs, { min: 0 });
  const most = checkNumber('hedge.hedges', options.hedges ?? 1, { min: 1, max: 10, whole: true });
  const { budget, idempotent = false } = options;
  const report = createReporter(name, options.onEvent);
  let calls = 0;
  let hedges = 0;
  let won = 0;

  const mayStart = (number: number): boolean => {
    if (budget !== undefined && !budget.withdraw()) return false;
    hedges += 1;
    report({ type: 'hedge-started', name, hedge: number });
    return true;
  };
  const superseded = (): unknown =>
    resilienceError('CALL_SUPERSEDED', `another call to "${name}" answered first`, { details: { name } });

  const wrap =
    (next: Step): Step =>
    (scope: CallScope) => {
      if (!(scope.run.options.idempotent ?? idempotent)) return next(scope);
      calls += 1;
      return raceHedges({ next, scope, delayMs, most, mayStart, superseded, onWin: () => (won += 1) });
    };
  return createStrategy({ kind: 'hedge', name, clock, statistics: () => ({ calls, hedges, won }), wrap });
}

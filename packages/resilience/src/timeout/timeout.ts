import type { CallScope } from '../call/call-scope.ts';
import { invoke, race, type Step } from '../call/invoke.ts';
import { checkNumber } from '../check-number.ts';
import { resilienceError } from '../errors.ts';
import { createReporter } from '../events/reporter.ts';
import { createStrategy, strategyConfig, type Strategy, type StrategyOptions } from '../pipeline/strategy.ts';
import { TimedList, type TimedEntry } from './timed-list.ts';

/** What {@link timeout} takes. */
export interface TimeoutOptions extends StrategyOptions {
  /** How long a call may take, in milliseconds, above 0. */
  readonly ms: number;
}

/** What a timeout has seen. */
export interface TimeoutStatistics {
  /** Calls that run now. */
  readonly running: number;
  readonly timedOut: number;
  /** Results that came after the timeout. */
  readonly lateResults: number;
}

/** A {@link timeout}. */
export type Timeout = Strategy<'timeout', TimeoutStatistics, never>;

/**
 * Ends calls that take too long: aborts `call.signal`, and rejects at once, also when the work does not heed the signal. A result that
 * comes after that goes to `onLateResult` of the run. Of several timeouts and deadlines the earliest counts.
 *
 * In a pipeline, before `retry` it limits the whole run with its retries and waits; as the innermost part, each attempt.
 *
 * @example
 * ```ts
 * const quick = timeout({ ms: 2_000 });
 * const page = await quick.run(({ signal }) => fetch(url, { signal }));
 * ```
 * @throws from `run`: `CALL_TIMED_OUT`, or the reason of the caller's signal if that is earlier
 * @throws `RESILIENCE_OPTIONS_INVALID` when `ms` is not above 0
 */
export function timeout(options: TimeoutOptions): Timeout {
  const { name, clock } = strategyConfig(options);
  const ms = checkNumber('timeout.ms', options.ms, { above: 0 });
  const report = createReporter(name, options.onEvent);
  let timedOut = 0;
  let lateResults = 0;

  const late = (): void => {
    lateResults += 1;
    report({ type: 'late-result', name });
  };
  const running = new TimedList<CallScope>(clock, ms, (scope) => {
    if (scope.aborted !== undefined) return;
    timedOut += 1;
    scope.onLate = late;
    const error = resilienceError('CALL_TIMED_OUT', `a call to "${name}" did not end within ${ms} ms`, {
      retryable: true,
      details: { name, timeoutMs: ms },
    });
    scope.abort('timeout', error);
    report({ type: 'timed-out', name, timeoutMs: ms });
  });

  const begin = (outer: CallScope): TimedEntry<CallScope> => {
    const dueMs = running.due();
    const scope = outer.child(outer.attempt, outer.hedge, Math.min(dueMs, outer.deadlineAtMs), true);
    return running.add(scope, dueMs);
  };
  const end = (entry: TimedEntry<CallScope>): void => {
    running.remove(entry);
    entry.item.finish();
  };
  const wrap = (next: Step): Step =>
    async function limited(outer: CallScope): Promise<unknown> {
      const entry = begin(outer);
      try {
        return await next(entry.item);
      } finally {
        end(entry);
      }
    };
  // Around the work itself, which is where most timeouts stand, the race can put the entry away: one promise less.
  const limitedWork: Step = (outer) => {
    if (outer.aborted !== undefined) return Promise.reject(outer.reason);
    const entry = begin(outer);
    return race(entry.item, () => end(entry));
  };
  return createStrategy({
    kind: 'timeout',
    name,
    clock,
    statistics: () => ({ running: running.size, timedOut, lateResults }),
    wrap: (next) => (next === invoke ? limitedWork : wrap(next)),
  });
}

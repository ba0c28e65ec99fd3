import { resourceError } from '../errors.ts';
import { settleEntry, type Entry } from './entry.ts';
import { HookCall } from './hook-call.ts';
import type { PoolCore } from './pool-core.ts';

/** What a check came to: `fit` and `unfit` at once, `pending` when it ends later, in an offer or a destruction. */
export type Verdict = 'fit' | 'unfit' | 'pending';

/**
 * Asks `validate` or `reset` about an instance that nobody has. An unfit one is destroyed.
 *
 * @returns `fit` leaves the entry to the caller; after `pending` a fit one is offered by itself
 */
export function checkEntry<Instance>(
  core: PoolCore<Instance>,
  entry: Entry<Instance>,
  kind: 'validate' | 'reset',
): Verdict {
  const { config, clock } = core;
  const timeoutMs = kind === 'validate' ? config.validateTimeoutMs : config.resetTimeoutMs;
  const startedMs = clock.monotonicMs();
  let verdict: Verdict = 'pending';
  let isStarting = true;
  const ended = (error: unknown, isFit: boolean): void => {
    core.checking -= 1;
    if (kind === 'validate') core.figures.validated(clock.now(), clock.monotonicMs() - startedMs, isFit);
    if (error !== undefined) core.report({ type: `${kind}-failed`, error });
    // A forced close does not wait for checks.
    const isStillOurs = entry.state === 'checking';
    verdict = isFit && isStillOurs ? 'fit' : 'unfit';
    if (isStarting && isFit) return;
    if (verdict === 'fit') {
      entry.lastUsedMs = clock.monotonicMs();
      core.offer(entry);
      if (entry.state !== 'destroying') settleEntry(entry);
    } else {
      // First of all, as the place that comes free would else be used to make another one.
      if (!isStarting) core.serveIdle();
      if (isStillOurs) core.destroy(entry, kind === 'validate' ? 'invalid' : 'reset-failed');
    }
    core.notify();
  };

  entry.state = 'checking';
  core.checking += 1;
  new HookCall<boolean | void>({
    clock,
    timeoutMs,
    timeoutError: () =>
      resourceError('RESOURCE_TIMEOUT', `"${kind}" of pool "${config.name}" did not finish within ${timeoutMs} ms`, {
        retryable: true,
        details: { pool: config.name, operation: kind, timeoutMs },
      }),
    invoke: (context) => config[kind]?.(entry.instance, context),
    outcome: {
      done: (answer) => ended(undefined, answer !== false),
      failed: (error) => ended(error ?? new Error(`"${kind}" threw nothing`), false),
    },
  }).start();
  isStarting = false;
  return verdict;
}

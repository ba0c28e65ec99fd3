import type { CallScope } from '../call/call-scope.ts';
import type { Step } from '../call/invoke.ts';
import { checkNumber } from '../check-number.ts';
import { resilienceError, type ResilienceError } from '../errors.ts';
import { observe } from '../events/observe.ts';
import { createReporter } from '../events/reporter.ts';
import { createStrategy, strategyConfig, type Strategy, type StrategyOptions } from '../pipeline/strategy.ts';
import { TimedList } from '../timeout/timed-list.ts';

/** What {@link bulkhead} takes. */
export interface BulkheadOptions extends StrategyOptions {
  /** How many calls run at once; 1 or more. Default 10. */
  readonly concurrency?: number;
  /** How many calls wait at most; 0 turns away at once what cannot run. Default 100. */
  readonly queue?: number;
  /** How long a call waits at most, in milliseconds, above 0. Default 30,000. */
  readonly queueTimeoutMs?: number;
}

/** What a bulkhead has seen, and how full it is. */
export interface BulkheadStatistics {
  readonly running: number;
  readonly queued: number;
  /** Calls that found the queue full. */
  readonly rejected: number;
  /** Calls that waited too long. */
  readonly queueTimeouts: number;
}

/** A {@link bulkhead}. */
export type Bulkhead = Strategy<'bulkhead', BulkheadStatistics, never>;

interface Waiting {
  readonly admit: () => void;
  readonly refuse: (error: unknown) => void;
}

function full(name: string, concurrency: number, queue: number): ResilienceError {
  const details = { name, concurrency, queue };
  return resilienceError(
    'BULKHEAD_FULL',
    `"${name}" is busy: ${concurrency} calls run and ${queue} wait; try again later`,
    { retryable: true, details },
  );
}

function queueTimeout(name: string, concurrency: number, queueTimeoutMs: number): ResilienceError {
  const details = { name, concurrency, queueTimeoutMs };
  return resilienceError(
    'BULKHEAD_QUEUE_TIMEOUT',
    `a call to "${name}" waited ${queueTimeoutMs} ms for one of ${concurrency} places`,
    { retryable: true, details },
  );
}

/**
 * Lets a dependency have so many calls at once and no more, so that a slow one does not take all memory and sockets with it. Further
 * calls wait in the order of their arrival, in a queue with bounds.
 *
 * @example
 * ```ts
 * const reports = bulkhead({ name: 'reports', concurrency: 4, queue: 20, queueTimeoutMs: 5_000 });
 * const pdf = await reports.run(({ signal }) => render(order, { signal }));
 * ```
 * @throws from `run`: `BULKHEAD_FULL`, `BULKHEAD_QUEUE_TIMEOUT`
 * @throws `RESILIENCE_OPTIONS_INVALID` when an option is out of range
 */
export function bulkhead(options: BulkheadOptions = {}): Bulkhead {
  const { name, clock } = strategyConfig(options);
  const concurrency = checkNumber('bulkhead.concurrency', options.concurrency ?? 10, { min: 1, whole: true });
  const queue = checkNumber('bulkhead.queue', options.queue ?? 100, { min: 0, max: 1e9, whole: true });
  const queueTimeoutMs = checkNumber('bulkhead.queueTimeoutMs', options.queueTimeoutMs ?? 30_000, {
    above: 0,
  });
  const report = createReporter(name, options.onEvent);
  let running = 0;
  let rejected = 0;
  let queueTimeouts = 0;

  const waiting = new TimedList<Waiting>(clock, queueTimeoutMs, (call) => {
    queueTimeouts += 1;
    report({ type: 'bulkhead-rejected', name, reason: 'queue-timeout' });
    call.refuse(queueTimeout(name, concurrency, queueTimeoutMs));
  });

  const turnAway = (): never => {
    rejected += 1;
    report({ type: 'bulkhead-rejected', name, reason: 'full' });
    throw full(name, concurrency, queue);
  };
  const waitForPlace = (scope: CallScope): Promise<void> => {
    if (scope.aborted !== undefined) return Promise.reject(scope.reason);
    if (waiting.size >= queue) turnAway();
    return new Promise((admit, refuse) => {
      const entry = waiting.add({
        admit: () => {
          scope.waiter = undefined;
          admit();
        },
        refuse,
      });
      scope.waiter = (reason) => {
        waiting.remove(entry);
        refuse(reason);
      };
    });
  };
  const leave = (): void => {
    const first = waiting.shift();
    // The place goes from hand to hand, so that nobody who comes now is faster than who waits.
    if (first === undefined) running -= 1;
    else first.admit();
  };

  const wrap = (next: Step): Step =>
    async function admitted(scope: CallScope): Promise<unknown> {
      if (running < concurrency) running += 1;
      else await waitForPlace(scope);
      try {
        return await next(scope);
      } finally {
        leave();
      }
    };
  const statistics = (): BulkheadStatistics => ({ running, queued: waiting.size, rejected, queueTimeouts });
  const strategy: Bulkhead = createStrategy({ kind: 'bulkhead', name, clock, statistics, wrap });
  observeBulkhead(strategy);
  return strategy;
}

function observeBulkhead(owner: Bulkhead): void {
  observe({
    name: 'resilience_bulkhead_running',
    description: 'Calls that a bulkhead runs now; all of those with one name',
    together: 'sum',
    dependency: owner.name,
    owner,
    read: (one) => one.statistics().running,
  });
  observe({
    name: 'resilience_bulkhead_queued',
    description: 'Calls that wait in a bulkhead now; all of those with one name',
    together: 'sum',
    dependency: owner.name,
    owner,
    read: (one) => one.statistics().queued,
  });
}

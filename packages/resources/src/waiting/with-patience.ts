import { currentContext, isCodedError, type Clock } from '@tenon/core';
import { resourceError } from '../errors.ts';
import type { AcquireOptions } from '../pool/pool.ts';
import { beforeAbort } from './before-abort.ts';

/** How long one of many waits for what comes to all of them. */
export interface PatienceOptions extends AcquireOptions {
  /** For errors. */
  readonly name: string;
  readonly clock: Clock;
  /** Without a `timeoutMs`. */
  readonly defaultTimeoutMs: number;
}

/**
 * Waits for work that goes on without the caller, as long as the caller wants to.
 *
 * @throws `RESOURCE_TIMEOUT`, `RESOURCE_CANCELLED`, and what the work throws
 */
export async function withPatience<T>(work: Promise<T>, options: PatienceOptions): Promise<T> {
  const { name, clock, signal, deadline, timeoutMs = options.defaultTimeoutMs } = options;
  const limitMs = Math.min(timeoutMs, deadline?.remainingMs() ?? Infinity);
  const end = new AbortController();
  const stopWaiting = (): void => end.abort(timedOut(name, limitMs));
  const timer = limitMs === Infinity ? undefined : clock.schedule(stopWaiting, limitMs, { keepAlive: true });
  const late = (): void => end.abort(timedOut(name, limitMs, deadline?.signal.reason));
  const gone = (): void => end.abort(cancelled(name, signal?.reason));
  const follow = [
    [signal, gone],
    [deadline?.signal, () => (isCodedError(deadline?.signal.reason, 'DEADLINE_EXCEEDED') ? late() : gone())],
  ] as const;
  for (const [each, stop] of follow) {
    if (each?.aborted === true) stop();
    else each?.addEventListener('abort', stop, { once: true });
  }
  try {
    return await beforeAbort(work, end.signal);
  } finally {
    timer?.cancel();
    for (const [each, stop] of follow) each?.removeEventListener('abort', stop);
  }
}

/** How long a caller waits: what it says, else what its context does. */
export function patienceOfCall(options: AcquireOptions): AcquireOptions {
  const context = currentContext();
  const { signal = context?.signal, deadline = context?.deadline } = options;
  if (signal === options.signal && deadline === options.deadline) return options;
  return {
    ...options,
    ...(signal === undefined ? {} : { signal }),
    ...(deadline === undefined ? {} : { deadline }),
  };
}

/** Why nothing is to be given to a caller who has gone already; `undefined` when it has not. */
export function callerIsGone(name: string, { signal, deadline }: AcquireOptions): Error | undefined {
  if (signal?.aborted === true) return cancelled(name, signal.reason);
  if (deadline === undefined) return undefined;
  const { aborted, reason } = deadline.signal as { readonly aborted: boolean; readonly reason: unknown };
  if (deadline.remainingMs() === 0 || (aborted && isCodedError(reason, 'DEADLINE_EXCEEDED'))) {
    return timedOut(name, 0, reason);
  }
  return aborted ? cancelled(name, reason) : undefined;
}

function timedOut(name: string, timeoutMs: number, cause?: unknown): Error {
  return resourceError('RESOURCE_TIMEOUT', `"${name}" could not be had within ${Math.round(timeoutMs)} ms`, {
    cause,
    retryable: true,
    details: { pool: name, operation: 'acquire', timeoutMs: Math.round(timeoutMs) },
  });
}

function cancelled(name: string, cause: unknown): Error {
  return resourceError('RESOURCE_CANCELLED', `the wait for "${name}" was ended by its caller`, {
    cause,
    details: { pool: name },
  });
}

import type { Clock, Timer } from '@tenon/core';
import { egressError } from '../errors.ts';

/** What a request can wait for too long. */
export type RequestPhase = 'connect' | 'headers' | 'body' | 'total';

/** One request from its start to the last byte of its answer: everything that waits for it ends with its signal. */
export interface RequestLife {
  /** Aborts once, with the error that the request fails with. */
  readonly signal: AbortSignal;
  /** Whether some of it may have reached a server. */
  readonly mayHaveBeenSent: boolean;
  /** Records that bytes leave from now on. */
  markSent(): void;
  /** Fails the request unless the timer is cancelled in time. */
  limit(phase: RequestPhase, timeoutMs: number): Timer;
  /** Fails the request now. */
  fail(error: Error): void;
  /** Waits for work that cannot be stopped, no longer than the request lives. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Releases timers and listeners. The signal stays as it is. */
  end(): void;
}

/**
 * Begins a request.
 *
 * @param host - for messages
 * @param signal - the caller's
 * @param onEnd - called once, when the request is over
 */
export function beginLife(clock: Clock, host: string, signal: AbortSignal | undefined, onEnd: () => void): RequestLife {
  const controller = new AbortController();
  const timers = new Set<Timer>();
  let isSent = false;
  let isOver = false;
  const follow = (): void => {
    life.fail(
      egressError('EGRESS_ABORTED', `the request to "${host}" was aborted by its caller`, {
        cause: signal?.reason,
        details: { host, mayHaveBeenSent: isSent },
      }),
    );
  };
  const life: RequestLife = {
    signal: controller.signal,
    get mayHaveBeenSent() {
      return isSent;
    },
    markSent(): void {
      isSent = true;
    },
    limit(phase, timeoutMs) {
      const timer = clock.schedule(() => life.fail(timeout(host, phase, timeoutMs, isSent)), timeoutMs);
      const cancel = (): void => {
        timer.cancel();
        timers.delete(limit);
      };
      const limit = { cancel };
      timers.add(limit);
      return limit;
    },
    fail: (error) => controller.abort(error),
    during: (work) => {
      const { promise, reject } = Promise.withResolvers<never>();
      const stop = (): void => reject(controller.signal.reason as Error);
      if (controller.signal.aborted) stop();
      controller.signal.addEventListener('abort', stop, { once: true });
      return Promise.race([work, promise]).finally(() => controller.signal.removeEventListener('abort', stop));
    },
    end(): void {
      if (isOver) return;
      isOver = true;
      for (const timer of timers) timer.cancel();
      signal?.removeEventListener('abort', follow);
      onEnd();
    },
  };
  if (signal?.aborted === true) follow();
  else signal?.addEventListener('abort', follow, { once: true });
  return life;
}

const waits: Readonly<Record<RequestPhase, string>> = {
  connect: 'no connection was made',
  headers: 'no answer came',
  body: 'no more of the answer came',
  total: 'it was not finished',
};

function timeout(host: string, phase: RequestPhase, timeoutMs: number, mayHaveBeenSent: boolean): Error {
  return egressError('EGRESS_TIMEOUT', `the request to "${host}" was ended: ${waits[phase]} within ${timeoutMs} ms`, {
    retryable: true,
    details: { host, phase, timeoutMs, mayHaveBeenSent },
  });
}

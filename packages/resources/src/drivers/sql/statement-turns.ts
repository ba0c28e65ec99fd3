import type { Clock, Timer } from '@tenon/core';
import { resourceError } from '../../errors.ts';
import { endedBy, overdue } from './statement-end.ts';

/** The most statements that wait for one connection. */
const MAX_WAITING = 1_000;

/** Lets one statement at a time have the connection, in the order in which they came. */
export class StatementTurns {
  #isTaken = false;
  readonly #waiting = new Set<() => void>();

  get isBusy(): boolean {
    return this.#isTaken;
  }

  /** Takes the turn that is free. */
  take(): void {
    this.#isTaken = true;
  }

  /** Gives the turn to the next one. */
  pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#isTaken = false;
    else {
      this.#waiting.delete(next);
      next();
    }
  }

  /**
   * Waits for a turn, and takes it.
   *
   * @throws `RESOURCE_QUERY_INVALID` when too many wait already, `RESOURCE_CANCELLED`, `RESOURCE_TIMEOUT`
   */
  wait(
    { resource, clock }: { readonly resource: string; readonly clock: Clock },
    ends: readonly AbortSignal[],
    timeoutMs: number | undefined,
  ): Promise<void> {
    if (this.#waiting.size >= MAX_WAITING) {
      throw resourceError(
        'RESOURCE_QUERY_INVALID',
        `${MAX_WAITING} statements wait for one connection to database "${resource}": wait for them, or acquire more connections`,
        { details: { resource, max: MAX_WAITING } },
      );
    }
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const stop = (): void => {
        timer?.cancel();
        for (const signal of ends) signal.removeEventListener('abort', onAbort);
      };
      const leave = (error: Error): void => {
        stop();
        this.#waiting.delete(go);
        reject(error);
      };
      const go = (): void => {
        stop();
        resolve();
      };
      const onAbort = (): void => leave(endedBy(resource, ends.find(({ aborted }) => aborted)?.reason));
      for (const signal of ends) signal.addEventListener('abort', onAbort, { once: true });
      if (timeoutMs !== undefined) timer = clock.schedule(() => leave(overdue(resource, timeoutMs)), timeoutMs);
      this.#waiting.add(go);
    });
  }
}

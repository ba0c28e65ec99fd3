import type { Clock } from '@tenon/core';
import { resourceError } from '../errors.ts';
import type { CloseReport, Pool } from '../pool/pool.ts';
import { beforeAbort } from '../waiting/before-abort.ts';
import { createPatience } from '../waiting/patience.ts';
import type { Instance } from './instance.ts';

/** The end of one managed resource. */
export interface Ending {
  /** Aborts when it begins. */
  readonly signal: AbortSignal;
  /** Begins it, or makes its time shorter. @returns what became of everything; the same for every call */
  close(timeoutMs: number): Promise<CloseReport>;
  /** Whether something that was begun with {@link Ending.during} goes on. */
  readonly isBusy: boolean;
  /** Does something with instances that are not in the pool. The end waits for it, whoever else does not any more. */
  during<T>(work: Promise<T>, signal: AbortSignal): Promise<T>;
}

/**
 * Nothing has begun.
 *
 * @param moments - `begin` is called before anything is ended, `end` when all is
 */
export function createEnding(pool: Pool<Instance>, clock: Clock, moments: { begin(): void; end(): void }): Ending {
  const controller = new AbortController();
  const patience = createPatience(clock);
  const outside = new Set<Promise<void>>();
  let closing: Promise<CloseReport> | undefined;

  const run = async (): Promise<CloseReport> => {
    const before = pool.statistics();
    moments.begin();
    await Promise.race([pool.drain({ timeoutMs: Infinity }), patience.isOver]);
    const report = await pool.close({ timeoutMs: patience.remainingMs() });
    await Promise.race([Promise.allSettled(outside), patience.isOver]);
    patience.stop();
    const { destroyed, releases } = pool.statistics();
    moments.end();
    return {
      ...report,
      returned: releases - before.releases,
      destroyed: destroyed - before.destroyed,
      left: report.left + outside.size,
    };
  };

  return {
    signal: controller.signal,
    get isBusy() {
      return outside.size > 0;
    },
    close(timeoutMs) {
      if (closing === undefined) {
        const { promise, resolve, reject } = Promise.withResolvers<CloseReport>();
        // First of all: whoever hears of what follows may ask for it again.
        closing = promise;
        controller.abort(resourceError('RESOURCES_CLOSED', `"${pool.name}" is being closed`));
        run().then(resolve, reject);
      }
      patience.shortenTo(timeoutMs);
      return closing;
    },
    during(work, signal) {
      const tracked = work.then(
        () => undefined,
        () => undefined,
      );
      outside.add(tracked);
      void tracked.then(() => outside.delete(tracked));
      return beforeAbort(work, signal);
    },
  };
}

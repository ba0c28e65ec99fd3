import { toError, type Logger } from '@tenon/core';
import type { Services } from './services.ts';

const INTERVAL_MS = 3_600_000;
const REQUESTS_KEPT_MS = 7 * 86_400_000;

/**
 * Removes what has expired, now and every hour: ended sessions and signing keys that nothing needs, and idempotency keys older
 * than a week. Any number of processes may do it at once.
 *
 * @returns stops it, and waits for the run at hand
 */
export function startHousekeeping({
  services,
  logger,
}: {
  readonly services: Services;
  readonly logger: Logger;
}): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    try {
      const purged = await services.auth.purge();
      const requests = await services.trading.orders.forgetRequests({ olderThanMs: REQUESTS_KEPT_MS });
      logger.debug({ ...purged, requests }, 'expired rows removed');
    } catch (error) {
      logger.warn({ err: toError(error) }, 'expired rows could not be removed; the next run tries again');
    }
  };
  running = run();
  const timer = setInterval(() => {
    running = running.then(run);
  }, INTERVAL_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

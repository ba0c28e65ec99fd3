import { createMutex, toError, type Logger } from '@tenon/core';
import type { Services } from './services.ts';

const INTERVAL_MS = 3_600_000;
const MAINTENANCE_INTERVAL_MS = 60_000;
const REQUESTS_KEPT_MS = 7 * 86_400_000;

/**
 * Removes what has expired, now and every hour: ended sessions and signing keys that nothing needs, and idempotency keys older
 * than a week. Any number of processes may do it at once. The embedded database is also kept fit each minute: what a server's
 * autovacuum does, nobody does there.
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
  const inTurn = createMutex();
  const run = async (): Promise<void> => {
    try {
      const purged = await services.auth.purge();
      const requests = await services.trading.orders.forgetRequests({ olderThanMs: REQUESTS_KEPT_MS });
      logger.debug({ ...purged, requests }, 'expired rows removed');
    } catch (error) {
      logger.warn({ err: toError(error) }, 'expired rows could not be removed; the next run tries again');
    }
  };
  const maintain = async (): Promise<void> => {
    try {
      const tables = await services.database.maintain();
      if (tables.length > 0) logger.debug({ tables }, 'embedded database maintained');
    } catch (error) {
      logger.warn({ err: toError(error) }, 'the embedded database could not be maintained; the next run tries again');
    }
  };
  void inTurn.run(run);
  // Not unreferenced: nothing else keeps a process alive that is a worker alone.
  const timer = setInterval(() => {
    void inTurn.run(run);
  }, INTERVAL_MS);
  const maintenance = setInterval(() => {
    void inTurn.run(maintain);
  }, MAINTENANCE_INTERVAL_MS);
  maintenance.unref();
  if (services.database.driver !== 'pglite') clearInterval(maintenance);
  return async () => {
    clearInterval(timer);
    clearInterval(maintenance);
    await inTurn.run(async () => undefined);
  };
}

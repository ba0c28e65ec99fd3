import { isCodedError, sleep } from '@tenon/core';
import type pg from 'pg';
import { databaseError } from './errors.ts';
import type { DatabaseConfig } from './options.ts';
import { translateError } from './translate-error.ts';

const BASE_MS = 100;
const CAP_MS = 5_000;

/**
 * Tries to reach the server until it answers or the deadline passes. Waits between attempts with exponential back-off and
 * full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015). Only failures to connect are tried again:
 * a wrong password stays wrong. An attempt that is under way at the deadline may use its time up.
 *
 * @param signal - ends the attempts, because the database is being closed
 * @throws the last failure, translated; `DATABASE_CLOSED` after the signal
 */
export async function connectWithRetry(pool: pg.Pool, config: DatabaseConfig, signal: AbortSignal): Promise<void> {
  const { clock, logger } = config;
  const deadline = clock.monotonicMs() + config.connectDeadlineMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await pool.query('select 1');
      return;
    } catch (thrown) {
      const error = translateError(thrown);
      const canRetry = isCodedError(error, 'DATABASE_UNAVAILABLE', 'DATABASE_BUSY');
      const waitMs = config.random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt);
      if (!canRetry || clock.monotonicMs() + waitMs >= deadline) throw error;
      logger.warn(
        { attempt: attempt + 1, waitMs: Math.round(waitMs), code: error.code },
        'database not reachable, trying again',
      );
      await sleep(clock, waitMs, signal).catch((cause: unknown) => {
        throw databaseError('DATABASE_CLOSED', 'the database was closed before it had been reached', { cause });
      });
    }
  }
}

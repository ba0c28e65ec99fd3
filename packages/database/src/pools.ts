import pg from 'pg';
import { isCodedError, toError } from '@tenon/core';
import { lockDataDirectory } from './data-directory-lock.ts';
import { joinMessages } from './embedded-protocol.ts';
import { databaseError } from './errors.ts';
import type { DatabaseConfig } from './options.ts';
import { prepareDataDirectory } from './prepare-data-directory.ts';

/** A node-postgres pool and what must be let go of after it. */
export interface OpenPool {
  readonly pool: pg.Pool;
  /** Closes what is beneath the pool. The pool itself must have ended. */
  release(): Promise<void>;
}

const { INT8, DATE, TIMESTAMPTZ } = pg.types.builtins;

// Plans of prepared statements are made once for any values, and not again for each: for statements that look rows up by
// key, as nearly all here do, planning takes longer than running (placing an order: 0.7 ms against 0.2 ms).
const PLAN_ONCE = 'plan_cache_mode=force_generic_plan';

// Money, counts and versions are whole numbers well inside the safe range. A value outside of it is an error here, never
// a rounded number.
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw databaseError(
      'DATABASE_VALUE_INVALID',
      'a whole number in the database is beyond what JavaScript can hold exactly',
    );
  }
  return value;
}

const parseAnyTimestamp = pg.types.getTypeParser(TIMESTAMPTZ) as (text: string) => unknown;

// Sessions nearly always answer in UTC, as `2026-01-31 12:00:00.123+00`, with 0 to 3 digits behind the point where columns hold
// milliseconds. Read by position that takes a tenth of the general way, which everything else goes.
function parseTimestamp(text: string): unknown {
  const { length } = text;
  const digits = length === 22 ? 0 : length - 23;
  const isUtc = text.charCodeAt(4) === 0x2d && text.endsWith('+00') && text.charCodeAt(10) === 0x20;
  if (!isUtc || digits < 0 || digits > 3) return parseAnyTimestamp(text);
  const at = (start: number, end: number): number => {
    let value = 0;
    for (let index = start; index < end; index += 1) value = value * 10 + text.charCodeAt(index) - 0x30;
    return value;
  };
  const milliseconds = at(20, 20 + digits) * (digits === 1 ? 100 : digits === 2 ? 10 : 1);
  const year = at(0, 4);
  // Date.UTC takes years below 100 for those of the last century.
  if (year < 100) return parseAnyTimestamp(text);
  return new Date(Date.UTC(year, at(5, 7) - 1, at(8, 10), at(11, 13), at(14, 16), at(17, 19), milliseconds));
}

const types: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (format !== 'binary' && oid === INT8) return parseInt8;
    if (format !== 'binary' && oid === TIMESTAMPTZ) return parseTimestamp;
    // A day has no time zone; pg would make it midnight of wherever the process runs.
    if (format !== 'binary' && oid === DATE) return (text: string) => text;
    return pg.types.getTypeParser(oid, format);
  },
};

/** How long past the statement timeout an answer may take before the connection is given up as dead. */
function answerTimeoutMs(statementTimeoutMs: number): number {
  return statementTimeoutMs + Math.min(5_000, statementTimeoutMs);
}

/** Makes the pool for a server. It connects when first used. */
export function openServerPool(config: DatabaseConfig, url: URL): OpenPool {
  const { statementTimeoutMs } = config;
  const ssl =
    config.tls.mode === 'disable'
      ? false
      : {
          rejectUnauthorized: config.tls.mode === 'verify-full',
          ...(config.tls.ca === undefined ? {} : { ca: config.tls.ca }),
        };
  const pool = new pg.Pool({
    connectionString: url.href,
    ssl,
    types,
    max: config.poolMax,
    // Statements are sent while answers are awaited, so that the first one of a transaction travels with its `begin`.
    pipeline: true,
    connectionTimeoutMillis: config.acquireTimeoutMs,
    idleTimeoutMillis: config.idleTimeoutMs,
    application_name: config.applicationName,
    ...(config.preparedStatements ? { options: `-c ${PLAN_ONCE} -c TimeZone=UTC` } : {}),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(statementTimeoutMs === 0
      ? {}
      : { statement_timeout: statementTimeoutMs, query_timeout: answerTimeoutMs(statementTimeoutMs) }),
  });
  watch(pool, config);
  return { pool, release: () => Promise.resolve() };
}

/** Opens the embedded database: locks its folder, starts PGlite, and puts node-postgres in front of it. */
export async function openEmbeddedPool(config: DatabaseConfig, dataDir: string): Promise<OpenPool> {
  const [{ PGlite }, { createPgConfig }] = await Promise.all([
    import('@electric-sql/pglite'),
    import('@electric-sql/pglite/node-postgres'),
  ]).catch((error: unknown) => {
    throw databaseError(
      'DATABASE_OPTIONS_INVALID',
      'the embedded database needs the package @electric-sql/pglite: install it',
      { cause: toError(error) },
    );
  });
  const lock = dataDir === 'memory' ? undefined : lockDataDirectory(dataDir);
  try {
    if (lock !== undefined) await prepareDataDirectory(lock.dataDir, (folder) => PGlite.create(folder));
    const embedded = await PGlite.create({
      dataDir: lock?.dataDir ?? 'memory://',
      ...(config.snapshot === undefined ? {} : { loadDataDir: config.snapshot }),
    });
    if (config.preparedStatements) await embedded.exec(`set ${PLAN_ONCE.replace('=', ' = ')}`);
    // One session: the pool must never close its client, because the next one would share the same protocol state.
    const settings = { types, max: 1, connectionTimeoutMillis: config.acquireTimeoutMs, idleTimeoutMillis: 0 };
    const pool = new pg.Pool(Object.assign(createPgConfig(joinMessages(embedded)), settings));
    watch(pool, config);
    return {
      pool,
      async release(): Promise<void> {
        await embedded.close();
        lock?.release();
      },
    };
  } catch (error) {
    lock?.release();
    if (isCodedError(error)) throw error;
    throw databaseError('DATABASE_UNAVAILABLE', `the embedded database in "${dataDir}" could not be opened`, {
      cause: toError(error),
    });
  }
}

// A connection reports that it broke to its listeners, and ends the process when it has none: also while it is in use, when
// the pool does not listen and the statement under way reports the failure too.
function watch(pool: pg.Pool, config: DatabaseConfig): void {
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', (error) => config.logger.warn({ err: error }, 'an idle database connection broke'));
}

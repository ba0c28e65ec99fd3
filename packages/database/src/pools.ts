import pg from 'pg';
import { toError } from '@tenon/core';
import { lockDataDirectory } from './data-directory-lock.ts';
import { databaseError } from './errors.ts';
import type { DatabaseConfig } from './options.ts';

/** A node-postgres pool and what must be let go of after it. */
export interface OpenPool {
  readonly pool: pg.Pool;
  /** Closes what is beneath the pool. The pool itself must have ended. */
  release(): Promise<void>;
}

const INT8 = 20;

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

const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    return oid === INT8 && format !== 'binary' ? parseInt8 : pg.types.getTypeParser(oid, format as 'text');
  },
} as pg.CustomTypesConfig;

/** Makes the pool for a server. It connects when first used. */
export function openServerPool(config: DatabaseConfig, url: URL): OpenPool {
  const plain = new URL(url);
  plain.searchParams.delete('sslmode'); // pg reads it differently from libpq; the decision is made in `config.tls`
  const ssl =
    config.tls.mode === 'disable'
      ? false
      : {
          rejectUnauthorized: config.tls.mode === 'verify-full',
          ...(config.tls.ca === undefined ? {} : { ca: config.tls.ca }),
        };
  const pool = new pg.Pool({
    connectionString: plain.href,
    ssl,
    types,
    max: config.poolMax,
    connectionTimeoutMillis: config.acquireTimeoutMs,
    idleTimeoutMillis: config.idleTimeoutMs,
    application_name: config.applicationName,
    keepAlive: true,
    ...(config.statementTimeoutMs === 0 ? {} : { statement_timeout: config.statementTimeoutMs }),
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
      {
        cause: toError(error),
      },
    );
  });
  const inMemory = dataDir === 'memory';
  const lock = inMemory ? undefined : lockDataDirectory(dataDir);
  try {
    const embedded = await PGlite.create({
      dataDir: inMemory ? 'memory://' : dataDir,
      ...(config.snapshot === undefined ? {} : { loadDataDir: config.snapshot }),
    });
    // One session: the pool must never close its client, because the next one would share the same protocol state.
    const pool = new pg.Pool({
      ...createPgConfig(embedded),
      types,
      max: 1,
      connectionTimeoutMillis: config.acquireTimeoutMs,
      idleTimeoutMillis: 0,
    } as pg.PoolConfig);
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
    throw databaseError('DATABASE_UNAVAILABLE', `the embedded database in "${dataDir}" could not be opened`, {
      cause: toError(error),
    });
  }
}

// An idle connection that breaks is reported on the pool; without a listener it would end the process.
function watch(pool: pg.Pool, config: DatabaseConfig): void {
  pool.on('error', (error) => config.logger.warn({ err: error }, 'an idle database connection broke'));
}

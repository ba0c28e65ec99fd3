import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { findServices } from '../../scripts/services/find-services.ts';
import { postgres } from '../../scripts/services/postgres.ts';

/** A PostgreSQL database of a bench's own. */
export interface ThrowAwayDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/**
 * Creates an empty database on the PostgreSQL that the tests use: the one of TENON_TEST_POSTGRES_URL, one that answers, or one that
 * is started for the time of the bench.
 */
export async function createThrowAwayDatabase(): Promise<ThrowAwayDatabase> {
  const [server] = await findServices([postgres]);
  if (server?.available !== true) throw new Error(server?.reason);
  const name = `tenon_bench_${randomBytes(6).toString('hex')}`;
  await statement(server.url, `create database ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop(): Promise<void> {
      await statement(server.url, `drop database if exists ${name} with (force)`);
      await server.stop();
    },
  };
}

async function statement(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** A PostgreSQL database of a bench's own. */
export interface ThrowAwayDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Creates an empty database on the server of TENON_TEST_POSTGRES_URL, or on the standard address. */
export async function createThrowAwayDatabase(): Promise<ThrowAwayDatabase> {
  const server = process.env['TENON_TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
  const name = `tenon_bench_${randomBytes(6).toString('hex')}`;
  await statement(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => statement(server, `drop database if exists ${name} with (force)`) };
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

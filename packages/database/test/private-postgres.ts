import { chownSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { TestContext } from 'vitest';
import { startPostgres } from '../../../scripts/services/postgres.ts';
import type { PrivateServer, Start } from '../../../scripts/services/service.ts';

/** Starts a PostgreSQL that a file of tests may break, and that keeps what it acknowledged. */
export function startPrivatePostgres(options: { readonly port?: number } = {}): Promise<Start> {
  return startPostgres({ fsync: true, ...options });
}

/** The server, or the end of the test, named as skipped, where the machine has none. */
export function need(start: Start, context: TestContext): PrivateServer {
  if (!start.available) return context.skip(start.reason);
  return start.server;
}

/** Sends statements to the server beside everything under test. */
export async function tell(server: PrivateServer, ...statements: readonly string[]): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    let rows: readonly unknown[] = [];
    for (const statement of statements) ({ rows } = await client.query<pg.QueryResultRow>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/** Writes a file that only the server's own user may read. */
export function writeServerFile(server: PrivateServer, name: string, contents: string): string {
  const file = join(server.dataDir, name);
  const { uid, gid } = statSync(server.dataDir);
  writeFileSync(file, contents, { mode: 0o600 });
  chownSync(file, uid, gid);
  return file;
}

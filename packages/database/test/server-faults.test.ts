import { once } from 'node:events';
import { createServer } from 'node:net';
import type { LogFields } from '@tenon/core';
import { createTestClock, type TestClock } from '@tenon/core/testing';
import { createDatabase, openDatabase, type Database, type DatabaseOptions } from '@tenon/database';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PrivateServer, Start } from '../../../scripts/services/service.ts';
import { need, startPrivatePostgres, tell, writeServerFile } from './private-postgres.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { widgetMigrations, type WidgetTables } from './widgets.ts';

let start: Start;
beforeAll(async () => {
  start = await startPrivatePostgres();
});
afterAll(async () => {
  if (start.available) await start.server.stop();
});

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function open(url: string, options: DatabaseOptions = {}): Promise<Database<WidgetTables>> {
  const database = await openDatabase({ url, poolMax: 4, ...options });
  cleanups.push(() => database.close());
  await database.migrate([widgetMigrations]);
  return database.withTables<WidgetTables>();
}

const insert = (database: Database<WidgetTables>, name: string): Promise<unknown> =>
  database.withSystem('test', (tx) =>
    tx.insertInto('widgets').values({ tenant_id: 'acme', id: name, name, size: 1 }).execute(),
  );

async function names(database: Database<WidgetTables>): Promise<readonly string[]> {
  const rows = await database.withSystem('test', (tx) => tx.selectFrom('widgets').select('name').execute());
  return rows.map(({ name }) => name).toSorted();
}

const empty = (database: Database<WidgetTables>): Promise<unknown> =>
  database.withSystem('test', (tx) => tx.deleteFrom('widgets').execute());

describe('a server that is killed and started again', () => {
  it('costs the transactions under way, and nothing that was acknowledged; then the pool serves again', async (context) => {
    const server = need(start, context);
    const database = await open(server.url);
    await empty(database);
    const acknowledged: string[] = [];
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let index = 0; ; index += 1) {
        const name = `${writer}-${index}`;
        try {
          await insert(database, name);
        } catch (error) {
          return error;
        }
        acknowledged.push(name);
      }
    });
    await expect.poll(() => acknowledged.length).toBeGreaterThan(50);
    await server.kill9();
    for (const failure of await Promise.all(writers)) {
      expect(failure).toMatchObject({
        code: expect.toBeOneOf(['DATABASE_UNAVAILABLE', 'DATABASE_COMMIT_UNKNOWN']) as string,
      });
    }
    await expect(insert(database, 'while down')).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      retryable: true,
    });
    await expect(database.ping()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryAfterMs: 2_000 });
    await server.restart();
    await insert(database, 'after');
    const kept = new Set(await names(database));
    expect(acknowledged.filter((name) => !kept.has(name))).toEqual([]);
  });

  it('does not end the process when its connections break while a transaction does something else', async (context) => {
    const server = need(start, context);
    const database = await open(server.url);
    const broke = database.withSystem('test', async (tx) => {
      await sql`select 1`.execute(tx);
      await server.kill9();
      await server.restart();
      await sql`select 1`.execute(tx);
    });
    await expect(broke).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect(await database.ping()).toMatchObject({ version: expect.any(String) as string });
  });

  it('is noticed by idle connections, and told to the logger', async (context) => {
    const server = need(start, context);
    const lines: string[] = [];
    const database = await open(server.url, { logger: collect(lines) });
    await server.kill9();
    await server.restart();
    await expect.poll(() => lines).toContain('an idle database connection broke');
    await expect.poll(() => database.statistics().total).toBe(0);
    await database.ping();
  });

  it('breaks a migration that is under way, whole; it is applied afterwards', async (context) => {
    const server = need(start, context);
    const database = await open(server.url);
    const slow = {
      name: 'slow',
      migrations: [{ version: 1, name: 'slow', sql: 'create table slow (id text); select pg_sleep(30)' }],
    };
    const migrating = database.migrate([widgetMigrations, slow]);
    const settled = migrating.then(
      () => 'applied',
      (error: unknown) => error,
    );
    await expect
      .poll(() =>
        tell(server, "select 1 from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()"),
      )
      .toHaveLength(1);
    await server.kill9();
    expect(await settled).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
    await server.restart();
    const report = await database.migrate([
      widgetMigrations,
      { name: 'slow', migrations: [{ version: 1, name: 'slow', sql: 'create table slow (id text)' }] },
    ]);
    expect(report.applied).toEqual(['slow/0001_slow']);
  });
});

describe('a connection that breaks', () => {
  async function openThroughProxy(
    server: PrivateServer,
    options: DatabaseOptions = {},
  ): Promise<[TcpProxy, Database<WidgetTables>]> {
    const proxy = await startTcpProxy(server.url);
    cleanups.push(() => proxy.close());
    const database = await open(proxy.url, { poolMax: 1, ...options });
    await empty(database);
    return [proxy, database];
  }

  it('during a statement means that nothing was kept', async (context) => {
    const [proxy, database] = await openThroughProxy(need(start, context));
    proxy.cutAfter('insert into');
    await expect(insert(database, 'lost')).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
    proxy.heal();
    expect(await names(database)).toEqual([]);
  });

  it('during the commit means that nobody knows, and is not called retryable', async (context) => {
    const [proxy, database] = await openThroughProxy(need(start, context));
    proxy.cutAfter('commit');
    await expect(insert(database, 'kept after all')).rejects.toMatchObject({
      code: 'DATABASE_COMMIT_UNKNOWN',
      retryable: false,
    });
    proxy.heal();
    // Here the server had committed. The caller cannot tell this from the other case.
    expect(await names(database)).toEqual(['kept after all']);
  });

  it('without anybody saying so is given up when the answer is overdue, and replaced', async (context) => {
    const [proxy, database] = await openThroughProxy(need(start, context), { statementTimeoutMs: 100 });
    await database.ping();
    proxy.stall();
    await expect(insert(database, 'lost')).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
    proxy.heal();
    await insert(database, 'next');
    expect(await names(database)).toEqual(['next']);
  });

  it('keeps no migration from taking longer than a statement may', async (context) => {
    const server = need(start, context);
    const database = await open(server.url, { statementTimeoutMs: 100 });
    const patient = { version: 1, name: 'patient', sql: 'select pg_sleep(0.5)' };
    const report = await database.migrate([widgetMigrations, { name: 'patient', migrations: [patient] }]);
    expect(report.applied).toEqual(['patient/0001_patient']);
  });
});

describe('a server that comes up later', () => {
  it('is waited for, with growing pauses', async (context) => {
    need(start, context);
    const port = await unusedPort();
    const clock = createTestClock();
    const lines: string[] = [];
    const waits: unknown[] = [];
    const logger = collect(lines, waits);
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    const database = createDatabase({ url, clock, logger, random: () => 1 });
    cleanups.push(() => database.close());
    const ready = database.ready();
    for (const attempts of [1, 2, 3]) {
      await expect.poll(() => [lines.length, clock.pending()]).toEqual([attempts, 1]);
      if (attempts < 3) await clock.advance(100 * 2 ** (attempts - 1));
    }
    expect(waits).toEqual(
      [100, 200, 400].map((waitMs, index) => ({ attempt: index + 1, waitMs, code: 'DATABASE_UNAVAILABLE' })),
    );
    const late = await startPrivatePostgres({ port });
    const server = need(late, context);
    cleanups.push(() => server.stop());
    await clock.advance(400);
    await ready;
    expect(await database.ping()).toMatchObject({ version: expect.any(String) as string });
    expect(clock.pending()).toBe(0);
  });

  it('is waited for no longer than connectDeadlineMs', async () => {
    const clock = createTestClock();
    const database = createDatabase({
      url: `postgres://postgres@127.0.0.1:${await unusedPort()}/postgres`,
      clock,
      connectDeadlineMs: 10_000,
      random: () => 1,
    });
    cleanups.push(() => database.close());
    const end = database.ready().catch((error: unknown) => error);
    // 100, 200, 400, ... 3,200: 6.3 s in all. The next pause of 5 s (the longest there is) would pass the deadline.
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await expect.poll(() => clock.pending()).toBe(1);
      await clock.advance(100 * 2 ** attempt);
    }
    expect(await end).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true });
    expect(clock.monotonicMs()).toBe(6_300);
  });

  it('is waited for with jitter from 0 to the whole pause', async () => {
    const clock = createTestClock();
    const waits: unknown[] = [];
    const database = createDatabase({
      url: `postgres://postgres@127.0.0.1:${await unusedPort()}/postgres`,
      clock,
      logger: collect([], waits),
      random: () => 0.25,
    });
    cleanups.push(() => database.close());
    const end = database.ready().catch((error: unknown) => error);
    await expect.poll(() => waits).toEqual([{ attempt: 1, waitMs: 25, code: 'DATABASE_UNAVAILABLE' }]);
    await database.close();
    expect(await end).toMatchObject({ code: 'DATABASE_CLOSED' });
    expect(clock.pending()).toBe(0);
  });

  it('can be waited for again after the first wait failed', async () => {
    const database = createDatabase({
      url: `postgres://postgres@127.0.0.1:${await unusedPort()}/postgres`,
      connectDeadlineMs: 0,
    });
    cleanups.push(() => database.close());
    const first = database.ready();
    await expect(first).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    const second = database.ready();
    expect(second).not.toBe(first);
    await expect(second).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  });

  it('is given up after acquireTimeoutMs an attempt when it accepts and says nothing', async () => {
    const silent = createServer((socket) => socket.resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanups.push(() => new Promise((resolve) => silent.close(resolve)));
    const database = createDatabase({
      url: `postgres://postgres@127.0.0.1:${(silent.address() as { port: number }).port}/postgres`,
      acquireTimeoutMs: 50,
      connectDeadlineMs: 0,
    });
    cleanups.push(() => database.close());
    await expect(database.ready()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  });
});

describe('a server that refuses', () => {
  const attempt = (url: string): Promise<{ attempts: number; error: unknown }> => attemptWith({ url });

  async function attemptWith(options: DatabaseOptions): Promise<{ attempts: number; error: unknown }> {
    const lines: string[] = [];
    const clock: TestClock = createTestClock();
    const error = await openDatabase({ ...options, clock, logger: collect(lines) }).catch((thrown: unknown) => thrown);
    return { attempts: lines.length + 1, error };
  }

  it('a wrong password is not asked again', async (context) => {
    const server = need(start, context);
    await tell(server, "create role locked login password 'right'");
    const rules = 'host all locked 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n';
    writeServerFile(server, 'pg_hba.conf', rules);
    await tell(server, 'select pg_reload_conf()');
    const url = new URL(server.url);
    url.username = 'locked';
    url.password = 'wrong-hunter2';
    const { attempts, error } = await attempt(url.href);
    expect(error).toMatchObject({ code: 'DATABASE_ACCESS_DENIED', retryable: false });
    expect(attempts).toBe(1);
    expect(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`).not.toContain('hunter2');
    url.password = 'right';
    const database = await openDatabase({ url: url.href });
    await database.close();
  });

  it('a database that does not exist is not asked for again', async (context) => {
    const url = new URL(need(start, context).url);
    url.pathname = '/nowhere';
    const { attempts, error } = await attempt(url.href);
    expect(error).toMatchObject({ code: 'DATABASE_ACCESS_DENIED' });
    expect(attempts).toBe(1);
  });
});

function collect(lines: string[], fields: unknown[] = []) {
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn(given: LogFields, message: string): void {
      lines.push(message);
      fields.push(given);
    },
    error: () => undefined,
    child: () => logger,
  };
  return logger;
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

import { openDatabase, type Database, type DatabaseOptions } from '@tenon/database';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openWidgets, type WidgetDatabase } from './widget-database.ts';

/** Holds `count` transactions open until it is released. */
async function holdOpen<Tables>(database: Database<Tables>, count: number): Promise<{ release(): Promise<void> }> {
  const released = Promise.withResolvers<void>();
  const begun = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const held = begun.map(({ resolve }) =>
    database.withSystem('hold', async () => {
      resolve();
      await released.promise;
    }),
  );
  await Promise.all(begun.map(({ promise }) => promise));
  return {
    async release(): Promise<void> {
      released.resolve();
      await Promise.all(held);
    },
  };
}

const one = <Tables>(database: Database<Tables>): Promise<unknown> =>
  database.withSystem('test', (tx) => sql`select 1`.execute(tx));

describe.each(describeDrivers())('the pool on %s', (driver) => {
  it('answers DATABASE_BUSY when no connection comes free in time, and serves again afterwards', async () => {
    const widgets = await openWidgets(driver, { poolMax: 2, acquireTimeoutMs: 50 });
    const { database } = widgets;
    const count = driver === 'pglite' ? 1 : 2;
    const held = await holdOpen(database, count);
    expect(database.statistics()).toEqual({ total: count, idle: 0, waiting: 0, max: count });
    const late = one(database);
    await expect(late).rejects.toMatchObject({ code: 'DATABASE_BUSY', retryable: true, retryAfterMs: 1_000 });
    await expect(database.ping()).rejects.toMatchObject({ code: 'DATABASE_BUSY' });
    await held.release();
    await one(database);
    expect(database.statistics()).toEqual({ total: count, idle: count, waiting: 0, max: count });
    await widgets.drop();
  });

  it('serves those who wait in turn, and counts them', async () => {
    const widgets = await openWidgets(driver, { poolMax: 1 });
    const held = await holdOpen(widgets.database, 1);
    const order: number[] = [];
    const waiting = [1, 2, 3].map((number) => one(widgets.database).then(() => order.push(number)));
    await expect.poll(() => widgets.database.statistics().waiting).toBe(3);
    await held.release();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
    await widgets.drop();
  });

  it('gives every connection back, however its transaction ended', async () => {
    const widgets = await openWidgets(driver, { poolMax: 2 });
    const ends = await Promise.allSettled(
      Array.from({ length: 60 }, (_, index) =>
        widgets.database.withSystem('test', async (tx) => {
          if (index % 3 === 0) throw new Error('on purpose');
          if (index % 3 === 1) await sql`select 1 / 0`.execute(tx);
        }),
      ),
    );
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    const { total, idle, waiting } = widgets.database.statistics();
    expect([total - idle, waiting]).toEqual([0, 0]);
    await widgets.drop();
  });

  it('is closed after what runs and what waits has finished, and takes no new work meanwhile', async () => {
    const widgets = await openWidgets(driver, { poolMax: 1 });
    const { database } = widgets;
    const held = await holdOpen(database, 1);
    const waiting = database.withSystem('test', (tx) => sql`select 1 as done`.execute(tx));
    let closed = false;
    const closing = database.close().then(() => (closed = true));
    await expect(one(database)).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
    expect(closed).toBe(false);
    await held.release();
    expect((await waiting).rows).toEqual([{ done: 1 }]);
    await closing;
    await widgets.drop();
  });

  it('says which version answers', async () => {
    const widgets = await openWidgets(driver);
    expect((await widgets.database.ping()).version).toMatch(/^\d+(\.\d+)?/);
    await widgets.drop();
  });
});

describe('the embedded database in memory', () => {
  it('starts from the snapshot that it is given', async () => {
    const { PGlite } = await import('@electric-sql/pglite');
    const source = await PGlite.create();
    await source.exec("create table notes as select 'from the snapshot' as text");
    const snapshot = await source.dumpDataDir('none');
    await source.close();
    const database = await openDatabase({ dataDir: 'memory', snapshot });
    await database.migrate([
      { name: 'notes', migrations: [{ version: 1, name: 'grant', sql: 'grant select on notes to tenon_system' }] },
    ]);
    const { rows } = await database.withSystem('test', (tx) => sql`select text from notes`.execute(tx));
    expect(rows).toEqual([{ text: 'from the snapshot' }]);
    await database.close();
  });
});

describe.runIf(describeDrivers().includes('postgres'))('connections to PostgreSQL', () => {
  let widgets: WidgetDatabase;
  const opened: Database[] = [];

  beforeAll(async () => {
    widgets = await openWidgets('postgres');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
  });
  afterAll(() => widgets.drop());

  const open = async (options: DatabaseOptions = {}): Promise<Database> => {
    const database = await openDatabase({ url: widgets.url ?? '', poolMax: 1, ...options });
    opened.push(database);
    return database;
  };
  const valueOf = async (database: Database, text: string): Promise<unknown> => {
    const { rows } = await database.withSystem('test', (tx) => sql.raw<{ value: unknown }>(text).execute(tx));
    return rows[0]?.value;
  };

  it('stop a statement that runs longer than statementTimeoutMs, and go on', async () => {
    const database = await open({ statementTimeoutMs: 100 });
    await expect(valueOf(database, 'select pg_sleep(5)')).rejects.toMatchObject({
      code: 'DATABASE_STATEMENT_TIMEOUT',
      retryable: true,
    });
    expect(await valueOf(database, 'select 1 as value')).toBe(1);
    expect(database.statistics()).toMatchObject({ total: 1, idle: 1 });
  });

  it('know no time limit when statementTimeoutMs is 0, and 30 s when nothing is said', async () => {
    const show = "select current_setting('statement_timeout') as value";
    expect(await valueOf(await open({ statementTimeoutMs: 0 }), show)).toBe('0');
    expect(await valueOf(await open(), show)).toBe('30s');
  });

  it('give their application name to the server', async () => {
    const show = "select current_setting('application_name') as value";
    expect(await valueOf(await open({ applicationName: 'Tenon worker 7' }), show)).toBe('Tenon worker 7');
    expect(await valueOf(await open(), show)).toBe('tenon');
  });

  it('are at most poolMax, and are closed when they were idle for idleTimeoutMs', async () => {
    const database = await open({ poolMax: 3, idleTimeoutMs: 1_000 });
    const held = await holdOpen(database, 3);
    expect(database.statistics()).toMatchObject({ total: 3, max: 3 });
    await held.release();
    await expect.poll(() => database.statistics().total, { timeout: 5_000 }).toBe(0);
  });

  const prepared = "select count(*)::int as value from pg_prepared_statements where name like 'tenon_%'";

  it('prepare a statement when it comes again, and only then', async () => {
    const database = await open();
    await valueOf(database, 'select 1 as value');
    expect(await valueOf(database, prepared)).toBe(0);
    await valueOf(database, 'select 1 as value');
    await valueOf(database, 'select 1 as value');
    expect(await valueOf(database, 'select count(*)::int as value from pg_prepared_statements')).toBe(1);
  });

  it('prepare nothing when preparedStatements is off', async () => {
    const database = await open({ preparedStatements: false });
    for (let times = 0; times < 3; times += 1) await valueOf(database, 'select 1 as value');
    expect(await valueOf(database, prepared)).toBe(0);
  });

  it('prepare no more than 200 statements, and none that is very long', async () => {
    const database = await open();
    const long = `select 1 as value /* ${'x'.repeat(9_000)} */`;
    for (let times = 0; times < 2; times += 1) {
      await valueOf(database, long);
      for (let index = 0; index < 210; index += 1) await valueOf(database, `select ${index} as value`);
    }
    expect(await valueOf(database, prepared)).toBe(200);
  });

  it('find new columns in a prepared statement after a migration of this process', async () => {
    const database = await open();
    const read = () => database.withSystem('test', (tx) => sql<object>`select * from growing`.execute(tx));
    const first = {
      version: 1,
      name: 'one',
      sql: 'create table growing (a int); grant select on growing to tenon_system',
    };
    await database.migrate([{ name: 'growing', migrations: [first] }]);
    await read();
    await read();
    const second = {
      version: 2,
      name: 'two',
      sql: 'alter table growing add column b int; insert into growing values (1, 2)',
    };
    await database.migrate([{ name: 'growing', migrations: [first, second] }]);
    expect((await read()).rows).toEqual([{ a: 1, b: 2 }]);
  });

  it('recover from a table that another process changed beneath a prepared statement', async () => {
    const database = await open();
    const other = await open();
    const create = {
      version: 1,
      name: 'one',
      sql: 'create table changing (a int); grant select on changing to tenon_system',
    };
    const change = { version: 2, name: 'two', sql: 'alter table changing add column b int' };
    await other.migrate([{ name: 'changing', migrations: [create] }]);
    const read = () => database.withSystem('test', (tx) => sql<object>`select * from changing`.execute(tx));
    await read();
    await read();
    await other.migrate([{ name: 'changing', migrations: [create, change] }]);
    await expect(read()).rejects.toMatchObject({ code: 'DATABASE_SERIALIZATION', retryable: true });
    expect((await read()).rows).toEqual([]);
  });
});

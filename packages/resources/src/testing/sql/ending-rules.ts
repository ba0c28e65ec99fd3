import assert from 'node:assert/strict';
import { deadlineAfter, runInContext } from '@tenon/core';
import type { SqlQueries } from '../../drivers/sql/sql-face.ts';
import { assertFails, eventually, idOf, type SqlCheckTools, type SqlContractRule } from './sql-contract-check.ts';

async function assertIdle({ sql, login }: SqlCheckTools): Promise<void> {
  // A server shows for another moment what it has just ended itself.
  await eventually('the statement ended on the server', async () => {
    const connections = await sql.connectionsOf(login.username);
    return connections.every(({ isBusy }) => !isBusy);
  });
}

/** Ends a statement that takes long, and looks at the server and at the connection. */
function ends(
  code: 'RESOURCE_CANCELLED' | 'RESOURCE_TIMEOUT',
  start: (db: SqlQueries, tools: SqlCheckTools) => Promise<unknown>,
): SqlContractRule['check'] {
  return (tools) =>
    tools.use(async (db) => {
      const before = await idOf(tools.sql, db);
      const startedMs = performance.now();
      const error = await assertFails(code, start(db, tools));
      assert.ok(performance.now() - startedMs < 5_000, 'it took too long to end');
      assert.equal(error.details['mayHaveBeenApplied'], undefined);
      await assertIdle(tools);
      // A request to stop that comes late must not hit what comes next.
      for (let index = 0; index < 20; index += 1) await db.query('select 1');
      assert.equal(await idOf(tools.sql, db), before, 'the connection was given up');
    });
}

/** How statements and connections end before their time. */
export const endingRules: readonly SqlContractRule[] = [
  {
    name: 'ends a statement on the server when its signal fires',
    check: ends('RESOURCE_CANCELLED', (db, { sql }) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 50);
      return db.query(sql.sleep(30), [], { signal: controller.signal });
    }),
  },
  {
    name: 'ends a statement on the server after its timeoutMs',
    check: ends('RESOURCE_TIMEOUT', (db, { sql }) => db.query(sql.sleep(30), [], { timeoutMs: 60 })),
  },
  {
    name: 'ends a statement on the server at the deadline of the context',
    check: ends('RESOURCE_TIMEOUT', (db, { sql }) =>
      runInContext({ tenant: 'acme', deadline: deadlineAfter(60) }, () => db.query(sql.sleep(30))),
    ),
  },
  {
    name: 'ends a statement on the server with the signal of the context',
    check: ends('RESOURCE_CANCELLED', (db, { sql }) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 50);
      return runInContext({ tenant: 'acme', signal: controller.signal }, () => db.query(sql.sleep(30)));
    }),
  },
  {
    name: 'ends a statement that runs longer than statementTimeoutMs',
    options: { statementTimeoutMs: 200 },
    check: ends('RESOURCE_TIMEOUT', (db, { sql }) => db.query(sql.sleep(30))),
  },
  {
    name: 'does not send a statement whose signal has fired, also when it waits for its turn',
    check: async ({ use, sql, table }) =>
      use(async (db) => {
        await db.execute(`create table ${table} (id int)`);
        const insert = `insert into ${table} values (1)`;
        await assertFails('RESOURCE_CANCELLED', db.execute(insert, [], { signal: AbortSignal.abort() }));
        const controller = new AbortController();
        const before = db.query(sql.sleep(0.2));
        const waiting = db.execute(insert, [], { signal: controller.signal });
        const overdue = db.execute(insert, [], { timeoutMs: 50 });
        controller.abort();
        await assertFails('RESOURCE_CANCELLED', waiting);
        await assertFails('RESOURCE_TIMEOUT', overdue);
        await before;
        assert.deepEqual(await db.fetchAll(`select id from ${table}`), []);
      }),
  },
  {
    name: 'never lends a connection that the server has ended while it was idle',
    check: async (tools) => {
      const { use, sql, login } = tools;
      const id = await use((db) => idOf(sql, db));
      await sql.kill(id);
      await eventually('the connection is gone', async () => (await sql.connectionsOf(login.username)).length === 0);
      // What the server said is on its way.
      await new Promise((resolve) => void setTimeout(resolve, 20));
      assert.notEqual(await use((db) => idOf(sql, db)), id);
    },
  },
  {
    name: 'tells at once that a connection has ended while it was idle, so that a look follows which makes another one',
    options: { health: { intervalMs: 86_400_000 } },
    check: async ({ use, sql, login, resources, token }) => {
      const id = await use((db) => idOf(sql, db));
      await sql.kill(id);
      await eventually('somebody has looked', async () => resources.healthHistory(token).length > 0);
      assert.equal(resources.health().worst, 'healthy');
      const others = await sql.connectionsOf(login.username);
      assert.ok(others.length > 0 && others.every((one) => one.id !== id), 'there is another connection');
    },
  },
  {
    name: 'says of a connection that ended under a statement what is known of it, and does not lend it again',
    check: async ({ use, sql, resources }) => {
      const id = await use(async (db) => {
        const own = await idOf(sql, db);
        const statement = db.query(sql.sleep(30));
        setTimeout(() => void sql.kill(own), 50);
        await assertFails('RESOURCE_CONNECTION_LOST', statement);
        const after = await assertFails('RESOURCE_CONNECTION_LOST', db.query('select 1'));
        assert.equal(after.retryable, true, 'what was never sent may be tried again');
        return own;
      });
      assert.notEqual(await use((db) => idOf(sql, db)), id);
      assert.equal(resources.list()[0]?.pool.created, 2);
    },
  },
  {
    name: 'undoes a transaction whose connection ended, and says that it may be run again',
    check: async ({ use, sql, table }) => {
      await use((db) => db.execute(`create table ${table} (id int)`));
      await use(async (db) => {
        const own = await idOf(sql, db);
        const work = db.transaction(async (tx) => {
          await tx.execute(`insert into ${table} values (1)`);
          await sql.kill(own);
          await tx.execute(`insert into ${table} values (2)`);
        });
        const error = await assertFails('RESOURCE_CONNECTION_LOST', work);
        assert.equal(error.retryable, true);
      });
      assert.deepEqual(await use((db) => db.fetchAll(`select id from ${table}`)), []);
    },
  },
  {
    name: 'ends what runs when the resources close by force, on the server as well',
    check: async ({ use, sql, login, resources }) => {
      const work = use((db) => db.query(sql.sleep(30)));
      const failed = assert.rejects(work);
      await eventually('the statement runs', async () =>
        (await sql.connectionsOf(login.username)).some(({ isBusy }) => isBusy),
      );
      await resources.close({ timeoutMs: 50 });
      await failed;
      await eventually('nothing is left', async () => (await sql.connectionsOf(login.username)).length === 0);
    },
  },
];

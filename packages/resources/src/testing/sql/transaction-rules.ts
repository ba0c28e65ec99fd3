import assert from 'node:assert/strict';
import type { SqlQueries } from '../../drivers/sql/sql-face.ts';
import { assertFails, type SqlCheckTools, type SqlContractRule } from './sql-contract-check.ts';

class Intended extends Error {}

const fail = (): never => {
  throw new Intended('the work failed');
};

async function idsIn(db: SqlQueries, table: string): Promise<readonly number[]> {
  const rows = await db.fetchAll<{ id: number }>(`select id from ${table} order by id`);
  return rows.map(({ id }) => id);
}

function withTable(work: (db: SqlQueries, tools: SqlCheckTools) => Promise<void>): SqlContractRule['check'] {
  return (tools) =>
    tools.use(async (db) => {
      await db.execute(`create table ${tools.table} (id int primary key, amount int)`);
      await work(db, tools);
    });
}

/** What transactions keep and undo. */
export const transactionRules: readonly SqlContractRule[] = [
  {
    name: 'keeps what was done when the work ends well, and gives its result',
    check: withTable(async (db, { table }) => {
      const result = await db.transaction(async (tx) => {
        await tx.execute(`insert into ${table} values (1, 1)`);
        return 'done';
      });
      assert.equal(result, 'done');
      assert.deepEqual(await idsIn(db, table), [1]);
    }),
  },
  {
    name: 'undoes everything when the work throws, and passes on what it threw',
    check: withTable(async (db, { table }) => {
      const work = db.transaction(async (tx) => {
        await tx.execute(`insert into ${table} values (1, 1)`);
        fail();
      });
      await assert.rejects(work, Intended);
      assert.deepEqual(await idsIn(db, table), []);
    }),
  },
  {
    name: 'undoes a transaction inside another one alone',
    check: withTable(async (db, { table }) => {
      await db.transaction(async (tx) => {
        await tx.execute(`insert into ${table} values (1, 1)`);
        const inner = tx.transaction(async (deeper) => {
          await deeper.execute(`insert into ${table} values (2, 1)`);
          await deeper.transaction((deepest) => deepest.execute(`insert into ${table} values (3, 1)`));
          fail();
        });
        await assert.rejects(inner, Intended);
        await tx.transaction((deeper) => deeper.execute(`insert into ${table} values (4, 1)`));
      });
      assert.deepEqual(await idsIn(db, table), [1, 4]);
    }),
  },
  {
    name: 'goes on after a statement that failed inside an inner transaction',
    check: withTable(async (db, { table }) => {
      await db.transaction(async (tx) => {
        await tx.execute(`insert into ${table} values (1, 1)`);
        const inner = tx.transaction((deeper) => deeper.execute(`insert into ${table} values (1, 1)`));
        await assertFails('RESOURCE_QUERY_CONFLICT', inner);
        await tx.execute(`insert into ${table} values (2, 1)`);
      });
      assert.deepEqual(await idsIn(db, table), [1, 2]);
    }),
  },
  {
    name: 'refuses to write in a transaction that only reads',
    check: withTable(async (db, { table }) => {
      const work = db.transaction((tx) => tx.execute(`insert into ${table} values (1, 1)`), { readOnly: true });
      await assert.rejects(work);
      await db.transaction((tx) => tx.execute(`insert into ${table} values (2, 1)`));
      assert.deepEqual(await idsIn(db, table), [2]);
    }),
  },
  {
    name: 'sees of others what its isolation lets it see',
    check: withTable(async (db, { table, use }) => {
      const during = async (isolation: 'read committed' | 'repeatable read'): Promise<readonly number[]> =>
        db.transaction(
          async (tx) => {
            const before = await idsIn(tx, table);
            await use((other) => other.execute(`insert into ${table} values (${10 + before.length}, 1)`));
            return [before.length, (await idsIn(tx, table)).length];
          },
          { isolation },
        );
      assert.deepEqual(await during('read committed'), [0, 1]);
      assert.deepEqual(await during('repeatable read'), [1, 1]);
      assert.deepEqual(await during('read committed'), [2, 3], 'an isolation outlives its transaction');
    }),
  },
  {
    name: 'lets statements run on the innermost transaction alone',
    check: withTable(async (db) => {
      let ended: SqlQueries | undefined;
      await db.transaction(async (tx) => {
        await assertFails('RESOURCE_QUERY_INVALID', db.query('select 1'));
        await assertFails(
          'RESOURCE_QUERY_INVALID',
          db.transaction(async () => undefined),
        );
        await tx.transaction(async () => void (await assertFails('RESOURCE_QUERY_INVALID', tx.query('select 1'))));
        ended = tx;
      });
      await assertFails('RESOURCE_QUERY_INVALID', async () => ended?.query('select 1'));
    }),
  },
  {
    name: 'lets one of two transactions begin that are begun at once',
    check: withTable(async (db, { table }) => {
      const both = await Promise.allSettled([
        db.transaction((tx) => tx.execute(`insert into ${table} values (1, 1)`)),
        db.transaction((tx) => tx.execute(`insert into ${table} values (2, 1)`)),
      ]);
      assert.deepEqual(
        both.map(({ status }) => status),
        ['fulfilled', 'rejected'],
      );
      assert.deepEqual(await idsIn(db, table), [1]);
    }),
  },
  {
    name: 'refuses isolation for a transaction inside another one',
    check: withTable(async (db) => {
      const work = db.transaction((tx) => tx.transaction(async () => undefined, { isolation: 'serializable' }));
      await assertFails('RESOURCE_QUERY_INVALID', work);
    }),
  },
  {
    name: 'undoes a transaction whose signal fires, and ends its statement',
    check: withTable(async (db, { sql, table }) => {
      const controller = new AbortController();
      const work = db.transaction(
        async (tx) => {
          await tx.execute(`insert into ${table} values (1, 1)`);
          setTimeout(() => controller.abort(), 50);
          await tx.query(sql.sleep(30));
        },
        { signal: controller.signal },
      );
      await assertFails('RESOURCE_CANCELLED', work);
      assert.deepEqual(await idsIn(db, table), []);
    }),
  },
  {
    name: 'says of one of two transactions that wait for each other that it may be run again',
    check: withTable(async (db, { table, use }) => {
      await db.execute(`insert into ${table} values (1, 0), (2, 0)`);
      const locked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
      const cross = (on: SqlQueries, mine: 0 | 1): Promise<unknown> =>
        on.transaction(async (tx) => {
          await tx.execute(`update ${table} set amount = amount + 1 where id = ${mine + 1}`);
          locked[mine].resolve();
          await locked[mine === 0 ? 1 : 0].promise;
          await tx
            .execute(`update ${table} set amount = amount + 1 where id = ${2 - mine}`)
            .catch(async (error: unknown) => {
              // Whoever goes on all the same must not write outside of what was undone.
              await assertFails('RESOURCE_TRANSACTION_ROLLED_BACK', tx.execute(`insert into ${table} values (9, 9)`));
              throw error;
            });
        });
      const both = await use((other) => Promise.allSettled([cross(db, 0), cross(other, 1)]));
      const failures = both.filter((one) => one.status === 'rejected').map(({ reason }) => reason);
      assert.equal(failures.length, 1);
      const error = await assertFails('RESOURCE_TRANSACTION_CONFLICT', Promise.reject(failures[0] as Error));
      assert.equal(error.retryable, true);
      const rows = await db.fetchAll(`select id, amount from ${table} order by id`);
      assert.deepEqual(rows, [
        { id: 1, amount: 1 },
        { id: 2, amount: 1 },
      ]);
    }),
  },
];

import assert from 'node:assert/strict';
import { assertFails, type SqlContractRule } from './sql-contract-check.ts';

/** What statements do and give. */
export const statementRules: readonly SqlContractRule[] = [
  {
    name: 'gives the rows, their number and the names of their columns',
    check: async ({ use }) =>
      use(async (db) => {
        const result = await db.query('select 1 as one, 2 as two');
        assert.deepEqual(result.rows, [{ one: 1, two: 2 }]);
        assert.equal(result.rowCount, 1);
        assert.deepEqual(
          result.fields.map(({ name }) => name),
          ['one', 'two'],
        );
      }),
  },
  {
    name: 'counts the rows that a statement changed',
    check: async ({ use, table }) =>
      use(async (db) => {
        await db.execute(`create table ${table} (id int primary key, amount int)`);
        assert.equal(await db.execute(`insert into ${table} values (1, 1), (2, 1), (3, 1)`), 3);
        assert.equal(await db.execute(`update ${table} set amount = 2 where id < 3`), 2);
        assert.equal(await db.execute(`delete from ${table} where id = 9`), 0);
      }),
  },
  {
    name: 'fetches one row, none, or all',
    check: async ({ use }) =>
      use(async (db) => {
        assert.deepEqual(await db.fetchOne('select 7 as n'), { n: 7 });
        assert.equal(await db.fetchOne('select 7 as n where 1 = 0'), undefined);
        assert.deepEqual(await db.fetchAll('select 1 as n union select 2 order by n'), [{ n: 1 }, { n: 2 }]);
      }),
  },
  {
    name: 'never makes a value a part of the text',
    check: async ({ use, sql, table }) =>
      use(async (db) => {
        const hostile = `'); drop table ${table}; -- " \\ \u0000`.replace('\u0000', '');
        await db.execute(`create table ${table} (note varchar(200))`);
        await db.execute(`insert into ${table} values (${sql.parameter(1)})`, [hostile]);
        assert.deepEqual(await db.fetchOne(`select note from ${table}`), { note: hostile });
      }),
  },
  {
    name: 'brings values of every type back as they were',
    check: async ({ use, sql, table }) =>
      use(async (db) => {
        for (const [index, { type, value, read = value }] of sql.types.entries()) {
          const name = `${table}_${index}`;
          await db.execute(`create table ${name} (v ${type})`);
          await db.execute(`insert into ${name} values (${sql.parameter(1)})`, [value]);
          const found = (await db.fetchOne<{ v: unknown }>(`select v from ${name}`))?.v;
          const seen = found instanceof Uint8Array ? Buffer.from(found) : found;
          const wanted = read instanceof Uint8Array ? Buffer.from(read) : read;
          assert.deepEqual(seen, wanted, `a value of the type ${type} came back as another`);
          const again = await db.fetchOne<{ v: unknown }>(`select v from ${name} where 1 = ${sql.parameter(1)}`, [1]);
          assert.deepEqual(again?.v, found, `a value of the type ${type} depends on how it is asked for`);
        }
      }),
  },
  {
    name: 'never rounds a whole number of 64 bits',
    check: async ({ use, sql }) =>
      use(async (db) => {
        const safe = String(Number.MAX_SAFE_INTEGER);
        assert.deepEqual(await db.fetchOne(`select ${sql.bigint(safe)} as n`), { n: Number.MAX_SAFE_INTEGER });
        await assertFails('RESOURCE_VALUE_INVALID', db.fetchOne(`select ${sql.bigint('9007199254740993')} as n`));
        assert.deepEqual(await db.fetchOne('select 1 as n'), { n: 1 }, 'the connection is of no use after that');
      }),
  },
  {
    name: 'gives whole numbers of 64 bits as text when that is asked for',
    options: { bigints: 'string' },
    check: async ({ use, sql }) =>
      use(async (db) =>
        assert.deepEqual(await db.fetchOne(`select ${sql.bigint('9007199254740993')} as n`), { n: '9007199254740993' }),
      ),
  },
  {
    name: 'gives whole numbers of 64 bits as bigint when that is asked for',
    options: { bigints: 'bigint' },
    check: async ({ use, sql }) =>
      use(async (db) =>
        assert.deepEqual(await db.fetchOne(`select ${sql.bigint('9007199254740993')} as n`), { n: 9007199254740993n }),
      ),
  },
  {
    name: 'refuses undefined as a value',
    check: async ({ use, sql }) =>
      use(async (db) => {
        const error = await assertFails('RESOURCE_QUERY_INVALID', db.query(`select ${sql.parameter(1)}`, [undefined]));
        assert.equal(error.retryable, false);
      }),
  },
  {
    name: 'runs statements that are not waited for one after the other',
    check: async ({ use, sql, table }) =>
      use(async (db) => {
        await db.execute(`create table ${table} (id int)`);
        const numbers = Array.from({ length: 50 }, (_, index) => index);
        const counts = await Promise.all(
          numbers.map(async (id) => {
            const inserted = db.execute(`insert into ${table} values (${sql.parameter(1)})`, [id]);
            const seen = db.fetchAll(`select id from ${table}`);
            await inserted;
            return (await seen).length;
          }),
        );
        assert.deepEqual(
          counts,
          numbers.map((id) => id + 1),
        );
      }),
  },
  {
    name: 'says who the server is',
    check: async ({ use, login }) =>
      use(async (db) => {
        const { version, database, user } = await db.serverInfo();
        assert.match(version, /^\d+\.\d+/);
        assert.notEqual(database, '');
        assert.ok(user.startsWith(login.username));
      }),
  },
  {
    name: 'lends the client of the library, but not after the lease',
    check: async ({ use }) => {
      const db = await use(async (held) => {
        assert.ok(typeof held.client === 'object');
        return held;
      });
      assert.throws(() => db.client);
      await assertFails('LEASE_RELEASED', db.query('select 1'));
    },
  },
];

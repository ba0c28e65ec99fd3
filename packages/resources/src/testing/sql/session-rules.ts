import assert from 'node:assert/strict';
import { idOf, type SqlContractRule } from './sql-contract-check.ts';

const ONE = { pool: { max: 1 } } as const;

/** What one borrower leaves to the next. */
export const sessionRules: readonly SqlContractRule[] = [
  {
    name: 'uses one connection again and again',
    options: ONE,
    check: async ({ use, sql, resources }) => {
      const ids = new Set<number>();
      for (let index = 0; index < 20; index += 1) ids.add(await use((db) => idOf(sql, db)));
      assert.equal(ids.size, 1);
      assert.equal(resources.list()[0]?.pool.created, 1);
    },
  },
  {
    name: 'undoes a transaction that a borrower left open',
    options: ONE,
    check: async ({ use, table }) => {
      await use(async (db) => {
        await db.execute(`create table ${table} (id int)`);
        await db.query('begin');
        await db.execute(`insert into ${table} values (1)`);
      });
      assert.deepEqual(await use((db) => db.fetchAll(`select id from ${table}`)), []);
    },
  },
  {
    name: 'undoes it when sessions are else left as they are, too',
    options: { ...ONE, reset: 'transaction' },
    check: async ({ use, table }) => {
      await use(async (db) => {
        await db.execute(`create table ${table} (id int)`);
        await db.query('begin');
        await db.execute(`insert into ${table} values (1)`);
      });
      assert.deepEqual(await use((db) => db.fetchAll(`select id from ${table}`)), []);
    },
  },
  {
    name: 'leaves nothing of a session to the next borrower',
    options: ONE,
    check: async ({ use, sql, resources }) => {
      for (const { change, look } of sql.traces) {
        const before = await use((db) => db.fetchAll(look));
        await use(async (db) => {
          await db.query(change);
          assert.notDeepEqual(await db.fetchAll(look), before, `it changes nothing: ${change}`);
        });
        assert.deepEqual(await use((db) => db.fetchAll(look)), before, `this outlives its borrower: ${change}`);
      }
      assert.equal(resources.list()[0]?.pool.created, 1);
    },
  },
  {
    name: 'leaves sessions as they are when only transactions are to be put back',
    options: { ...ONE, reset: 'transaction' },
    check: async ({ use, sql }) => {
      const [{ change, look } = { change: '', look: '' }] = sql.traces;
      const before = await use((db) => db.fetchAll(look));
      await use((db) => db.query(change));
      assert.notDeepEqual(await use((db) => db.fetchAll(look)), before);
    },
  },
  {
    name: 'runs statements with values after a session was put back',
    options: { ...ONE, reset: 'always' },
    check: async ({ use, sql }) => {
      const text = `select ${sql.parameter(1)} as v`;
      for (let index = 0; index < 3; index += 1) {
        assert.deepEqual(await use((db) => db.fetchOne(text, ['x'])), { v: 'x' });
      }
    },
  },
  {
    name: 'has no more connections than allowed, counted on the server under load',
    options: { pool: { max: 5 } },
    check: async ({ use, sql, login }) => {
      let most = 0;
      const load = { isDone: false };
      const watch = async (): Promise<void> => {
        while (!load.isDone) most = Math.max(most, (await sql.connectionsOf(login.username)).length);
      };
      const watching = watch();
      const worker = async (): Promise<void> => {
        for (let index = 0; index < 10; index += 1) await use((db) => db.query('select 1'));
      };
      await Promise.all(Array.from({ length: 100 }, worker));
      load.isDone = true;
      await watching;
      assert.ok(most <= 5, `there were ${most} connections`);
      assert.ok(most >= 2, 'the load was none');
    },
  },
  {
    name: 'never gives two tenants the same connection',
    check: async ({ use, sql, vault, login }) => {
      const tenants = ['acme', 'globex', 'initech'];
      for (const tenant of tenants) vault.put(login, tenant);
      const seen = new Map<number, string>();
      const work = async (tenant: string): Promise<void> => {
        const id = await use((db) => idOf(sql, db), tenant);
        assert.equal(seen.get(id) ?? tenant, tenant, 'a connection went from one tenant to another');
        seen.set(id, tenant);
      };
      for (let round = 0; round < 20; round += 1) await Promise.all(tenants.map(work));
      assert.equal(new Set(seen.values()).size, 3);
    },
  },
  {
    name: 'is found healthy by its check',
    check: async ({ use, resources, token }) => {
      await use((db) => db.query('select 1'));
      const [seen] = await resources.check(token);
      assert.equal(seen?.health.status, 'healthy');
    },
  },
];

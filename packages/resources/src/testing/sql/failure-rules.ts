import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { toError, type CodedError } from '@tenon/core';
import { assertFails, inTenant, type SqlCheckTools, type SqlContractRule } from './sql-contract-check.ts';

const CANARY = 'canary-9f31c2';

/** The failure beneath what a pool says of it. */
async function failureToConnect(tools: SqlCheckTools): Promise<CodedError> {
  const { resources, token } = tools;
  const error = await assertFails('RESOURCE_INITIALIZATION_FAILED', () =>
    inTenant('acme', () => resources.acquire(token)),
  );
  assert.ok(error.cause instanceof Error);
  const cause = error.cause as CodedError;
  assert.equal(error.retryable, cause.retryable);
  return cause;
}

const shown = (thrown: unknown): string =>
  inspect(thrown, { depth: 20, showHidden: true }) + String(toError(thrown).stack);

/** What failures mean, and what they do not tell. */
export const failureRules: readonly SqlContractRule[] = [
  {
    name: 'names the constraint that a row breaks, and not its values',
    check: async ({ use, table }) =>
      use(async (db) => {
        await db.execute(`create table ${table} (name varchar(40), constraint ${table}_name unique (name))`);
        await db.execute(`insert into ${table} values ('${CANARY}')`);
        const error = await assertFails(
          'RESOURCE_QUERY_CONFLICT',
          db.execute(`insert into ${table} values ('${CANARY}')`),
        );
        assert.equal(error.details['constraint'], `${table}_name`);
        assert.equal(error.retryable, false);
        assert.ok(!shown(error).includes(CANARY));
      }),
  },
  {
    name: 'tells a reference to nothing and a rule of the table as conflicts, too',
    check: async ({ use, table }) =>
      use(async (db) => {
        await db.execute(
          `create table ${table} (id int primary key, n int not null, constraint ${table}_n check (n < 10))`,
        );
        await db.execute(
          `create table ${table}_part (id int, constraint ${table}_of foreign key (id) references ${table} (id))`,
        );
        const reference = await assertFails(
          'RESOURCE_QUERY_CONFLICT',
          db.execute(`insert into ${table}_part values (1)`),
        );
        assert.equal(reference.details['constraint'], `${table}_of`);
        const rule = await assertFails('RESOURCE_QUERY_CONFLICT', db.execute(`insert into ${table} values (1, 11)`));
        assert.equal(rule.details['constraint'], `${table}_n`);
        await assertFails('RESOURCE_QUERY_CONFLICT', db.execute(`insert into ${table} values (1, null)`));
      }),
  },
  {
    name: 'tells a statement that makes no sense from a value that does not fit',
    check: async ({ use, sql, table }) =>
      use(async (db) => {
        await assertFails('RESOURCE_QUERY_INVALID', db.query('selekt 1'));
        await assertFails('RESOURCE_QUERY_INVALID', db.query(`select * from ${table}`));
        await db.execute(`create table ${table} (n int, note varchar(3))`);
        const insert = (column: string, value: string): Promise<number> =>
          db.execute(`insert into ${table} (${column}) values (${sql.parameter(1)})`, [value]);
        assert.ok(!shown(await assertFails('RESOURCE_VALUE_INVALID', insert('n', CANARY))).includes(CANARY));
        assert.ok(!shown(await assertFails('RESOURCE_VALUE_INVALID', insert('note', CANARY))).includes(CANARY));
      }),
  },
  {
    name: 'says that a row is locked by somebody else',
    check: async ({ use, table }) =>
      use(async (db) => {
        await db.execute(`create table ${table} (id int primary key)`);
        await db.execute(`insert into ${table} values (1)`);
        await db.transaction(async (tx) => {
          await tx.query(`select id from ${table} where id = 1 for update`);
          await use(async (other) => {
            const error = await assertFails(
              'RESOURCE_LOCKED',
              other.query(`select id from ${table} where id = 1 for update nowait`),
            );
            assert.equal(error.retryable, true);
          });
        });
      }),
  },
  {
    name: 'says of a login that is refused that trying again does not help',
    check: async (tools) => {
      tools.vault.put({ ...tools.sql.wrongLogin });
      const cause = await failureToConnect(tools);
      assert.equal(cause.code, 'RESOURCE_ACCESS_DENIED');
      assert.equal(cause.retryable, false);
      assert.ok(!shown(cause).includes(tools.sql.wrongLogin.password));
    },
  },
  {
    name: 'says of a host that is not known, and of a port where nobody answers, that it may be tried again',
    options: { host: 'nowhere.invalid', tls: { mode: 'disable' } },
    check: async (tools) => {
      const cause = await failureToConnect(tools);
      assert.equal(cause.code, 'RESOURCE_UNAVAILABLE');
      assert.equal(cause.retryable, true);
    },
  },
  {
    name: 'says so when nobody answers at a port',
    options: { port: 1 },
    check: async (tools) => assert.equal((await failureToConnect(tools)).code, 'RESOURCE_UNAVAILABLE'),
  },
  {
    name: 'shows no password and no value in errors, logs and views',
    options: { slowStatementMs: 1 },
    check: async (tools) => {
      const { use, sql, resources, lines, login } = tools;
      const shownToPeople = await use(async (db) => {
        const errors: unknown[] = [];
        const keep = (error: unknown): void => void errors.push(error);
        await db
          .query(`select cast(${sql.parameter(1)} as decimal) as n, '${CANARY}' as note`, [`x${CANARY}`])
          .catch(keep);
        await db.query(`selekt ${sql.parameter(1)}`, [CANARY]).catch(keep);
        await db.query(sql.sleep(30), [], { timeoutMs: 50 }).catch(keep);
        await db.query(`${sql.sleep(0.05)} /* ok */`);
        return [...errors.map(shown), inspect(db, { depth: 8 }), inspect(db.client, { depth: 8, showHidden: true })];
      });
      const all = [
        ...shownToPeople,
        ...lines,
        inspect(resources.list(), { depth: 8 }),
        JSON.stringify(resources.list()),
      ];
      assert.ok(
        lines.some((line) => line.includes('a statement was slow')),
        'a slow statement is not logged',
      );
      for (const text of all.slice(0, -2)) assert.ok(!text.includes(login.password), 'a password is shown');
      for (const text of [...lines, ...all.slice(0, 3)]) assert.ok(!text.includes(CANARY), 'a value is shown');
    },
  },
  {
    name: 'logs no statement as slow when none is to be',
    options: { slowStatementMs: 0 },
    check: async ({ use, sql, lines }) => {
      await use((db) => db.query(sql.sleep(0.1)));
      assert.ok(!lines.some((line) => line.includes('slow')));
    },
  },
];

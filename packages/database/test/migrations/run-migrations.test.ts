import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readMigrations, type Database, type MigrationSet } from '@tenon/database';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

describe.each(describeDrivers())('migrations on %s', (driver) => {
  let test: TestDatabase;
  let database: Database;
  let tests = 0;

  beforeAll(async () => {
    test = await openTestDatabase(driver, []);
    ({ database } = test);
  });
  afterAll(() => test.drop());
  beforeEach(() => {
    tests += 1;
  });

  /** A set of this test alone: `own('one')` is `one_7` in the seventh. */
  const own = (name: string): string => `${name}_${tests}`;
  const setOf = (name: string, ...texts: readonly string[]): MigrationSet => ({
    name: own(name),
    migrations: texts.map((text, index) => ({ version: index + 1, name: `step_${index + 1}`, sql: text })),
  });
  const label = (name: string, version: number): string => `${own(name)}/000${version}_step_${version}`;
  const create = (table: string): string =>
    `create table ${own(table)} (id text); grant select, insert on ${own(table)} to tenon_system;`;

  async function tables(): Promise<readonly string[]> {
    const { rows } = await database.withSystem('test', (tx) =>
      sql<{ name: string }>`select relname as name from pg_class c join pg_namespace n on n.oid = relnamespace
        where nspname = 'public' and relkind = 'r' order by 1`.execute(tx),
    );
    const suffix = own('');
    return rows.filter(({ name }) => name.endsWith(suffix)).map(({ name }) => name.slice(0, -suffix.length));
  }

  it('are applied in order, each once, and a second run applies nothing', async () => {
    const { total } = await database.migrate([]);
    const sets = [setOf('one', create('a'), `insert into ${own('a')} values ('x');`), setOf('two', create('b'))];
    expect(await database.migrate(sets)).toEqual({
      applied: [label('one', 1), label('one', 2), label('two', 1)],
      total: total + 3,
    });
    expect(await database.migrate(sets)).toEqual({ applied: [], total: total + 3 });
    expect(await tables()).toEqual(['a', 'b']);
  });

  it('are continued where they stopped when a set grows', async () => {
    await database.migrate([setOf('one', create('a'))]);
    expect((await database.migrate([setOf('one', create('a'), create('b'))])).applied).toEqual([label('one', 2)]);
  });

  it('may run in several sets, of which another program knows only some', async () => {
    await database.migrate([setOf('one', create('a')), setOf('two', create('b'))]);
    expect((await database.migrate([setOf('one', create('a'))])).applied).toEqual([]);
  });

  it('are refused when their numbers have a gap, begin late or repeat, before anything is applied', async () => {
    for (const versions of [[1, 3], [2], [0, 1], [1, 1]]) {
      const migrations = versions.map((version) => ({ version, name: 'x', sql: create(`t${version}`) }));
      const set = { name: own('one'), migrations };
      await expect(database.migrate([setOf('fine', create('fine')), set])).rejects.toMatchObject({
        code: 'MIGRATION_INVALID',
      });
    }
    expect(await tables()).toEqual([]);
  });

  it('are refused when an applied one was edited, naming it', async () => {
    await database.migrate([setOf('one', create('a'))]);
    await expect(database.migrate([setOf('one', create('a2'), create('b'))])).rejects.toMatchObject({
      code: 'MIGRATION_CHANGED',
      details: { migration: label('one', 1) },
    });
    expect(await tables()).toEqual(['a']);
  });

  it('are refused when the database is ahead of the program', async () => {
    await database.migrate([setOf('one', create('a'), create('b'))]);
    await expect(database.migrate([setOf('one', create('a'))])).rejects.toMatchObject({
      code: 'MIGRATION_NEWER',
      details: { set: own('one'), version: 2 },
    });
  });

  it('leave nothing of a file of which a statement fails, and keep the files before it', async () => {
    const broken = setOf('one', create('a'), `${create('b')} insert into nowhere values (1);`, create('c'));
    await expect(database.migrate([broken])).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining(label('one', 2)) as string,
      details: { migration: label('one', 2) },
    });
    expect(await tables()).toEqual(['a']);
    const mended = setOf('one', create('a'), create('b'), create('c'));
    expect((await database.migrate([mended])).applied).toEqual([label('one', 2), label('one', 3)]);
  });

  it('run as one transaction each, so that data and schema change together', async () => {
    const a = own('a');
    const fill = `insert into ${a} select 'x' from generate_series(1, 3); select 1 / (count(*) - 3) from ${a};`;
    await expect(database.migrate([setOf('one', `${create('a')} ${fill}`)])).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
    });
    expect(await tables()).toEqual([]);
  });

  it('may be run by one process several times at once', async () => {
    const sets = [setOf('one', create('a'), create('b'), create('c'))];
    const reports = await Promise.all(Array.from({ length: 4 }, () => database.migrate(sets)));
    const applied = reports.flatMap((report) => report.applied);
    expect(applied.toSorted()).toEqual([1, 2, 3].map((version) => label('one', version)));
  });

  it('let a protected table be written by tenants and by the system, but not emptied past its policies', async () => {
    const name = own('t');
    const protectedTable = `create table ${name} (tenant_id text not null); select tenon_protect_tenant_table('${name}');`;
    await database.migrate([setOf('one', protectedTable)]);
    const may = (role: string, privilege: string) => sql`has_table_privilege(${role}, ${name}, ${privilege})`;
    const { rows } = await database.withSystem('test', (tx) =>
      sql`select ${may('tenon_tenant', 'insert')} as tenant_inserts, ${may('tenon_system', 'insert')} as system_inserts,
        ${may('tenon_tenant', 'truncate')} as tenant_truncates, ${may('tenon_system', 'truncate')} as system_truncates`.execute(
        tx,
      ),
    );
    expect(rows).toEqual([
      { tenant_inserts: true, system_inserts: true, tenant_truncates: false, system_truncates: false },
    ]);
  });
});

describe('reading migrations', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-migrations-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function filesOf(files: Readonly<Record<string, string>>): URL {
    const place = mkdtempSync(join(folder, 'set-'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text);
    return pathToFileURL(`${place}/`);
  }

  it('takes the .sql files of a folder in the order of their numbers', () => {
    const files = { '0002_add_price.sql': 'b', '0001_create_orders.sql': 'a', 'README.md': 'not one' };
    expect(readMigrations('orders', filesOf(files))).toEqual({
      name: 'orders',
      migrations: [
        { version: 1, name: 'create_orders', sql: 'a' },
        { version: 2, name: 'add_price', sql: 'b' },
      ],
    });
  });

  it.each([['1_orders.sql'], ['0001-orders.sql'], ['0001_Orders.sql'], ['orders.sql']])(
    'refuses the file name %s',
    (name) => {
      expect(() => readMigrations('orders', filesOf({ [name]: '' }))).toThrow(
        expect.objectContaining({ code: 'MIGRATION_INVALID', message: expect.stringContaining(name) as string }),
      );
    },
  );

  it.each([[['0001_a.sql', '0003_b.sql']], [['0002_a.sql']], [['0001_a.sql', '0001_b.sql']]])(
    'refuses the numbering of %j',
    (names) => {
      const files = Object.fromEntries(names.map((name) => [name, 'select 1']));
      expect(() => readMigrations('orders', filesOf(files))).toThrow(
        expect.objectContaining({ code: 'MIGRATION_INVALID' }),
      );
    },
  );

  it('gives the same text, and so the same checksum, whatever line ends the checkout made', async () => {
    const text = 'create table a (\n  id text\n);\n';
    const unix = readMigrations('one', filesOf({ '0001_a.sql': text }));
    const windows = readMigrations('one', filesOf({ '0001_a.sql': text.replaceAll('\n', '\r\n') }));
    expect(windows).toEqual(unix);
    const { database, ...test } = await openTestDatabase('pglite', [unix]);
    expect((await database.migrate([windows])).applied).toEqual([]);
    await test.drop();
  });
});

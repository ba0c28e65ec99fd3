import { findUnprotectedTables, type MigrationSet } from '@tenon/database';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { widgetMigrations } from './widgets.ts';

const table = (name: string): string =>
  `create table ${name} (tenant_id text not null default tenon_current_tenant(), id text, primary key (tenant_id, id));`;
const guarded = (name: string): string => `${table(name)} select tenon_protect_tenant_table('${name}');`;
const policy = (name: string, using: string, check = using): string =>
  `create policy tenant_isolation on ${name} to tenon_tenant using (${using}) with check (${check});`;
const isolation = "tenant_id = nullif(current_setting('tenon.tenant_id', true), '')";
const secured = (name: string): string =>
  `${table(name)} alter table ${name} enable row level security; alter table ${name} force row level security;`;

const wrong: Readonly<Record<string, readonly [sql: string, problem: RegExp]>> = {
  bare: [table('bare'), /not enabled/],
  not_forced: [
    `${table('not_forced')} alter table not_forced enable row level security; ${policy('not_forced', isolation)}`,
    /not forced/,
  ],
  no_policy: [secured('no_policy'), /tenant_isolation is missing/],
  policy_for_reads: [
    `${secured('policy_for_reads')} create policy tenant_isolation on policy_for_reads for select to tenon_tenant using (${isolation});`,
    /does not check both/,
  ],
  policy_without_check: [
    `${secured('policy_without_check')} ${policy('policy_without_check', isolation, 'true')}`,
    /does not check both/,
  ],
  policy_of_all: [`${secured('policy_of_all')} ${policy('policy_of_all', 'true')}`, /does not check both/],
  policy_for_everybody: [
    `${secured('policy_for_everybody')} create policy tenant_isolation on policy_for_everybody using (${isolation}) with check (${isolation});`,
    /does not check both/,
  ],
  second_policy: [
    `${guarded('second_policy')} create policy support on second_policy for select using (true);`,
    /another policy lets tenants see more/,
  ],
  owned: [`${guarded('owned')} alter table owned owner to tenon_tenant;`, /owns it/],
  truncatable: [`${guarded('truncatable')} grant truncate on truncatable to tenon_tenant;`, /truncate/],
  plain_view: [`create view plain_view as select * from widgets;`, /reads as its owner/],
  stored_view: [`create materialized view stored_view as select * from widgets;`, /materialized view/],
  partition_of_parts: [
    `create table parts (tenant_id text not null, id text) partition by hash (id); select tenon_protect_tenant_table('parts');
     create table partition_of_parts partition of parts for values with (modulus 1, remainder 0);`,
    /not enabled/,
  ],
};

const right = `
  ${guarded('right_table')}
  create view right_view with (security_invoker = true) as select * from widgets;
  create policy narrower on right_table as restrictive to tenon_tenant using (id <> 'hidden');
  create schema other; create table other.right_table (tenant_id text); select tenon_protect_tenant_table('other.right_table');
  create table without_tenant (id text);
  create table had_a_tenant (id text, tenant_id text); alter table had_a_tenant drop column tenant_id;`;

describe.each(describeDrivers())('the search for unprotected tables on %s', (driver) => {
  let test: TestDatabase;

  beforeAll(async () => {
    const mistakes: MigrationSet = {
      name: 'mistakes',
      migrations: Object.entries(wrong).map(([name, [sql]], index) => ({ version: index + 1, name, sql })),
    };
    const fine: MigrationSet = { name: 'fine', migrations: [{ version: 1, name: 'fine', sql: right }] };
    test = await openTestDatabase(driver, [widgetMigrations, fine, mistakes]);
  });
  afterAll(() => test.drop());

  it.each(Object.entries(wrong))('finds the table "%s"', async (name, [, problem]) => {
    const found = await findUnprotectedTables(test.database);
    expect(found.filter((one) => one.table === name)).toEqual([
      { table: name, problem: expect.stringMatching(problem) as string },
    ]);
  });

  it('finds nothing else', async () => {
    const found = await findUnprotectedTables(test.database);
    expect(found.map((one) => one.table)).toEqual(Object.keys(wrong).toSorted());
  });

  it('finds nothing in a database of protected tables', async () => {
    const fresh = await openTestDatabase(driver, [widgetMigrations]);
    expect(await findUnprotectedTables(fresh.database)).toEqual([]);
    await fresh.drop();
  });
});

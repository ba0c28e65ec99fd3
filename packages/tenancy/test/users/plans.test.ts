import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAs, type Actor } from '@tenon/core';
import type { Database, Tx } from '@tenon/database';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { createTenancy, tenancyMigrations, userListing, type Tenancy } from '@tenon/tenancy';
import { PostgresQueryCompiler, sql, type CompiledQuery, type KyselyPlugin } from 'kysely';
import { cursors, request, settingsDefinition, type Settings } from '../open-tenancy.ts';

const ROWS = 100_000;

interface Statement {
  readonly role: 'tenon_tenant' | 'tenon_system';
  readonly query: CompiledQuery;
}

/** A database that also notes every statement sent, so that it can be explained afterwards. */
function noting(database: Database, statements: Statement[]): Database {
  const compiler = new PostgresQueryCompiler();
  const through = (role: Statement['role'], tx: Tx<unknown>): Tx<unknown> => {
    const plugin: KyselyPlugin = {
      transformQuery({ node, queryId }) {
        statements.push({ role, query: compiler.compileQuery(node, queryId) });
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    };
    return tx.withPlugin(plugin);
  };
  const noted: Database = Object.assign(Object.create(database) as Database, {
    withTenant: <T>(work: (tx: Tx<unknown>) => Promise<T>) =>
      database.withTenant((tx) => work(through('tenon_tenant', tx))),
    withSystem: <T>(purpose: string, work: (tx: Tx<unknown>) => Promise<T>) =>
      database.withSystem(purpose, (tx) => work(through('tenon_system', tx))),
    withTables: () => noted,
  });
  return noted;
}

const filters: readonly Record<string, string>[] = [
  {},
  { 'email[prefix]': 'user777' },
  { name: 'person 500' },
  { 'name[prefix]': 'Person 5' },
  { role: 'member' },
  { 'role[in]': 'admin,viewer' },
  { status: 'disabled' },
  { 'status[in]': 'active,disabled' },
  { company: 'Company 42' },
  { 'company[in]': 'Company 1,Company 2' },
  { country: 'Country 3' },
  { 'country[in]': 'Country 1,Nowhere' },
  { 'createdAt[gte]': '2026-01-02T00:00:00Z' },
  { 'createdAt[gt]': '2026-01-01T10:00:00Z', 'createdAt[lt]': '2026-01-01T11:00:00Z' },
  { 'createdAt[lte]': '2026-01-01T00:10:00Z' },
  { role: 'viewer', status: 'active', country: 'Country 3' },
];
/** Filters that hardly anybody passes: without an index of their own, they would read everybody in the order of the sort. */
const rareFilters: readonly Record<string, string>[] = [
  { company: 'The only one' },
  { country: 'Nowhere' },
  { 'status[in]': 'invited', country: 'Nowhere' },
  { status: 'invited' },
  { name: 'nobody' },
  { 'name[prefix]': 'nobody' },
  { role: 'owner' },
  { email: 'user77777@example.com' },
  { 'email[prefix]': 'nobody' },
  { 'createdAt[gt]': '2100-01-01T00:00:00Z' },
];
const sorts = ['email', '-name', 'createdAt', '-createdAt', '-createdAt,name', 'name,-email'];

const named = (list: readonly Record<string, string>[]) =>
  list.map((filter) => [JSON.stringify(filter), filter] as const);

describe.each(describeDrivers())('statements about one of 100,000 people on %s', (driver) => {
  let test: TestDatabase;
  let tenancy: Tenancy<Settings>;
  const statements: Statement[] = [];
  const actor: Actor = { type: 'user', id: 'account-1' };
  const inBig = <T>(work: () => Promise<T>): Promise<T> => runAs({ tenant: 'big', actor }, work);

  beforeAll(async () => {
    test = await openTestDatabase(driver, [tenancyMigrations()]);
    tenancy = createTenancy({ database: noting(test.database, statements), settings: settingsDefinition });
    for (const id of ['big', 'small']) {
      const owner = { accountId: `owner-of-${id}`, email: 'owner@example.com', name: 'Owner' };
      await tenancy.tenants.create({ name: id, id, owner });
    }
    await test.database.withSystem('fill', (tx) =>
      sql`insert into users (tenant_id, id, account_id, email, email_key, name, role, status, company, country, created_at)
        select 'big', 'id-' || n, 'account-' || n, 'User' || n || '@example.com', 'user' || n || '@example.com',
          'Person ' || n % 1000, (array['member', 'admin', 'member', 'member', 'viewer'])[1 + n % 5],
          (array['active', 'active', 'active', 'disabled'])[1 + n % 4], 'Company ' || n % 100,
          'Country ' || (n / 7) % 20, timestamptz '2026-01-01T00:00:00Z' + n * interval '1 second'
        from generate_series(1, ${sql.lit(ROWS)}) as n`.execute(tx),
    );
    await test.database.withSystem('analyze', async (tx) => {
      await sql`reset role`.execute(tx);
      await sql`analyze users`.execute(tx);
    });
  }, 120_000);
  afterAll(() => test.drop());

  interface Plan {
    readonly 'Node Type': string;
    readonly 'Relation Name'?: string;
    readonly 'Rows Removed by Filter'?: number;
    readonly 'Actual Loops'?: number;
    readonly Plans?: readonly Plan[];
  }

  const nodesOf = (plan: Plan): readonly Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

  /** Explains every statement that the work sends, and gives those that read all of `users`, or most of it in vain. */
  const wastefulStatements = async (work: () => Promise<unknown>, mostInVain = ROWS): Promise<readonly string[]> => {
    statements.length = 0;
    await inBig(work);
    expect(statements.length).toBeGreaterThan(0);
    const wasteful: string[] = [];
    for (const { role, query } of statements.splice(0)) {
      const nodes = await inBig(() =>
        test.database.withTenant(async (tx) => {
          await sql`set local role ${sql.raw(role)}`.execute(tx);
          // Only what reads is run again; the rest is planned.
          const analyze = query.sql.startsWith('select') && !query.sql.includes(' for ') ? 'analyze, ' : '';
          const text = { ...query, sql: `explain (${analyze}format json) ${query.sql}` };
          const { rows } = await tx.executeQuery<{ 'QUERY PLAN': [{ Plan: Plan }] }>(text);
          return rows.flatMap((row) => nodesOf(row['QUERY PLAN'][0].Plan));
        }),
      );
      const scans = nodes.some((node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'users');
      const inVain = nodes.reduce(
        (sum, node) => sum + (node['Rows Removed by Filter'] ?? 0) * (node['Actual Loops'] ?? 1),
        0,
      );
      if (scans || inVain > mostInVain) wasteful.push(`${query.sql} read ${inVain} rows in vain`);
    }
    return wasteful;
  };

  const listBy = async (filter: Record<string, string>, sort: string): Promise<void> => {
    const parameters = { ...filter, sort, limit: '20' };
    const { nextCursor: cursor } = await tenancy.users.list(request(userListing, parameters), cursors);
    if (cursor !== null) await tenancy.users.list(request(userListing, { ...parameters, cursor }), cursors);
  };

  it.each(named(filters))(
    'never reads them all to list by %s in any order, from the start or behind a cursor',
    async (_, filter) => {
      for (const sort of sorts) expect(await wastefulStatements(() => listBy(filter, sort)), sort).toEqual([]);
    },
  );

  it.each(named(rareFilters))('reads only the few that pass %s, in any order', async (_, filter) => {
    for (const sort of sorts) expect(await wastefulStatements(() => listBy(filter, sort), 100), sort).toEqual([]);
  });

  it('never reads them all for any other operation', async () => {
    const { users, invitations } = tenancy;
    const person = { email: 'new@example.com', name: 'New' };
    const id = async (): Promise<string> =>
      (await users.list(request(userListing, { email: person.email }), cursors)).items[0]?.id ?? '';
    const operations: Readonly<Record<string, () => Promise<unknown>>> = {
      get: () => users.get('id-500'),
      create: () => users.create(person, { accountId: 'account-new' }),
      update: async () => users.update(await id(), { city: 'Oaxaca' }),
      changeRole: async () => users.update(await id(), { role: 'viewer' }),
      replace: async () => users.replace(await id(), { ...person, role: 'member', status: 'disabled' }),
      importBatch: () => users.importBatch([person, { email: 'user7@example.com', name: 'Seven' }]),
      membership: () => tenancy.membership('account-77', 'big'),
      ownerOf: () => tenancy.ownerOf('users', 'nobody'),
      membershipsOf: () => tenancy.membershipsOf('account-77'),
      remove: async () => users.remove(await id()),
      invite: async () => {
        await users.create({ email: 'guest@example.com', name: 'Guest' });
        const [guest] = (await users.list(request(userListing, { email: 'guest@example.com' }), cursors)).items;
        const { token } = await invitations.create(guest?.id ?? '');
        await invitations.assertOpen(token);
        await invitations.accept(token, 'account-of-guest');
      },
    };
    for (const [name, operation] of Object.entries(operations)) {
      expect(await wastefulStatements(operation), name).toEqual([]);
    }
  });
});

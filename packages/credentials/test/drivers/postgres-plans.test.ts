import { runAs } from '@tenon/core';
import type { CredentialKey, CredentialStorage, StorageQuery } from '@tenon/credentials';
import { credentialMigrations, postgresStorage } from '@tenon/credentials/drivers/postgres';
import { sampleRecord } from '@tenon/credentials/testing';
import type { Database, TransactionOptions, Tx } from '@tenon/database';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { PostgresQueryCompiler, sql, type CompiledQuery, type KyselyPlugin } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROWS = 100_000;
const options = { signal: new AbortController().signal };

/** A database that also notes every statement sent, so that it can be explained afterwards. */
function noting(database: Database, statements: CompiledQuery[]): Database {
  const compiler = new PostgresQueryCompiler();
  const plugin: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      statements.push(compiler.compileQuery(node, queryId));
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  return Object.assign(Object.create(database) as Database, {
    driver: database.driver,
    withTenant: <T>(work: (tx: Tx<unknown>) => Promise<T>, given: TransactionOptions) =>
      database.withTenant((tx) => work(tx.withPlugin(plugin)), given),
  });
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly Plans?: readonly Plan[];
}

const nodesOf = (plan: Plan): readonly Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

describe.each(describeDrivers())('statements about one of 100,000 credentials on %s', (driver) => {
  let test: TestDatabase;
  let storage: CredentialStorage;
  const statements: CompiledQuery[] = [];

  beforeAll(async () => {
    test = await openTestDatabase(driver, [credentialMigrations()]);
    storage = postgresStorage(noting(test.database, statements));
    await test.database.withSystem('fill', (tx) =>
      // Many scopes with neighbours that sort between them and what lies below; few that expire; few under an old key.
      sql`insert into credentials (tenant_id, scope, id, kind, revision, version, key_id, envelope, version_created_at_ms,
          expires_at_ms, previous, previous_envelopes, sealing_key_ids, tags, policies, created_at_ms, modified_at_ms)
        select (array['big', 'small'])[1 + (n % 50 = 0)::int],
          'org:o' || n % 10 || (array['', '-x', '/team:a', '/team:b/service:s'])[1 + (n / 10) % 4], 'id-' || n, 'api-key', 1, 1,
          'new', '\\x00', n, case when n % 1000 = 7 then n end, '[]', '[]',
          case when n % 1000 = 9 then 'new,old' else 'new' end, jsonb_build_object('env', 'prod'), '[]', n, n
        from generate_series(1, ${sql.lit(ROWS)}) as n`.execute(tx),
    );
    await test.database.withSystem('analyze', async (tx) => {
      await sql`reset role`.execute(tx);
      await sql`analyze credentials`.execute(tx);
    });
  }, 120_000);
  afterAll(() => test.drop());

  /** Explains every statement that the work sends. @returns the plan's nodes and how many rows were read, in vain or not */
  const explain = async (work: () => Promise<unknown>) => {
    statements.length = 0;
    await work();
    const sent = statements.splice(0).filter((query) => !query.sql.startsWith('set '));
    expect(sent).toHaveLength(1);
    const nodes = await runAs({ tenant: 'big' }, () =>
      test.database.withTenant(async (tx) => {
        const results = [];
        for (const query of sent) {
          // Only what reads is run again; the rest is planned.
          const analyze = query.sql.startsWith('select') ? 'analyze, ' : '';
          const text = { ...query, sql: `explain (${analyze}format json) ${query.sql}` };
          const { rows } = await tx.executeQuery<{ 'QUERY PLAN': [{ Plan: Plan }] }>(text);
          results.push(...rows.flatMap((row) => nodesOf(row['QUERY PLAN'][0].Plan)));
        }
        return results;
      }),
    );
    const own = nodes.filter((node) => node['Relation Name'] === 'credentials');
    const read = own.map(
      (node) => ((node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0)) * (node['Actual Loops'] ?? 1),
    );
    return {
      scans: own.map((node) => node['Node Type']).filter((type) => type === 'Seq Scan'),
      sorts: nodes.filter((node) => node['Node Type'].includes('Sort')).length,
      read: read.reduce((sum, one) => sum + one, 0),
    };
  };
  // Good for 41 to 49, and each 40 later.
  const key = (id: number): CredentialKey => ({ tenant: 'big', scope: `org:o${id % 10}`, id: `id-${id}` });
  const list = (query: Omit<StorageQuery, 'tenant' | 'limit'>) => () =>
    storage.list({ tenant: 'big', limit: 100, ...query }, options);

  it.each<[string, Omit<StorageQuery, 'tenant' | 'limit'>, number]>([
    ['all of a tenant', {}, 101],
    ['all of a tenant, behind a place', { after: { scope: 'org:o5/team:a', id: 'id-5' } }, 101],
    ['a scope', { within: 'org:o3/team:b' }, 101],
    ['a scope with others below it, and neighbours between', { within: 'org:o3' }, 202],
    ['a scope, behind a place in it', { within: 'org:o3', after: { scope: 'org:o3', id: 'id-4' } }, 202],
    ['a scope, behind a place below it', { within: 'org:o3', after: { scope: 'org:o3/team:a', id: 'id-4' } }, 101],
    ['a scope with nothing in it', { within: 'org:none' }, 0],
    ['what nearly everything fits', { tags: { env: 'prod' }, kind: 'api-key', createdFrom: 1 }, 110],
    ['the few that expire', { expiresBefore: 1e15 }, 110],
    ['the few that expire in a scope', { within: 'org:o7', expiresBefore: 1e15 }, 300],
    ['those that have expired, none', { expiresBefore: 1 }, 0],
    ['the few that an old key has sealed', { notSealedWith: 'new' }, 110],
    ['those that a new key has not sealed, all', { notSealedWith: 'newest' }, 110],
  ])('read about as many rows as they give to list %s', async (_, query, most) => {
    // Several times: a prepared statement is planned for its values at first, and may be planned once for all later.
    for (let time = 0; time < 8; time += 1) await list(query)();
    const { scans, read } = await explain(list(query));
    expect(scans).toEqual([]);
    expect(read).toBeLessThanOrEqual(most);
  });

  it('follow the primary key to list a scope or all, and sort no more than two pages', async () => {
    expect(await explain(list({}))).toMatchObject({ sorts: 0 });
    expect((await explain(list({ within: 'org:o3' }))).read).toBeLessThanOrEqual(202);
  });

  it('read one row to get one, and as many as were asked for to get many', async () => {
    expect(await explain(() => storage.get(key(41), options))).toMatchObject({ scans: [], read: 1 });
    const keys = Array.from({ length: 100 }, (_, index) => key(40 * index + 41));
    const many = await explain(async () => storage.batch?.get(keys, options));
    expect(many.scans).toEqual([]);
    expect(many.read).toBeLessThanOrEqual(100);
  });

  it('find what they change by its key', async () => {
    const record = sampleRecord({ ...key(41), revision: 2 });
    const changes = [
      { record, expectedRevision: 9 },
      { record: sampleRecord({ ...key(42), id: 'new' }), expectedRevision: 0 },
    ];
    const works: readonly (() => Promise<unknown>)[] = [
      () => storage.put({ record, expectedRevision: 9 }, options),
      () => storage.put({ record: sampleRecord({ ...key(43), id: 'new' }), expectedRevision: 0 }, options),
      () => storage.delete({ ...key(41), id: 'none' }, options),
      async () => storage.batch?.put(changes, options),
      async () => storage.batch?.delete([key(44), key(45)], options),
    ];
    for (const work of works) expect((await explain(work)).scans).toEqual([]);
  });
});

import { randomBytes } from 'node:crypto';
import { runAs } from '@tenon/core';
import type { AuditQuery } from '@tenon/credentials';
import { postgresAudit, type PostgresAudit } from '@tenon/credentials/drivers/postgres-audit';
import { findUnprotectedTables, readMigrations, type Database } from '@tenon/database';
import { describeDrivers, openTestDatabase, type TestDatabase } from '@tenon/database/testing';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditContract, idsOf, never, recordOf } from './audit-contract.ts';

const migrations = readMigrations('credentials', new URL('../../migrations/', import.meta.url));
const DAY_MS = 86_400_000;

/** Runs one statement as the tenant, or as the system. */
function run(database: Database, role: 'tenant' | 'system', statement: string): Promise<unknown> {
  const work = sql.raw(statement);
  return role === 'system'
    ? database.withSystem('test', (tx) => work.execute(tx))
    : runAs({ tenant: 'acme' }, () => database.withTenant((tx) => work.execute(tx)));
}

describe.each(describeDrivers())('the audit on %s', (driver) => {
  let test: TestDatabase;
  let database: Database;
  let audit: PostgresAudit;

  beforeAll(async () => {
    test = await openTestDatabase(driver, [migrations]);
    database = test.database;
    audit = postgresAudit(database);
  });
  afterAll(() => test.drop());

  // Nothing takes the rows away but what the owner of the table does to it.
  const empty = async (): Promise<void> => {
    await database.migrate([
      migrations,
      {
        name: `empty-${Math.random()}`,
        migrations: [
          {
            version: 1,
            name: 'empty',
            sql: `alter table credential_audit disable trigger never_changed; truncate credential_audit;
              alter table credential_audit enable always trigger never_changed;`,
          },
        ],
      },
    ]);
  };
  beforeEach(empty);

  describe('keeps the contract', () => {
    auditContract(async () => audit);
  });

  it('lies in a table that is fully under row level security', async () => {
    expect(await findUnprotectedTables(database)).toEqual([]);
  });

  it.each(['tenant', 'system'] as const)('refuses every change to the role of the %s', async (role) => {
    await audit.append([recordOf()], never);
    for (const statement of [
      `update credential_audit set outcome = 'failed'`,
      'delete from credential_audit',
      'truncate credential_audit',
    ]) {
      await expect(run(database, role, statement)).rejects.toMatchObject({ code: 'DATABASE_ACCESS_DENIED' });
    }
    expect(await audit.query({ tenant: 'acme' })).toHaveLength(1);
  });

  it('does not let one tenant write or read the records of another', async () => {
    await audit.append([recordOf({ tenant: 'globex' })], never);
    const forge = `insert into credential_audit (tenant_id, id, operation_id, at, action, outcome)
      values ('globex', 'x', 'x', now(), 'read', 'succeeded')`;
    await expect(run(database, 'tenant', forge)).rejects.toMatchObject({ code: 'DATABASE_ACCESS_DENIED' });
    expect(await run(database, 'tenant', 'select * from credential_audit')).toMatchObject({ rows: [] });
  });

  it('keeps none of a tenant’s records when one of them cannot be kept', async () => {
    const broken = recordOf({ version: 2 ** 40 });
    await expect(audit.append([recordOf(), broken], never)).rejects.toMatchObject({ code: 'DATABASE_VALUE_INVALID' });
    expect(await audit.query({ tenant: 'acme' })).toEqual([]);
  });

  it('writes nothing for whom nobody waits any longer', async () => {
    const appending = audit.append([recordOf()], { signal: AbortSignal.abort() });
    await expect(appending).rejects.toMatchObject({ code: 'DATABASE_ABORTED' });
    expect(await audit.query({ tenant: 'acme' })).toEqual([]);
  });

  it.each<[string, Partial<AuditQuery>]>([
    ['credential_audit_by_time', {}],
    ['credential_audit_by_time', { fromMs: Date.UTC(2026, 0, 3), toMs: Date.UTC(2026, 0, 4) }],
    ['credential_audit_by_credential', { credentialId: 'id-7', scope: 'org:s-7' }],
    ['credential_audit_by_actor', { actorId: 'actor-7' }],
    ['credential_audit_by_action', { action: 'revoke' }],
  ])('reads a page of many by the index %s, for %o', async (index, query) => {
    await run(
      database,
      'system',
      `insert into credential_audit (tenant_id, id, operation_id, at, action, outcome, actor_type, actor_id, scope, credential_id)
       select 'acme', lpad(n::text, 8, '0'), 'x', '2026-01-01'::timestamptz + n * interval '1 minute',
         case n % 500 when 0 then 'revoke' else 'read' end, 'succeeded', 'user', 'actor-' || n % 500, 'org:s-' || n % 500, 'id-' || n % 500
       from generate_series(1, 20000) n`,
    );
    await database.migrate([
      migrations,
      { name: `analyze-${Math.random()}`, migrations: [{ version: 1, name: 'a', sql: 'analyze credential_audit' }] },
    ]);
    const [first] = await audit.query({ tenant: 'acme', limit: 10, ...query });
    const plans: string[] = [];
    const explained = new Proxy(database, {
      get: (target, name) =>
        name === 'withTables'
          ? () => explained
          : name === 'withTenant'
            ? (work: Parameters<Database['withTenant']>[0]) => target.withTenant((tx) => explain(tx, work, plans))
            : (Reflect.get(target, name) as unknown),
    });
    await postgresAudit(explained).query({ tenant: 'acme', limit: 10, ...query });
    await postgresAudit(explained).query({ tenant: 'acme', limit: 10, after: first?.id ?? '', ...query });
    expect(plans).toHaveLength(2);
    for (const plan of plans) {
      expect(plan).toContain(index);
      expect(plan).not.toMatch(/Seq Scan|Sort/);
    }
  });

  describe('purging', () => {
    const now = Date.now();
    const old = (days: number, tenant = 'acme') => recordOf({ atMs: now - days * DAY_MS, tenant });

    it('removes what is older, of all tenants, and tells how much', async () => {
      const kept = [old(39), old(1)];
      await audit.append([old(41), ...kept, old(400), old(50, 'globex')], never);
      expect(await audit.purge({ olderThanMs: 40 * DAY_MS })).toBe(3);
      expect(idsOf(await audit.query({ tenant: 'acme' }))).toEqual(idsOf(kept.toReversed()));
      expect(await audit.query({ tenant: 'globex' })).toEqual([]);
      expect(await audit.purge({ olderThanMs: 40 * DAY_MS })).toBe(0);
    });

    it('goes on until all is gone', async () => {
      await audit.append(
        Array.from({ length: 5_001 }, () => old(100)),
        never,
      );
      expect(await audit.purge({ olderThanMs: 30 * DAY_MS })).toBe(5_001);
    });

    it.each([30 * DAY_MS - 1, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
      'refuses to remove what is %s ms old',
      async (olderThanMs) => {
        await expect(audit.purge({ olderThanMs })).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID' });
      },
    );

    it('is refused by the database too for what is younger, and to tenants altogether', async () => {
      await audit.append([old(29), old(31)], never);
      for (const [role, limit] of [
        ['system', "now() - interval '29 days'"],
        ['tenant', "now() - interval '40 days'"],
      ] as const) {
        const purge = `select credential_audit_purge(${limit}, 10)`;
        await expect(run(database, role, purge)).rejects.toMatchObject({ code: 'DATABASE_ACCESS_DENIED' });
      }
      expect(await audit.query({ tenant: 'acme' })).toHaveLength(2);
    });
  });
});

async function explain(
  tx: Parameters<Parameters<Database['withTenant']>[0]>[0],
  work: Parameters<Database['withTenant']>[0],
  plans: string[],
): Promise<unknown> {
  const watching = new Proxy(tx, {
    get(target, name) {
      if (name !== 'selectFrom') return Reflect.get(target, name) as unknown;
      return (...given: Parameters<typeof tx.selectFrom>) => watchQuery(target.selectFrom(...given) as never);
    },
  });
  const watchQuery = (query: object): object =>
    new Proxy(query, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        if (name === 'execute') {
          return async () => {
            const rows = await (target as { explain(format: string): Promise<readonly object[]> }).explain('text');
            plans.push(JSON.stringify(rows));
            return [];
          };
        }
        return (...given: readonly unknown[]) => watchQuery(value.apply(target, given) as object);
      },
    });
  return work(watching);
}

const server = process.env['TENON_TEST_POSTGRES_URL'];

describe.skipIf(server === undefined)('the owner of the table (skipped without TENON_TEST_POSTGRES_URL)', () => {
  let test: TestDatabase;
  let owner: pg.Client;
  const name = `tenon_test_${randomBytes(8).toString('hex')}`;

  beforeAll(async () => {
    test = await openTestDatabase('postgres', []);
    // As a careful operator has it: who migrates is no superuser, and sees nothing by being a member of the two roles.
    await onServer(test.url, [
      `create role ${name} login noinherit`,
      `grant tenon_tenant, tenon_system to ${name} with admin option`,
      `grant create, usage on schema public to ${name}`,
    ]);
    const url = new URL(test.url ?? '');
    url.username = name;
    owner = new pg.Client({ connectionString: url.href });
    await owner.connect();
    for (const { sql: statements } of migrations.migrations) await owner.query(statements);
  });
  afterAll(async () => {
    await owner.end();
    await test.drop();
    await onServer(server, [`drop role ${name}`]);
  });

  it('can neither change nor remove what is young, and purges what is old', async () => {
    const audit = postgresAudit(test.database);
    const young = recordOf({ atMs: Date.now() - 29 * DAY_MS });
    const ancient = recordOf({ atMs: Date.now() - 31 * DAY_MS });
    await audit.append([young, ancient], never);
    await expect(owner.query('truncate credential_audit')).rejects.toThrow('never changed');
    await expect(owner.query(`update credential_audit set outcome = 'failed'`)).rejects.toThrow('never changed');
    expect(await owner.query('delete from credential_audit where id = $1', [young.id])).toMatchObject({ rowCount: 0 });
    expect(await audit.purge({ olderThanMs: 30 * DAY_MS })).toBe(1);
    expect(idsOf(await audit.query({ tenant: 'acme' }))).toEqual([young.id]);
  });

  it('is bound even as a superuser', async () => {
    const audit = postgresAudit(test.database);
    await audit.append([recordOf({ atMs: Date.now() })], never);
    for (const statement of [
      'delete from credential_audit',
      'update credential_audit set version = 1',
      'truncate credential_audit',
    ]) {
      const asSuperuser = onServer(test.url, ['set session_replication_role = replica', statement]);
      await expect(asSuperuser).rejects.toThrow('never changed');
    }
  });
});

async function onServer(url: string | undefined, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAs } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { findUnprotectedTables } from '@tenon/database';
import { describeDrivers } from '@tenon/database/testing';
import type { NewTenant } from '@tenon/tenancy';
import { sql } from 'kysely';
import { openTenancy, type OpenTenancy } from '../open-tenancy.ts';

const owner = { accountId: 'account-1', email: 'ada@example.com', name: 'Ada' };

describe.each(describeDrivers())('tenants on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  it('are made together with their owner', async () => {
    const { tenant, owner: made } = await open.tenancy.tenants.create({
      name: ' M\u0075\u0308ller & Co ',
      id: 'mueller',
      owner,
    });
    expect(tenant).toMatchObject({ id: 'mueller', name: 'Müller & Co', status: 'active', version: 1 });
    expect(made).toMatchObject({ tenantId: 'mueller', role: 'owner', status: 'active', ...owner });
    expect(await runAs({ tenant: 'mueller' }, () => open.tenancy.tenants.current())).toEqual(tenant);
    expect(await open.tenancy.membership(owner.accountId, 'mueller')).toMatchObject({ role: 'owner', userId: made.id });
  });

  it('are made once: of ten at once with the same id, one is, with one owner', async () => {
    const create = () => open.tenancy.tenants.create({ name: 'Once', id: 'once', owner });
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => codeOf(create())));
    expect(outcomes.filter((code) => code === 'none')).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(['none', 'TENANT_EXISTS']));
    const { rows } = await open.test.database.withSystem('count', (tx) =>
      sql`select 1 from users where tenant_id = 'once'`.execute(tx),
    );
    expect(rows).toHaveLength(1);
  });

  it('are refused with everything that is wrong, and leave nothing behind', async () => {
    const bad: NewTenant = { name: ' ', id: 'a b', owner: { accountId: '', email: 'nobody', name: 'x'.repeat(256) } };
    await expect(open.tenancy.tenants.create(bad)).rejects.toMatchObject({
      code: 'TENANT_INPUT_INVALID',
      details: {
        problems: [
          { path: '/name', code: 'too_short' },
          { path: '/id', code: 'not_an_id' },
          { path: '/owner/email', code: 'not_an_email' },
          { path: '/owner/name', code: 'too_long' },
          { path: '/owner/accountId', code: 'not_an_id' },
        ],
      },
    });
    for (const name of ['a\0', 'a\nb', '\u{D800}', '', 'ä'.repeat(256), 7 as unknown as string]) {
      expect(await codeOf(open.tenancy.tenants.create({ name, owner })), JSON.stringify(name)).toBe(
        'TENANT_INPUT_INVALID',
      );
    }
    expect(await codeOf(open.tenancy.tenants.create({ name: '👾'.repeat(255), owner }))).toBe('none');
  });

  it('rename themselves, by version', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { tenants } = open.tenancy;
      expect(await tenants.update({ name: 'Second' }, 1)).toMatchObject({ name: 'Second', version: 2 });
      await expect(tenants.update({ name: 'Third' }, 1)).rejects.toMatchObject({
        code: 'TENANT_VERSION_CONFLICT',
        details: { expected: 1, actual: 2 },
      });
      expect(await codeOf(tenants.update({ name: '' }))).toBe('TENANT_INPUT_INVALID');
      expect(await tenants.current()).toMatchObject({ name: 'Second', version: 2 });
    });
    await runAs({ tenant: 'nowhere' }, async () => {
      expect(await codeOf(open.tenancy.tenants.current())).toBe('TENANT_NOT_FOUND');
      expect(await codeOf(open.tenancy.tenants.update({ name: 'X' }))).toBe('TENANT_NOT_FOUND');
    });
  });

  it('let one of several changes win that expect the same version', async () => {
    const tenant = await open.newTenant();
    const rename = (name: string) => tenant.inside(() => open.tenancy.tenants.update({ name }, 1));
    const outcomes = await Promise.all(['A', 'B', 'C', 'D'].map((name) => codeOf(rename(name))));
    expect(outcomes.filter((code) => code === 'none')).toHaveLength(1);
    expect(await tenant.inside(() => open.tenancy.tenants.current())).toMatchObject({ version: 2 });
  });

  it('are suspended and let in again, which shows at once, and in another process a second later', async () => {
    const tenant = await open.newTenant();
    const other = open.another();
    expect(await other.tenants.isActive(tenant.id)).toBe(true);
    expect(await open.tenancy.tenants.isActive(tenant.id)).toBe(true);
    expect(await open.tenancy.tenants.setStatus(tenant.id, 'suspended')).toMatchObject({
      status: 'suspended',
      version: 2,
    });
    expect(await open.tenancy.tenants.isActive(tenant.id)).toBe(false);
    expect(await open.tenancy.membership(tenant.ownerAccount, tenant.id)).toBeUndefined();
    expect(await other.tenants.isActive(tenant.id)).toBe(true);
    await open.clock.advance(1_000);
    expect(await other.tenants.isActive(tenant.id)).toBe(false);
    await open.tenancy.tenants.setStatus(tenant.id, 'active');
    expect(await open.tenancy.membership(tenant.ownerAccount, tenant.id)).toMatchObject({ role: 'owner' });
    for (const id of ['nowhere', 'a\0', '']) {
      expect(await codeOf(open.tenancy.tenants.setStatus(id, 'suspended'))).toBe('TENANT_NOT_FOUND');
      expect(await open.tenancy.tenants.isActive(id)).toBe(false);
    }
  });

  it('cannot suspend, remove or add themselves with the rights of a tenant', async () => {
    const tenant = await open.newTenant();
    for (const statement of [
      sql`update tenants set status = 'suspended'`,
      sql`update tenants set tenant_id = 'other'`,
      sql`delete from tenants`,
      sql`insert into tenants (tenant_id, name) values (${tenant.id}, 'Again')`,
    ]) {
      const attempt = tenant.inside(() => open.test.database.withTenant((tx) => statement.execute(tx)));
      expect(await codeOf(attempt)).toBe('DATABASE_ACCESS_DENIED');
    }
  });

  it('are listed for operators in order of their ids, page by page', async () => {
    const ids: string[] = [];
    for (let afterId = ''; ; afterId = ids.at(-1) ?? '') {
      const page = await open.tenancy.tenants.list({ afterId, limit: 3 });
      expect(page.length).toBeLessThanOrEqual(3);
      if (page.length === 0) break;
      ids.push(...page.map(({ id }) => id));
    }
    expect(ids).toEqual((await open.tenancy.tenants.list()).map(({ id }) => id));
    expect(ids).toEqual(ids.toSorted());
    expect(ids).toContain('mueller');
    for (const limit of [0, 1_001, 0.5])
      expect(await codeOf(open.tenancy.tenants.list({ limit }))).toBe('TENANT_INPUT_INVALID');
  });

  it('have every table of this package under tenant isolation', async () => {
    expect(await findUnprotectedTables(open.test.database)).toEqual([]);
  });

  it('let no role that requests run as change or remove what only ever grows', async () => {
    const { rows } = await open.test.database.withSystem('catalog', (tx) =>
      sql<{ granted: boolean }>`
        select bool_or(has_table_privilege(role, relation, privilege)) as granted
        from unnest(array['tenon_tenant', 'tenon_system']) as role,
          unnest(array['security_events', 'tenant_settings_history']) as relation,
          unnest(array['update', 'delete', 'truncate', 'trigger']) as privilege`.execute(tx),
    );
    expect(rows).toEqual([{ granted: false }]);
  });

  it('have every foreign key and every unique key of their tables begin with, or contain, the tenant', async () => {
    const { rows } = await open.test.database.withSystem('catalog', (tx) =>
      sql<{ name: string }>`
        select i.indexrelid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indrelid
        where i.indisunique and c.relname in ('users', 'tenants', 'invitations', 'tenant_quotas', 'tenant_settings_history')
          and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnum = any(i.indkey))
        union all
        select k.conname::text from pg_constraint k join pg_class c on c.oid = k.conrelid
        where k.contype = 'f' and c.relname in ('users', 'invitations', 'tenant_quotas', 'tenant_settings_history')
          and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnum = any(k.conkey))
        order by 1`.execute(tx),
    );
    // The hash of a token is looked up before the tenant is known, and holds 256 random bits.
    expect(rows.map(({ name }) => name)).toEqual(['invitations_token_hash_key']);
  });
});

import { codeOf } from '@tenon/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDrivers } from '@tenon/database/testing';
import { userListing, type NewUser } from '@tenon/tenancy';
import { cursors, openTenancy, request, type OpenTenancy } from '../open-tenancy.ts';

const rows: readonly NewUser[] = [
  {
    email: 'alfki@example.com',
    name: 'Maria Anders',
    company: 'Alfreds Futterkiste',
    city: 'Berlin',
    country: 'Germany',
  },
  { email: 'ana@example.com', name: 'Ana Trujillo', city: 'México D.F.', phone: '(5) 555-4729' },
  { email: 'hari@example.com', name: `"Hari" O'Kumar, {x}\\`, title: 'NULL', company: '👨‍👩‍👧 & Söhne' },
];

describe.each(describeDrivers())('importing people on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  const find = async (email: string) =>
    (await open.tenancy.users.list(request(userListing, { email }), cursors)).items[0];

  it('adds rows exactly as they are, and changes nothing when run again', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { users } = open.tenancy;
      expect(await users.importBatch(rows)).toEqual({ created: 3, updated: 0, unchanged: 0, repeated: 0 });
      for (const row of rows) expect(await find(row.email)).toMatchObject(row);
      expect(await find('hari@example.com')).toMatchObject({
        city: null,
        role: 'member',
        status: 'active',
        version: 1,
      });
      await open.clock.advance(1_000);
      const before = await find('ana@example.com');
      expect(await users.importBatch(rows)).toEqual({ created: 0, updated: 0, unchanged: 3, repeated: 0 });
      expect(await find('ana@example.com')).toEqual(before);
    });
  });

  it('updates by email in any case, keeps role, status and account, and says what it did', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { users } = open.tenancy;
      await users.importBatch(rows);
      const standing = { role: 'admin', status: 'disabled' } as const;
      const ana = await users.create(
        { email: 'known@example.com', name: 'Known', ...standing },
        { accountId: 'account-1' },
      );
      const report = await users.importBatch([
        { email: 'KNOWN@Example.com', name: 'Known Better', role: 'viewer', status: 'active', phone: '1' },
        { email: 'new@example.com', name: 'New', role: 'viewer', status: 'invited' },
        ...rows,
      ]);
      expect(report).toEqual({ created: 1, updated: 1, unchanged: 3, repeated: 0 });
      expect(await users.get(ana.id)).toMatchObject({
        email: 'KNOWN@Example.com',
        name: 'Known Better',
        phone: '1',
        accountId: 'account-1',
        version: 2,
        ...standing,
      });
      expect(await find('new@example.com')).toMatchObject({ role: 'viewer', status: 'invited' });
    });
  });

  it('takes the last of several rows with one email', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const twice = [
        { email: 'x@example.com', name: 'First' },
        { email: ' X@EXAMPLE.com', name: 'Last' },
      ];
      expect(await open.tenancy.users.importBatch(twice)).toEqual({
        created: 1,
        updated: 0,
        unchanged: 0,
        repeated: 1,
      });
      expect((await find('x@example.com'))?.name).toBe('Last');
    });
  });

  it('refuses the whole batch when one row is wrong, and says which', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const bad = [...rows, { email: 'nobody', name: 'a\0b' }, { email: 'fine@example.com', name: 'Fine' }];
      await expect(open.tenancy.users.importBatch(bad)).rejects.toMatchObject({
        code: 'USER_INVALID',
        details: { problems: [{ path: '/3/email' }, { path: '/3/name', code: 'not_text' }] },
      });
      expect(await find('fine@example.com')).toBeUndefined();
    });
  });

  it('takes 10,000 rows and not one more', async () => {
    const tenant = await open.newTenant();
    const many = Array.from({ length: 10_000 }, (_, index) => ({
      email: `p${index}@example.com`,
      name: `Person ${index}`,
    }));
    await tenant.inside(async () => {
      expect((await open.tenancy.users.importBatch(many)).created).toBe(10_000);
      const one = { email: 'one-more@example.com', name: 'One' };
      expect(await codeOf(open.tenancy.users.importBatch([...many, one]))).toBe('USER_INVALID');
      expect(await open.tenancy.users.importBatch([])).toEqual({ created: 0, updated: 0, unchanged: 0, repeated: 0 });
    });
  });

  it('lets overlapping imports run at once: every person is there once', async () => {
    const tenant = await open.newTenant();
    const batch = (order: 1 | -1): NewUser[] =>
      Array.from({ length: 200 }, (_, index) => ({ email: `q${index}@example.com`, name: `Q ${index}` })).toSorted(
        (a, b) => (a.email < b.email ? -1 : 1) * order,
      );
    const reports = await Promise.all(
      ([1, -1, 1, -1] as const).map((order) => tenant.inside(() => open.tenancy.users.importBatch(batch(order)))),
    );
    expect(reports.reduce((sum, report) => sum + report.created, 0)).toBe(200);
    expect(reports.reduce((sum, report) => sum + report.unchanged, 0)).toBe(600);
  });

  it('reserves the quota for new people only, and keeps nothing of a batch that passes it', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { users, quotas } = open.tenancy;
      await users.importBatch(rows);
      await quotas.set('users', 5);
      await users.importBatch(rows);
      const more = [1, 2].map((n) => ({ email: `more${n}@example.com`, name: 'More' }));
      expect(await codeOf(users.importBatch(more))).toBe('QUOTA_EXCEEDED');
      expect(await find('more1@example.com')).toBeUndefined();
      await users.importBatch(more.slice(0, 1));
      expect(await quotas.list()).toEqual([{ name: 'users', max: 5, used: 5 }]);
    });
  });
});

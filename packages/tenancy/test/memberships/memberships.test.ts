import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInContext } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { openTenancy, type OpenTenancy, type TestTenant } from '../open-tenancy.ts';

describe.each(describeDrivers())('memberships on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  let serial = 0;
  const newAccount = (): string => `account-${(serial += 1)}`;
  const join = (tenant: TestTenant, accountId: string) =>
    tenant.inside(() =>
      open.tenancy.users.create({ email: `${accountId}@example.com`, name: accountId, role: 'viewer' }, { accountId }),
    );

  it('gives the tenants of an account, the first joined first', async () => {
    const account = newAccount();
    const [first, second] = [await open.newTenant('Zebra'), await open.newTenant('Ant')];
    const joined = await join(first, account);
    await open.clock.advance(10);
    await join(second, account);
    expect(await open.tenancy.membershipsOf(account)).toMatchObject([
      { tenantId: first.id, tenantName: 'Zebra', userId: joined.id, role: 'viewer' },
      { tenantId: second.id, tenantName: 'Ant' },
    ]);
    expect(await open.tenancy.membershipsOf('nobody')).toEqual([]);
  });

  it('leaves out people who are not active, and tenants that are suspended', async () => {
    const account = newAccount();
    const [first, second] = [await open.newTenant(), await open.newTenant()];
    const user = await join(first, account);
    await join(second, account);
    await first.inside(() => open.tenancy.users.update(user.id, { status: 'disabled' }));
    await open.tenancy.tenants.setStatus(second.id, 'suspended');
    expect(await open.tenancy.membershipsOf(account)).toEqual([]);
    expect(await open.tenancy.membership(account, first.id)).toBeUndefined();
    expect(await open.tenancy.membership(account, second.id)).toBeUndefined();
    await open.tenancy.tenants.setStatus(second.id, 'active');
    expect(await open.tenancy.membership(account, second.id)).toMatchObject({ role: 'viewer' });
  });

  it('remembers an answer for a second, also that there is none, and asks once for many who ask together', async () => {
    const tenant = await open.newTenant();
    const account = newAccount();
    const before = open.transactions('find-memberships');
    const ask = () => open.tenancy.membership(account, tenant.id);
    expect(await Promise.all(Array.from({ length: 20 }, ask))).toEqual(Array.from({ length: 20 }, () => undefined));
    await open.clock.advance(999);
    await ask();
    expect(open.transactions('find-memberships')).toBe(before + 1);
    await open.clock.advance(1);
    await ask();
    expect(open.transactions('find-memberships')).toBe(before + 2);
  });

  it('shows every change made by this process at once', async () => {
    const tenant = await open.newTenant();
    const account = newAccount();
    const role = async () => (await open.tenancy.membership(account, tenant.id))?.role;
    expect(await role()).toBeUndefined();
    const user = await join(tenant, account);
    expect(await role()).toBe('viewer');
    await tenant.inside(() => open.tenancy.users.update(user.id, { role: 'member' }));
    expect(await role()).toBe('member');
    await tenant.inside(() =>
      open.tenancy.users.replace(user.id, { email: user.email, name: 'X', role: 'admin', status: 'active' }),
    );
    expect(await role()).toBe('admin');
    await tenant.inside(() => open.tenancy.tenants.update({ name: 'Renamed' }));
    expect((await open.tenancy.membership(account, tenant.id))?.tenantName).toBe('Renamed');
    await tenant.inside(() => open.tenancy.users.remove(user.id));
    expect(await role()).toBeUndefined();
  });

  it('shows a change made by another process after cacheTtlMs at the latest', async () => {
    const tenant = await open.newTenant();
    const account = newAccount();
    const user = await join(tenant, account);
    const slow = open.another({ cacheTtlMs: 5_000 });
    const never = open.another({ cacheTtlMs: 0 });
    const role = async (tenancy = open.tenancy) => (await tenancy.membership(account, tenant.id))?.role;
    expect([await role(), await role(slow), await role(never)]).toEqual(['viewer', 'viewer', 'viewer']);
    await tenant.inside(() => open.another().users.update(user.id, { role: 'admin' }));
    expect([await role(), await role(slow), await role(never)]).toEqual(['viewer', 'viewer', 'admin']);
    await open.clock.advance(1_000);
    expect([await role(), await role(slow)]).toEqual(['admin', 'viewer']);
    await open.clock.advance(4_000);
    expect(await role(slow)).toBe('admin');
  });

  it('holds no more than cacheMaxEntries', async () => {
    const tenant = await open.newTenant();
    const small = open.another({ cacheMaxEntries: 2 });
    const before = open.transactions('find-memberships');
    for (const account of ['a', 'b', 'c', 'b', 'c', 'a']) await small.membership(account, tenant.id);
    expect(open.transactions('find-memberships')).toBe(before + 4);
  });

  it('does not give out an answer that was read before a change and came after it', async () => {
    const tenant = await open.newTenant();
    const account = newAccount();
    const user = await join(tenant, account);
    for (let round = 0; round < 20; round += 1) {
      const role = round % 2 === 0 ? 'admin' : 'member';
      await open.clock.advance(1_000);
      const early = open.tenancy.membership(account, tenant.id);
      await tenant.inside(() => open.tenancy.users.update(user.id, { role }));
      await early;
      expect((await open.tenancy.membership(account, tenant.id))?.role).toBe(role);
    }
  });

  it('answers those who share a load although the first of them gave up, and keeps no failure', async () => {
    const tenant = await open.newTenant();
    const account = newAccount();
    await join(tenant, account);
    const gone = new AbortController();
    gone.abort();
    const first = runInContext({ signal: gone.signal }, () => open.tenancy.membership(account, tenant.id));
    const second = open.tenancy.membership(account, tenant.id);
    expect(await Promise.all([codeOf(first), codeOf(second)])).toEqual(['none', 'none']);
    const failing = open.another();
    const inside = open.test.database.withSystem('nested', () => failing.membership(account, tenant.id));
    expect(await codeOf(inside)).toBe('DATABASE_NESTED_TRANSACTION');
    expect(await failing.membership(account, tenant.id)).toMatchObject({ role: 'viewer' });
  });
});

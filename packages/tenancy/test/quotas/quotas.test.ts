import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAs } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { openTenancy, type OpenTenancy, type TestTenant } from '../open-tenancy.ts';

describe.each(describeDrivers())('quotas on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  let serial = 0;
  const addUser = (tenant: TestTenant) =>
    tenant.inside(() => open.tenancy.users.create({ email: `u${(serial += 1)}@example.com`, name: 'U' }));
  const reserve = (tenant: TestTenant, amount: number): Promise<void> =>
    tenant.inside(() => open.test.database.withTenant((tx) => open.tenancy.quotas.reserve(tx, 'files', amount)));
  const list = (tenant: TestTenant) => tenant.inside(() => open.tenancy.quotas.list());

  it('are unlimited until they are set, and again when lifted', async () => {
    const tenant = await open.newTenant();
    await reserve(tenant, 1_000_000);
    expect(await list(tenant)).toEqual([]);
    await tenant.inside(() => open.tenancy.quotas.set('files', 10));
    expect(await list(tenant)).toEqual([{ name: 'files', max: 10, used: 0 }]);
    await tenant.inside(() => open.tenancy.quotas.set('files', null));
    await reserve(tenant, 1_000_000);
    expect(await list(tenant)).toEqual([]);
  });

  it('allow up to the limit exactly, and say what was asked for beyond it', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(() => open.tenancy.quotas.set('files', 10));
    await reserve(tenant, 7);
    await reserve(tenant, 3);
    await reserve(tenant, 0);
    await expect(reserve(tenant, 1)).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      details: { quota: 'files', max: 10, used: 10, requested: 1 },
    });
    await tenant.inside(() => open.test.database.withTenant((tx) => open.tenancy.quotas.release(tx, 'files', 4)));
    await reserve(tenant, 4);
    await tenant.inside(() => open.test.database.withTenant((tx) => open.tenancy.quotas.release(tx, 'files', 99)));
    expect(await list(tenant)).toEqual([{ name: 'files', max: 10, used: 0 }]);
  });

  it('let exactly as many of 50 through at once as there is room for', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(() => open.tenancy.quotas.set('files', 10));
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => codeOf(reserve(tenant, 1))));
    expect(outcomes.filter((code) => code === 'none')).toHaveLength(10);
    expect(new Set(outcomes)).toEqual(new Set(['none', 'QUOTA_EXCEEDED']));
    expect(await list(tenant)).toEqual([{ name: 'files', max: 10, used: 10 }]);
  });

  it('take nothing when the transaction fails', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(() => open.tenancy.quotas.set('files', 10));
    const failing = tenant.inside(() =>
      open.test.database.withTenant(async (tx) => {
        await open.tenancy.quotas.reserve(tx, 'files', 5);
        throw new Error('afterwards');
      }),
    );
    await expect(failing).rejects.toThrow('afterwards');
    expect(await list(tenant)).toEqual([{ name: 'files', max: 10, used: 0 }]);
  });

  it('limit the people of a tenant: 50 who come at once, and room again when one leaves', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(() => open.tenancy.quotas.set('users', 10));
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => codeOf(addUser(tenant))));
    expect(outcomes.filter((code) => code === 'none')).toHaveLength(9);
    expect(await list(tenant)).toEqual([{ name: 'users', max: 10, used: 10 }]);
    const { rows } = await tenant.inside(() =>
      open.test.database.withTenant((tx) =>
        sql<{ id: string }>`select id from users where role <> 'owner'`.execute(tx),
      ),
    );
    expect(rows).toHaveLength(9);
    await tenant.inside(() => open.tenancy.users.remove(rows[0]?.id ?? ''));
    expect(await codeOf(addUser(tenant))).toBe('none');
    expect(await codeOf(addUser(tenant))).toBe('QUOTA_EXCEEDED');
  });

  it('count the people there are when set, also while people come and go', async () => {
    const tenant = await open.newTenant();
    const leaving = await Promise.all(Array.from({ length: 10 }, () => addUser(tenant)));
    await Promise.all([
      ...Array.from({ length: 10 }, () => addUser(tenant)),
      tenant.inside(() => open.tenancy.quotas.set('users', 1_000)),
      ...leaving.map(({ id }) => tenant.inside(() => open.tenancy.users.remove(id))),
      tenant.inside(() => open.tenancy.quotas.set('users', 500)),
      ...Array.from({ length: 10 }, () => addUser(tenant)),
    ]);
    expect(await list(tenant)).toEqual([{ name: 'users', max: 500, used: 21 }]);
    await tenant.inside(() => open.tenancy.quotas.set('users', 3));
    expect(await codeOf(addUser(tenant))).toBe('QUOTA_EXCEEDED');
  });

  /** Waits until some transaction waits for a lock of another one, or the work is done. The embedded database has only one. */
  const untilBlocked = async (work: Promise<unknown>): Promise<void> => {
    if (driver === 'pglite') return;
    const state = { done: false, blocked: false };
    void work.finally(() => (state.done = true));
    while (!state.blocked && !state.done) {
      const { rows } = await open.test.database.withSystem('watch', (tx) =>
        sql<{ blocked: boolean }>`select exists (select from pg_locks l join pg_stat_activity a using (pid)
          where not l.granted and a.datname = current_database()) as blocked`.execute(tx),
      );
      state.blocked = rows[0]?.blocked === true;
    }
  };
  const latch = (): { readonly opened: Promise<void>; open(): void } => {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { opened: promise, open: () => resolve() };
  };

  it('wait for a person who is half way in, and count them', async () => {
    const tenant = await open.newTenant();
    const [inserted, proceed] = [latch(), latch()];
    const adding = tenant.inside(() =>
      open.test.database.withTenant(async (tx) => {
        await sql`insert into users (id, email, email_key, name) values ('half-way', 'h', 'h', 'H')`.execute(tx);
        await open.tenancy.quotas.reserve(tx, 'users', 1);
        inserted.open();
        await proceed.opened;
      }),
    );
    await inserted.opened;
    const setting = tenant.inside(() => open.tenancy.quotas.set('users', 10));
    await untilBlocked(setting);
    proceed.open();
    await Promise.all([adding, setting]);
    expect(await list(tenant)).toEqual([{ name: 'users', max: 10, used: 2 }]);
  });

  it('wait for a person who is half way out, and do not count them', async () => {
    const tenant = await open.newTenant();
    const { id } = await addUser(tenant);
    await tenant.inside(() => open.tenancy.quotas.set('users', 10));
    const [locked, proceed] = [latch(), latch()];
    const holding = tenant.inside(() =>
      open.test.database.withTenant(async (tx) => {
        await sql`select from tenant_quotas for update`.execute(tx);
        locked.open();
        await proceed.opened;
      }),
    );
    await locked.opened;
    const removing = tenant.inside(() => open.tenancy.users.remove(id));
    await untilBlocked(removing);
    const setting = tenant.inside(() => open.tenancy.quotas.set('users', 20));
    proceed.open();
    await Promise.all([holding, removing, setting]);
    expect(await list(tenant)).toEqual([{ name: 'users', max: 20, used: 1 }]);
  });

  it('belong to one tenant each', async () => {
    const [tenant, other] = [await open.newTenant(), await open.newTenant()];
    await tenant.inside(() => open.tenancy.quotas.set('files', 0));
    expect(await codeOf(reserve(tenant, 1))).toBe('QUOTA_EXCEEDED');
    expect(await codeOf(reserve(other, 1))).toBe('none');
    expect(await list(other)).toEqual([]);
  });

  it('cannot be raised with the rights of a tenant', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(() => open.tenancy.quotas.set('files', 1));
    for (const statement of [
      sql`update tenant_quotas set max = 100`,
      sql`delete from tenant_quotas`,
      sql`insert into tenant_quotas (name, max) values ('users', 5)`,
    ]) {
      const attempt = tenant.inside(() => open.test.database.withTenant((tx) => statement.execute(tx)));
      expect(await codeOf(attempt)).toBe('DATABASE_ACCESS_DENIED');
    }
  });

  it('refuse names and numbers that are none', async () => {
    const tenant = await open.newTenant();
    const { quotas } = open.tenancy;
    for (const name of ['', 'Users', 'a b', '.x', 'x'.repeat(65), 'a\0']) {
      expect(await codeOf(tenant.inside(() => quotas.set(name, 1)))).toBe('QUOTA_INVALID');
    }
    for (const amount of [-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1]) {
      expect(await codeOf(tenant.inside(() => quotas.set('files', amount)))).toBe('QUOTA_INVALID');
      expect(await codeOf(reserve(tenant, amount))).toBe('QUOTA_INVALID');
      const release = () => open.test.database.withTenant((tx) => quotas.release(tx, 'files', amount));
      expect(await codeOf(tenant.inside(release))).toBe('QUOTA_INVALID');
    }
    const nowhere = runAs({ tenant: 'nowhere' }, () => quotas.set('files', 1));
    expect(await codeOf(nowhere)).toBe('TENANT_NOT_FOUND');
  });
});

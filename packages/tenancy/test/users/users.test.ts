import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAs } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { parseUser, userListing, type NewUser } from '@tenon/tenancy';
import { sql } from 'kysely';
import { cursors, openTenancy, request, type OpenTenancy } from '../open-tenancy.ts';

const full = {
  email: 'Ana.Trujillo@Example.com',
  name: "Ana O'Brien Müller",
  role: 'viewer',
  status: 'invited',
  company: 'Ana Trujillo Emparedados y helados',
  title: 'Owner',
  city: 'México D.F.',
  country: 'Mexico',
  phone: '(5) 555-4729',
} as const;

describe.each(describeDrivers())('users on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  it('gives back what was created, as typed, with defaults for what was left out', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const created = await open.tenancy.users.create(full);
      expect(created).toMatchObject({ ...full, tenantId: tenant.id, accountId: null, version: 1 });
      expect(await open.tenancy.users.get(created.id)).toEqual(created);
      expect(Object.isFrozen(created)).toBe(true);
      const plain = await open.tenancy.users.create({ email: 'bob@example.com', name: 'Bob' });
      expect(plain).toMatchObject({
        role: 'member',
        status: 'active',
        company: null,
        title: null,
        city: null,
        phone: null,
      });
      expect(plain.createdAt).toBe(new Date(open.clock.now()).toISOString());
    });
  });

  it('gives out people that survive JSON and their own schema', async () => {
    const tenant = await open.newTenant();
    const created = await tenant.inside(() => open.tenancy.users.create(full));
    expect(parseUser(JSON.parse(JSON.stringify(created)))).toEqual({ ok: true, value: created });
  });

  it('refuses a second person with the same email in another case or form, but not in another tenant', async () => {
    const [tenant, other] = [await open.newTenant(), await open.newTenant()];
    const composed = { email: 'm\u00FCller@example.com', name: 'Composed' };
    const decomposed = { email: ' MU\u0308LLER@Example.COM ', name: 'Decomposed' };
    await tenant.inside(() => open.tenancy.users.create(composed));
    expect(await codeOf(tenant.inside(() => open.tenancy.users.create(decomposed)))).toBe('USER_EMAIL_TAKEN');
    expect(await codeOf(other.inside(() => open.tenancy.users.create(decomposed)))).toBe('none');
  });

  it('replaces everything, and clears the details that were left out', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { id } = await open.tenancy.users.create(full);
      await open.clock.advance(5_000);
      const input = { email: 'new@example.com', name: 'New', role: 'member', status: 'active' } as const;
      const replaced = await open.tenancy.users.replace(id, input, 1);
      expect(replaced).toMatchObject({ ...input, company: null, title: null, city: null, country: null, phone: null });
      expect(replaced.version).toBe(2);
      expect(Date.parse(replaced.updatedAt) - Date.parse(replaced.createdAt)).toBe(5_000);
    });
  });

  it('updates only what is said, clears with null, and leaves the version when nothing changes', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const created = await open.tenancy.users.create(full);
      const updated = await open.tenancy.users.update(created.id, { phone: null, city: 'Oaxaca' });
      expect(updated).toEqual({ ...created, phone: null, city: 'Oaxaca', version: 2, updatedAt: updated.updatedAt });
      expect(await open.tenancy.users.update(created.id, {})).toEqual(updated);
      expect(await open.tenancy.users.update(created.id, { city: 'Oaxaca' })).toEqual(updated);
    });
  });

  it('finds a person by the new email after it was changed, and not by the old one', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { id } = await open.tenancy.users.create(full);
      await open.tenancy.users.update(id, { email: 'Second@Example.com' });
      const find = async (email: string) =>
        (await open.tenancy.users.list(request(userListing, { email }), cursors)).items;
      expect((await find('second@example.com')).map((user) => user.id)).toEqual([id]);
      expect(await find(full.email)).toEqual([]);
    });
  });

  it('refuses an outdated version of update, replace and remove, and says both versions', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { users } = open.tenancy;
      const { id } = await users.create(full);
      await users.update(id, { city: 'Oaxaca' }, 1);
      const replacement = { email: full.email, name: 'X', role: 'member', status: 'active' } as const;
      for (const attempt of [
        () => users.update(id, { city: 'Puebla' }, 1),
        () => users.replace(id, replacement, 1),
        () => users.remove(id, 1),
      ]) {
        await expect(attempt()).rejects.toMatchObject({
          code: 'USER_VERSION_CONFLICT',
          details: { expected: 1, actual: 2 },
        });
      }
      expect((await users.get(id))?.city).toBe('Oaxaca');
    });
  });

  it('lets one of two updates win that expect the same version', async () => {
    const tenant = await open.newTenant();
    const { id } = await tenant.inside(() => open.tenancy.users.create(full));
    const results = await Promise.all(
      ['A', 'B', 'C', 'D'].map((name) => codeOf(tenant.inside(() => open.tenancy.users.update(id, { name }, 1)))),
    );
    expect(results.toSorted()).toEqual([
      'USER_VERSION_CONFLICT',
      'USER_VERSION_CONFLICT',
      'USER_VERSION_CONFLICT',
      'none',
    ]);
  });

  it('treats ids that cannot exist like ids that do not', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { users } = open.tenancy;
      for (const id of ['', 'nobody', 'a\0b', '\u{D800}', "' or 1=1 --", 'x'.repeat(100)]) {
        expect(await users.get(id)).toBeUndefined();
        expect(await codeOf(users.update(id, { name: 'X' }))).toBe('USER_NOT_FOUND');
        expect(await codeOf(users.remove(id))).toBe('USER_NOT_FOUND');
        expect(await open.tenancy.ownerOf('users', id)).toBeUndefined();
      }
    });
  });

  it('removes a person, and refuses while other rows refer to them', async () => {
    const tenant = await open.newTenant();
    await open.test.database.withSystem('make-a-referring-table', (tx) =>
      sql`reset role`.execute(tx).then(() =>
        sql`create table if not exists visits (tenant_id text not null, user_id text not null,
          foreign key (tenant_id, user_id) references users (tenant_id, id))`.execute(tx),
      ),
    );
    await tenant.inside(async () => {
      const { users } = open.tenancy;
      const [kept, gone] = [await users.create(full), await users.create({ email: 'gone@example.com', name: 'Gone' })];
      await open.test.database.withSystem('refer', (tx) =>
        sql`reset role`.execute(tx).then(() => sql`insert into visits values (${tenant.id}, ${kept.id})`.execute(tx)),
      );
      expect(await codeOf(users.remove(kept.id))).toBe('USER_IN_USE');
      expect(await users.get(kept.id)).toEqual(kept);
      await users.remove(gone.id, 1);
      expect(await users.get(gone.id)).toBeUndefined();
      expect(await codeOf(users.remove(gone.id))).toBe('USER_NOT_FOUND');
    });
  });

  it('says everything that is wrong at once, and writes nothing', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const bad = { email: 'nobody', name: '', role: 'king', extra: 1 } as unknown as NewUser;
      await expect(open.tenancy.users.create(bad)).rejects.toMatchObject({
        code: 'USER_INVALID',
        details: {
          problems: [
            { path: '/email', code: 'not_an_email' },
            { path: '/name', code: 'too_short' },
            { path: '/role', code: 'unknown_value' },
            { path: '/extra', code: 'unknown_field' },
          ],
        },
      });
      expect((await open.tenancy.users.list(request(userListing), cursors)).items).toHaveLength(1);
    });
  });

  it('refuses a tenant in the input of create, replace, update and import', async () => {
    const [tenant, other] = [await open.newTenant(), await open.newTenant()];
    await tenant.inside(async () => {
      const { users } = open.tenancy;
      const { id } = await users.create(full);
      for (const field of ['tenantId', 'tenant_id', 'id', 'version', 'accountId']) {
        const input = { ...full, email: 'second@example.com', [field]: other.id };
        const problem = { code: 'USER_INVALID', details: { problems: [{ path: `/${field}`, code: 'unknown_field' }] } };
        await expect(users.create(input)).rejects.toMatchObject(problem);
        await expect(users.replace(id, input)).rejects.toMatchObject(problem);
        await expect(users.update(id, { [field]: other.id })).rejects.toMatchObject(problem);
        const imported = { ...problem, details: { problems: [{ path: `/0/${field}`, code: 'unknown_field' }] } };
        await expect(users.importBatch([input])).rejects.toMatchObject(imported);
      }
    });
  });

  it('needs a tenant for everything', async () => {
    const { users } = open.tenancy;
    const calls: readonly (() => Promise<unknown>)[] = [
      () => users.list(request(userListing), cursors),
      () => users.get('x'),
      () => users.create(full),
      () => users.replace('x', { ...full }),
      () => users.update('x', {}),
      () => users.remove('x'),
      () => users.importBatch([]),
    ];
    for (const call of calls) expect(await codeOf(Promise.resolve().then(call))).toBe('TENANT_REQUIRED');
  });

  it('refuses people for a tenant that does not exist', async () => {
    const nowhere = runAs({ tenant: 'nowhere', actor: { type: 'system', id: 'test' } }, () =>
      open.tenancy.users.create(full),
    );
    expect(await codeOf(nowhere)).toBe('TENANT_NOT_FOUND');
  });

  it('links an account when told to, once a tenant', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { users } = open.tenancy;
      expect((await users.create(full, { accountId: 'account-7' })).accountId).toBe('account-7');
      const second = { email: 'second@example.com', name: 'Second' };
      expect(await codeOf(users.create(second, { accountId: 'account-7' }))).toBe('USER_ACCOUNT_TAKEN');
      expect(await codeOf(users.create(second, { accountId: 'no id\0' }))).toBe('USER_INVALID');
    });
  });
});

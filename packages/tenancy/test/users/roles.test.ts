import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAs } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { assertMayAssignRole, roles, type Role, type User } from '@tenon/tenancy';
import { openTenancy, type OpenTenancy, type TestTenant } from '../open-tenancy.ts';

describe('the rule of roles', () => {
  const allowed = (actor: Role, current: Role | undefined, next: Role): boolean => {
    try {
      assertMayAssignRole(actor, current, next);
      return true;
    } catch (error) {
      expect((error as { code: string }).code).toBe('USER_ROLE_FORBIDDEN');
      return false;
    }
  };

  it('lets owners do everything, admins everything but owners, and others nothing', () => {
    for (const actor of roles) {
      for (const current of [undefined, ...roles]) {
        for (const next of roles) {
          const concernsOwner = current === 'owner' || next === 'owner';
          expect(allowed(actor, current, next), `${actor}: ${current} -> ${next}`).toBe(
            actor === 'owner' || (actor === 'admin' && !concernsOwner),
          );
        }
      }
    }
  });

  it('lets nobody raise their own role', () => {
    for (const [index, own] of roles.entries()) {
      for (const higher of roles.slice(0, index)) expect(allowed(own, own, higher)).toBe(false);
    }
  });
});

describe.each(describeDrivers())('roles of people on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  const add = (tenant: TestTenant, role: Role): Promise<User> =>
    tenant.inside(() =>
      open.tenancy.users.create(
        { email: `${role}@example.com`, name: role, role },
        { accountId: `${role}-of-${tenant.id}` },
      ),
    );

  it('lets an admin manage members, and neither make, change, invite nor remove an owner', async () => {
    const tenant = await open.newTenant();
    const { users, invitations } = open.tenancy;
    const admin = await add(tenant, 'admin');
    const member = await add(tenant, 'member');
    const waiting = await tenant.inside(() =>
      users.create({ email: 'waiting@example.com', name: 'Waiting', role: 'owner', status: 'invited' }),
    );
    const refused: readonly (() => Promise<unknown>)[] = [
      () => users.create({ email: 'x@example.com', name: 'X', role: 'owner' }),
      () => users.update(member.id, { role: 'owner' }),
      () => users.update(admin.id, { role: 'owner' }),
      () => users.update(tenant.ownerId, { name: 'Renamed' }),
      () => users.update(tenant.ownerId, { email: 'mine@example.com' }),
      () => users.update(tenant.ownerId, { status: 'disabled' }),
      () => users.replace(tenant.ownerId, { email: 'x@example.com', name: 'X', role: 'member', status: 'active' }),
      () => users.remove(tenant.ownerId),
      () => users.importBatch([{ email: 'x@example.com', name: 'X', role: 'owner' }]),
      () => users.importBatch([{ email: 'waiting@example.com', name: 'Renamed' }]),
      () => invitations.create(waiting.id),
    ];
    const before = await tenant.inside(() => Promise.all([users.get(tenant.ownerId), users.get(waiting.id)]));
    for (const attempt of refused) {
      expect(await codeOf(tenant.as(admin.accountId ?? '', attempt)), String(attempt)).toBe('USER_ROLE_FORBIDDEN');
    }
    expect(await tenant.inside(() => Promise.all([users.get(tenant.ownerId), users.get(waiting.id)]))).toEqual(before);
    await tenant.as(admin.accountId ?? '', async () => {
      expect((await users.update(member.id, { role: 'admin' })).role).toBe('admin');
      expect((await users.update(member.id, { role: 'viewer', status: 'disabled' })).status).toBe('disabled');
      await users.remove(member.id);
    });
  });

  it('lets members and viewers change their own profile, and nothing else about anybody', async () => {
    const tenant = await open.newTenant();
    const { users } = open.tenancy;
    const other = await tenant.inside(() => users.create({ email: 'other@example.com', name: 'Other' }));
    for (const role of ['member', 'viewer'] as const) {
      const self = await add(tenant, role);
      await tenant.as(self.accountId ?? '', async () => {
        expect((await users.update(self.id, { phone: '123' })).phone).toBe('123');
        for (const attempt of [
          () => users.update(self.id, { role: 'admin' }),
          () => users.update(self.id, { status: 'disabled' }),
          () => users.update(other.id, { name: 'Renamed' }),
          () => users.create({ email: 'x@example.com', name: 'X' }),
          () => users.remove(other.id),
          () => users.remove(self.id),
          () => users.importBatch([{ email: 'x@example.com', name: 'X' }]),
        ]) {
          expect(await codeOf(attempt()), String(attempt)).toBe('USER_ROLE_FORBIDDEN');
        }
      });
    }
  });

  it('refuses a person of another tenant, and one who was disabled', async () => {
    const [tenant, other] = [await open.newTenant(), await open.newTenant()];
    const { users } = open.tenancy;
    const admin = await add(tenant, 'admin');
    const create = () => users.create({ email: 'x@example.com', name: 'X' });
    expect(await codeOf(tenant.as(other.ownerAccount, create))).toBe('USER_ROLE_FORBIDDEN');
    await tenant.inside(() => users.update(admin.id, { status: 'disabled' }));
    expect(await codeOf(tenant.as(admin.accountId ?? '', create))).toBe('USER_ROLE_FORBIDDEN');
  });

  it('lets machines, and work without an actor, do what an admin may', async () => {
    const tenant = await open.newTenant();
    const { users } = open.tenancy;
    for (const actor of [{ actor: { type: 'api-key', id: 'key-1' } as const }, {}]) {
      const email = `by-${actor.actor?.id ?? 'nobody'}@example.com`;
      await runAs({ tenant: tenant.id, ...actor }, async () => {
        expect((await users.create({ email, name: 'X' })).role).toBe('member');
        expect(await codeOf(users.create({ email: 'y@example.com', name: 'Y', role: 'owner' }))).toBe(
          'USER_ROLE_FORBIDDEN',
        );
        expect(await codeOf(users.remove(tenant.ownerId))).toBe('USER_ROLE_FORBIDDEN');
      });
    }
  });

  it('records changes of role and status, and removals, as security events of the tenant', async () => {
    const tenant = await open.newTenant();
    const member = await add(tenant, 'member');
    await tenant.as(tenant.ownerAccount, async () => {
      await open.tenancy.users.update(member.id, { role: 'admin', status: 'disabled', name: 'Renamed' });
      await open.tenancy.users.remove(member.id);
    });
    const events = open.log.filter(({ message }) => message === 'security event').slice(-3);
    expect(events.map(({ fields }) => fields['securityEvent'])).toMatchObject([
      { type: 'user.role-changed', resource: `users/${member.id}`, details: { from: 'member', to: 'admin' } },
      { type: 'user.status-changed', actorId: tenant.ownerAccount, details: { from: 'active', to: 'disabled' } },
      { type: 'user.removed', tenantId: tenant.id, resource: `users/${member.id}` },
    ]);
  });
});

describe.each(describeDrivers())('the last owner on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  const secondOwner = (tenant: TestTenant, status: 'active' | 'invited' | 'disabled' = 'active'): Promise<User> =>
    tenant.inside(() =>
      open.tenancy.users.create({ email: 'second@example.com', name: 'Second', role: 'owner', status }),
    );

  const waysOut = (id: string): readonly (() => Promise<unknown>)[] => [
    () => open.tenancy.users.remove(id),
    () => open.tenancy.users.update(id, { role: 'admin' }),
    () => open.tenancy.users.update(id, { status: 'disabled' }),
    () => open.tenancy.users.update(id, { status: 'invited' }),
    () => open.tenancy.users.replace(id, { email: 'x@example.com', name: 'X', role: 'member', status: 'active' }),
  ];

  it('can be neither removed, demoted nor disabled, also by Tenon itself and by the owner', async () => {
    const tenant = await open.newTenant();
    for (const way of waysOut(tenant.ownerId)) {
      expect(await codeOf(tenant.inside(way)), String(way)).toBe('USER_LAST_OWNER');
      expect(await codeOf(tenant.as(tenant.ownerAccount, way)), String(way)).toBe('USER_LAST_OWNER');
    }
  });

  it('is still the last one beside owners who are invited or disabled', async () => {
    for (const status of ['invited', 'disabled'] as const) {
      const tenant = await open.newTenant();
      await secondOwner(tenant, status);
      expect(await codeOf(tenant.inside(() => open.tenancy.users.remove(tenant.ownerId)))).toBe('USER_LAST_OWNER');
    }
  });

  it('may go once there is another one', async () => {
    for (const index of [0, 1, 2, 3, 4]) {
      const tenant = await open.newTenant();
      await secondOwner(tenant);
      expect(await codeOf(tenant.inside(() => (waysOut(tenant.ownerId)[index] as () => Promise<unknown>)()))).toBe(
        'none',
      );
    }
  });

  it('remains when two owners go at the same moment, whichever way', async () => {
    for (let round = 0; round < 10; round += 1) {
      const tenant = await open.newTenant();
      const second = await secondOwner(tenant);
      const leave = (id: string, way: number): Promise<string> =>
        codeOf(tenant.inside(() => (waysOut(id)[way] as () => Promise<unknown>)()));
      const outcomes = await Promise.all([leave(tenant.ownerId, round % 5), leave(second.id, (round * 3) % 5)]);
      expect(outcomes.toSorted()).toEqual(['USER_LAST_OWNER', 'none']);
    }
  });
});

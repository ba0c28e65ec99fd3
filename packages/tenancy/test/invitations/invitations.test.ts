import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Secret } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import type { User, UserStatus } from '@tenon/tenancy';
import { sql } from 'kysely';
import { openTenancy, type OpenTenancy, type TestTenant } from '../open-tenancy.ts';

const DAY_MS = 86_400_000;

describe.each(describeDrivers())('invitations on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  let serial = 0;
  const add = (tenant: TestTenant, status: UserStatus = 'invited'): Promise<User> =>
    tenant.inside(() =>
      open.tenancy.users.create({ email: `guest${(serial += 1)}@example.com`, name: 'Guest', role: 'viewer', status }),
    );
  const invite = (tenant: TestTenant, userId: string, ttlMs?: number) =>
    tenant.inside(() => open.tenancy.invitations.create(userId, ttlMs === undefined ? {} : { ttlMs }));

  it('links the account of whoever has the token, makes the person active, and shows at once', async () => {
    const tenant = await open.newTenant('Acme');
    const user = await add(tenant);
    const account = `guest-${serial}`;
    expect(await open.tenancy.membership(account, tenant.id)).toBeUndefined();
    const { token, expiresAt } = await invite(tenant, user.id);
    expect(Date.parse(expiresAt)).toBe(open.clock.now() + 7 * DAY_MS);
    const membership = await open.tenancy.invitations.accept(token, account);
    expect(membership).toEqual({ tenantId: tenant.id, tenantName: 'Acme', userId: user.id, role: 'viewer' });
    expect(await open.tenancy.membership(account, tenant.id)).toEqual(membership);
    expect(await tenant.inside(() => open.tenancy.users.get(user.id))).toMatchObject({
      accountId: account,
      status: 'active',
      version: 2,
    });
  });

  it('stores the token only as its hash', async () => {
    const tenant = await open.newTenant();
    const user = await add(tenant);
    const { token } = await invite(tenant, user.id);
    const { rows } = await open.test.database.withSystem('look', (tx) =>
      sql<{ text: string; token_hash: Buffer }>`
        select invitations::text as text, token_hash from invitations where user_id = ${user.id}`.execute(tx),
    );
    expect(rows[0]?.text).not.toContain(token.reveal().slice(4));
    expect(Buffer.from(rows[0]?.token_hash ?? '').equals(createHash('sha256').update(token.reveal()).digest())).toBe(
      true,
    );
    expect(String(token)).toBe('[secret]');
  });

  it('can be accepted by one of ten who try at once, with the same account or with others', async () => {
    for (const accountOf of [() => 'the-same', (index: number) => `account-${index}`]) {
      const tenant = await open.newTenant();
      const user = await add(tenant);
      const { token } = await invite(tenant, user.id);
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, index) => codeOf(open.tenancy.invitations.accept(token, accountOf(index)))),
      );
      expect(outcomes.filter((code) => code === 'none')).toHaveLength(1);
      expect(new Set(outcomes)).toEqual(new Set(['none', 'INVITATION_INVALID']));
    }
  });

  it('gives the same failure for tokens that are unknown, malformed, used, replaced, expired or revoked', async () => {
    const tenant = await open.newTenant();
    const [used, replaced, expired, removed, disabled] = [
      await add(tenant),
      await add(tenant),
      await add(tenant),
      await add(tenant),
      await add(tenant),
    ];
    const tokens: (Secret | string)[] = [`tni_${'A'.repeat(43)}`, '', 'tni_\0', 'x'.repeat(10_000)];
    const keep = async (user: User): Promise<void> => void tokens.push((await invite(tenant, user.id)).token);
    for (const user of [used, replaced, expired, removed, disabled]) await keep(user);
    await open.tenancy.invitations.accept(tokens[4] as Secret, 'used-account');
    await invite(tenant, replaced.id);
    await tenant.inside(() => open.tenancy.users.remove(removed.id));
    await tenant.inside(() => open.tenancy.users.update(disabled.id, { status: 'disabled' }));
    await open.clock.advance(7 * DAY_MS);
    const { invitations } = open.tenancy;
    const attempts = tokens.flatMap((token) => [
      invitations.accept(token, 'late-account'),
      invitations.assertOpen(token),
    ]);
    const failures = await Promise.all(attempts.map((attempt) => attempt.catch((error: unknown) => error)));
    const shapes = new Set(failures.map((failure) => JSON.stringify(failure)));
    expect([...shapes]).toEqual([expect.stringContaining('INVITATION_INVALID')]);
  });

  it('is used up by its acceptance, and void once the person has an account, each for itself', async () => {
    const tenant = await open.newTenant();
    const [accepted, linked] = [await add(tenant), await add(tenant)];
    const { token: first } = await invite(tenant, accepted.id);
    const { token: second } = await invite(tenant, linked.id);
    await open.tenancy.invitations.accept(first, 'first-account');
    await open.test.database.withSystem('rearrange', async (tx) => {
      await sql`update users set account_id = null where id = ${accepted.id}`.execute(tx);
      await sql`update users set account_id = 'other-account' where id = ${linked.id}`.execute(tx);
    });
    expect(await codeOf(open.tenancy.invitations.accept(first, 'second-account'))).toBe('INVITATION_INVALID');
    expect(await codeOf(open.tenancy.invitations.accept(second, 'second-account'))).toBe('INVITATION_INVALID');
  });

  it('can be accepted until the last millisecond of its time', async () => {
    const tenant = await open.newTenant();
    const [early, late] = [await add(tenant), await add(tenant)];
    const { token } = await invite(tenant, early.id, 60_000);
    const { token: lateToken } = await invite(tenant, late.id, 60_000);
    await open.clock.advance(59_999);
    expect(await codeOf(open.tenancy.invitations.accept(token, 'early'))).toBe('none');
    await open.clock.advance(1);
    expect(await codeOf(open.tenancy.invitations.accept(lateToken, 'late'))).toBe('INVITATION_INVALID');
  });

  it('stays open while it cannot be accepted: a suspended tenant, an account that is there already', async () => {
    const tenant = await open.newTenant();
    const { token } = await invite(tenant, (await add(tenant)).id);
    await open.tenancy.tenants.setStatus(tenant.id, 'suspended');
    expect(await codeOf(open.tenancy.invitations.accept(token, 'patient'))).toBe('INVITATION_INVALID');
    expect(await codeOf(open.tenancy.invitations.assertOpen(token))).toBe('INVITATION_INVALID');
    await open.tenancy.tenants.setStatus(tenant.id, 'active');
    expect(await codeOf(open.tenancy.invitations.assertOpen(token))).toBe('none');
    expect(await codeOf(open.tenancy.invitations.accept(token, tenant.ownerAccount))).toBe('USER_ACCOUNT_TAKEN');
    expect(await codeOf(open.tenancy.invitations.accept(token, 'no id\0'))).toBe('USER_INVALID');
    expect(await codeOf(open.tenancy.invitations.accept(token, 'patient'))).toBe('none');
  });

  it('is not made for people with an account, disabled people, strangers, or odd times', async () => {
    const [tenant, other] = [await open.newTenant(), await open.newTenant()];
    expect(await codeOf(invite(tenant, tenant.ownerId))).toBe('INVITATION_NOT_POSSIBLE');
    expect(await codeOf(invite(tenant, (await add(tenant, 'disabled')).id))).toBe('INVITATION_NOT_POSSIBLE');
    expect(await codeOf(invite(tenant, (await add(other)).id))).toBe('USER_NOT_FOUND');
    expect(await codeOf(invite(tenant, 'a\0b'))).toBe('USER_NOT_FOUND');
    const guest = await add(tenant);
    for (const ttlMs of [0, 59_999, 30 * DAY_MS + 1, Number.NaN, 60_000.5]) {
      expect(await codeOf(invite(tenant, guest.id, ttlMs))).toBe('INVITATION_NOT_POSSIBLE');
    }
    expect(await codeOf(invite(tenant, guest.id, 30 * DAY_MS))).toBe('none');
  });
});

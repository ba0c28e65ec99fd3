import { codeOf } from '@tenon/core/testing';
import { getRounds } from 'bcrypt';
import { sql } from 'kysely';
import { describeDrivers } from '@tenon/database/testing';
import type { Auth } from '@tenon/auth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeToken, openAuth, PASSWORD, thrownBy, type OpenAuth } from '../open-auth.ts';

describe.each(describeDrivers())('signIn on %s', (driver) => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth(driver);
  });
  afterAll(() => open.close());

  const storedHash = async (accountId: string): Promise<string> => {
    const { rows } = await open.test.database.withSystem('test', (tx) =>
      sql<{ password_hash: string }>`select password_hash from accounts where id = ${accountId}`.execute(tx),
    );
    return rows[0]?.password_hash ?? '';
  };

  const disableByHand = async (accountId: string): Promise<void> => {
    await open.test.database.withSystem('test', async (tx) => {
      await sql`update accounts set status = 'disabled' where id = ${accountId}`.execute(tx);
    });
  };

  it('opens a session and says who, where and how long', async () => {
    const { account, signIn } = await open.newPerson();
    const result = await signIn({ ip: '192.0.2.7', userAgent: 'Firefox' });
    expect(result).toMatchObject({ account, tenant: 'acme', tenants: [{ tenantId: 'acme', role: 'owner' }] });
    expect(result.accessExpiresAt.getTime()).toBe(open.clock.now() + 900_000);
    expect(result.refreshExpiresAt.getTime()).toBe(open.clock.now() + 7 * 86_400_000);
    expect(await open.auth.verifyAccessToken(result.accessToken)).toMatchObject({
      accountId: account.id,
      sessionId: result.sessionId,
      tenant: 'acme',
      scopes: ['orders:read', 'orders:write'],
    });
    expect(open.events).toContainEqual(
      expect.objectContaining({
        type: 'sign-in.succeeded',
        accountId: account.id,
        sessionId: result.sessionId,
        tenantId: 'acme',
        ip: '192.0.2.7',
        userAgent: 'Firefox',
      }),
    );
  });

  it('takes the address in any case', async () => {
    const { email } = await open.newPerson();
    expect(await codeOf(open.auth.signIn({ email: ` ${email.toUpperCase()} `, password: PASSWORD }))).toBe('none');
  });

  it('gives an unknown address, a wrong password and a disabled account the same answer after the same work', async () => {
    const { account, email } = await open.newPerson();
    const { account: disabled, email: disabledEmail } = await open.newPerson();
    await open.auth.disableAccount(disabled.id);
    const attempts = {
      unknown: { email: 'nobody-at-all@example.org', password: PASSWORD },
      wrong: { email, password: 'not the right one' },
      disabled: { email: disabledEmail, password: PASSWORD },
      malformed: { email: 'no address\0', password: PASSWORD },
      tooLong: { email, password: 'x'.repeat(100) },
      missing: { email: undefined, password: undefined } as never,
    };
    const seen = new Set<string>();
    for (const attempt of Object.values(attempts)) {
      const before = open.auth.statistics();
      const error = await thrownBy(open.auth.signIn(attempt));
      const after = open.auth.statistics();
      seen.add(
        JSON.stringify({ error, compares: after.compares - before.compares, hashes: after.hashes - before.hashes }),
      );
    }
    expect([...seen].map((one) => JSON.parse(one) as unknown)).toEqual([
      {
        error: {
          code: 'AUTH_CREDENTIALS_INVALID',
          message: expect.any(String),
          retryable: false,
          details: {},
        },
        compares: 1,
        hashes: 0,
      },
    ]);
    const failed = open.events.filter(({ type }) => type === 'sign-in.failed');
    expect(failed).toHaveLength(6);
    expect(failed.map(({ accountId }) => accountId)).toContain(account.id);
    expect(JSON.stringify(failed)).not.toContain('nobody-at-all');
  });

  it('takes "Müller" typed on a Mac (NFD) and on Windows (NFC) as one password', async () => {
    const text = 'Müller & Söhne, gegründet';
    const mac = await open.newPerson(text.normalize('NFD'));
    expect(await codeOf(mac.signIn({ password: text.normalize('NFC') }))).toBe('none');
    const windows = await open.newPerson(text.normalize('NFC'));
    expect(await codeOf(windows.signIn({ password: text.normalize('NFD') }))).toBe('none');
    expect(await codeOf(windows.signIn({ password: text.replaceAll('ü', 'u') }))).toBe('AUTH_CREDENTIALS_INVALID');
  });

  it('refuses a longer password that agrees with the right one in all 72 bytes that bcrypt reads', async () => {
    const password = `${'ü'.repeat(20)}kranich und reiher im abendlicéx`.slice(0, -1);
    expect(Buffer.byteLength(password)).toBe(72);
    const person = await open.newPerson(password);
    expect(await codeOf(person.signIn())).toBe('none');
    expect(await codeOf(person.signIn({ password: `${password}x` }))).toBe('AUTH_CREDENTIALS_INVALID');
    expect(await codeOf(person.signIn({ password: `${password}€` }))).toBe('AUTH_CREDENTIALS_INVALID');
  });

  it('reads a password beyond a NUL', async () => {
    const person = await open.newPerson('behind the\0 curtain');
    expect(await codeOf(person.signIn({ password: 'behind the\0 fence!!' }))).toBe('AUTH_CREDENTIALS_INVALID');
    expect(await codeOf(person.signIn())).toBe('none');
  });

  it('lets nobody in where there is no password', async () => {
    const { account, email, signIn } = await open.newPerson();
    await open.test.database.withSystem('test', (tx) =>
      sql`update accounts set password_hash = null, password_changed_at = null where id = ${account.id}`.execute(tx),
    );
    const { compares } = open.auth.statistics();
    expect(await codeOf(signIn())).toBe('AUTH_CREDENTIALS_INVALID');
    expect(await codeOf(open.auth.signIn({ email, password: '' }))).toBe('AUTH_CREDENTIALS_INVALID');
    expect(open.auth.statistics().compares).toBe(compares + 2);
    expect((await open.auth.accounts.get(account.id))?.passwordChangedAt).toBeUndefined();
  });

  it('makes a stronger hash when the cost has risen, and keeps it when not', async () => {
    const { account, email } = await open.newPerson();
    const before = await storedHash(account.id);
    const stronger = open.another({ bcryptCost: 5 });
    await stronger.signIn({ email, password: PASSWORD });
    expect([getRounds(before), getRounds(await storedHash(account.id))]).toEqual([4, 5]);
    expect((await open.auth.accounts.get(account.id))?.version).toBe(1);
    await open.auth.signIn({ email, password: PASSWORD }); // the cost of 4 is no reason to go back
    expect(getRounds(await storedHash(account.id))).toBe(5);
    expect(stronger.statistics()).toMatchObject({ compares: 1, hashes: 1 });
  });

  it('lets all in who sign in at once while the hash is being made stronger', async () => {
    const { account, email } = await open.newPerson();
    const stronger = open.another({ bcryptCost: 6, hashConcurrency: 4 });
    const many = Array.from({ length: 8 }, () => codeOf(stronger.signIn({ email, password: PASSWORD })));
    expect(new Set(await Promise.all(many))).toEqual(new Set(['none']));
    expect(getRounds(await storedHash(account.id))).toBe(6);
  });

  it('signs in without the stronger hash when there is no room to make one', async () => {
    const { account, email } = await open.newPerson();
    const other = { email: `other-of-${email}`, password: PASSWORD, name: 'Other' };
    let registering: Promise<unknown> | undefined;
    const busy: Auth = open.another({
      bcryptCost: 6,
      hashConcurrency: 1,
      hashQueueMax: 0,
      kv: {
        ...open.kv,
        get: (key) => open.kv.get(key),
        delete: (key) => open.kv.delete(key),
        // Written between the comparison and the new hash: here somebody else takes the only place.
        async set(key, value, options) {
          registering = busy.register(other);
          await open.kv.set(key, value, options);
        },
      },
    });
    expect(await codeOf(busy.signIn({ email, password: PASSWORD, ip: '192.0.2.1' }))).toBe('none');
    await registering;
    expect(busy.statistics()).toMatchObject({ compares: 1, hashes: 1, shed: 1 });
    expect(getRounds(await storedHash(account.id))).toBe(4);
  });

  it('works in the first tenant, or in the one asked for', async () => {
    const { account, signIn } = await open.newPerson();
    open.members.set(account.id, [
      { tenantId: 'first', role: 'viewer', scopes: ['orders:read'] },
      { tenantId: 'second', role: 'owner', scopes: ['orders:read', 'orders:write'] },
    ]);
    const one = await signIn();
    expect(one.tenant).toBe('first');
    const two = await signIn({ tenant: 'second' });
    expect(await open.auth.verifyAccessToken(two.accessToken)).toMatchObject({
      tenant: 'second',
      tenants: ['second', 'first'],
      scopes: ['orders:read', 'orders:write'],
    });
  });

  it('gives a tenant that does not exist and one that is not theirs the same answer, and opens nothing', async () => {
    const { account, signIn } = await open.newPerson();
    for (const tenant of ['of-others', 'of-nobody', '']) {
      expect(await codeOf(signIn({ tenant }))).toBe('AUTH_TENANT_UNAVAILABLE');
    }
    expect(await codeOf(signIn({ tenant: 'of-others', password: 'not the right one' }))).toBe(
      'AUTH_CREDENTIALS_INVALID',
    );
    expect(await open.auth.sessions.list(account.id)).toEqual([]);
  });

  it('lets somebody in who belongs to no tenant', async () => {
    const { account, signIn } = await open.newPerson();
    open.members.set(account.id, []);
    const { tenant, tenants, accessToken } = await signIn();
    expect([tenant, tenants]).toEqual([undefined, []]);
    expect(await open.auth.verifyAccessToken(accessToken)).toMatchObject({
      tenant: undefined,
      tenants: [],
      scopes: [],
    });
    expect(decodeToken(accessToken).payload).not.toHaveProperty('tenant');
  });

  it('lists 64 tenants in the token at most, the chosen one among them', async () => {
    const { account, signIn } = await open.newPerson();
    const many = Array.from({ length: 100 }, (_, index) => ({ tenantId: `t${index}`, role: 'member', scopes: [] }));
    open.members.set(account.id, many);
    const result = await signIn({ tenant: 't99' });
    const { tenants } = await open.auth.verifyAccessToken(result.accessToken);
    expect([tenants.length, tenants[0], result.tenants.length]).toEqual([64, 't99', 100]);
  });

  it('opens nothing when the password is changed, or the account disabled, while the old one is being compared', async () => {
    for (const interfere of ['setPassword', 'disableAccount', 'disable by hand'] as const) {
      const { account, email } = await open.newPerson();
      const auth = open.another({
        // Called between the comparison and the opening of the session.
        memberships: async () => {
          if (interfere === 'setPassword') await open.auth.setPassword(account.id, 'quite another one');
          if (interfere === 'disableAccount') await open.auth.disableAccount(account.id);
          if (interfere === 'disable by hand') await disableByHand(account.id);
          return [];
        },
      });
      expect(await codeOf(auth.signIn({ email, password: PASSWORD }))).toBe('AUTH_CREDENTIALS_INVALID');
      expect(await open.auth.sessions.list(account.id)).toEqual([]);
    }
  });

  it('keeps what a client says of itself within bounds', async () => {
    const { account, signIn } = await open.newPerson();
    await signIn({ ip: '::1', userAgent: `nul\0 half\ud800 ${'x'.repeat(1_000)}` });
    const [session] = await open.auth.sessions.list(account.id);
    expect(session?.userAgent).toHaveLength(512);
    expect(session?.userAgent?.startsWith('nul half\ufffd')).toBe(true);
    expect(session?.ip).toBe('::1');
  });
});

import { runAs } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { findUnprotectedTables } from '@tenon/database';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authErrorCodes, type AuthSecurityEvent } from '@tenon/auth';
import { inTenant, listKeys, openAuth, PASSWORD, type OpenAuth } from './open-auth.ts';

const ID = '01a1fbac-b53a-76d6-b610-0d47c8a83f44';

describe.each(describeDrivers())('createAuth on %s', (driver) => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth(driver);
  });
  afterAll(() => open.close());

  it('reaches for nothing until the first call', () => {
    const before = open.log.length;
    open.another();
    expect(open.log).toHaveLength(before);
  });

  it('refuses every operation once it is closed, and may be closed again', async () => {
    const auth = open.another();
    await auth.close();
    await auth.close();
    const calls: readonly (() => Promise<unknown>)[] = [
      () => auth.register({ email: 'a@example.org', password: PASSWORD, name: 'A' }),
      () => auth.signIn({ email: 'a@example.org', password: PASSWORD }),
      () => auth.refresh('tnr_'),
      () => auth.signOut(ID),
      () => auth.signOutByRefreshToken('tnr_'),
      () => auth.signOutAll(ID),
      () => auth.changePassword({ accountId: ID, currentPassword: PASSWORD, newPassword: PASSWORD }),
      () => auth.setPassword(ID, PASSWORD),
      () => auth.disableAccount(ID),
      () => auth.enableAccount(ID),
      () => auth.verifyAccessToken('x'),
      () => auth.jwks(),
      () => auth.rotateSigningKey(),
      () => auth.purge(),
      () => auth.accounts.get(ID),
      () => auth.accounts.findByEmail('a@example.org'),
      () => auth.sessions.list(ID),
      () => auth.sessions.end(ID, ID),
      () => auth.apiKeys.verify('tnk_'),
      () => auth.apiKeys.ownerOf(ID),
      () => inTenant('acme', () => auth.apiKeys.create({ name: 'x', scopes: ['a'] })),
      () => inTenant('acme', () => listKeys(auth)),
      () => inTenant('acme', () => auth.apiKeys.get(ID)),
      () => inTenant('acme', () => auth.apiKeys.revoke(ID)),
    ];
    for (const call of calls) expect(await codeOf(call())).toBe('AUTH_CLOSED');
    expect(auth.statistics()).toMatchObject({ running: 0, waiting: 0 });
  });

  it('finishes what runs, and records its events, before it is closed', async () => {
    const recorded: string[] = [];
    const { promise: goOn, resolve: letGo } = Promise.withResolvers<void>();
    const auth = open.another({
      async onSecurityEvent(event: AuthSecurityEvent) {
        await goOn;
        recorded.push(event.type);
      },
    });
    const running = auth.register({ email: 'closing@example.org', password: PASSWORD, name: 'Closing' });
    let closed = false;
    const closing = auth.close().then(() => (closed = true));
    expect((await running).email).toBe('closing@example.org');
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    letGo();
    await closing;
    expect(recorded).toEqual(['account.registered']);
  });

  it('does its work although events cannot be recorded, and logs that', async () => {
    for (const fail of [
      () => Promise.reject(new Error('full')),
      () => {
        throw new Error('full');
      },
    ]) {
      const auth = open.another({ onSecurityEvent: fail });
      const email = `unrecorded-${Math.random()}@example.org`;
      expect(await codeOf(auth.register({ email, password: PASSWORD, name: 'Unrecorded' }))).toBe('none');
      await auth.close();
      expect(open.log.at(-1)).toMatchObject({
        level: 'error',
        fields: { type: 'account.registered' },
        message: 'a security event could not be recorded',
      });
    }
  });

  it('logs every security event', async () => {
    const { account } = await open.newPerson();
    expect(open.log).toContainEqual({
      level: 'info',
      fields: expect.objectContaining({ type: 'account.registered', accountId: account.id }),
      message: 'security event',
    });
  });

  it('works inside the context of a tenant, and sees all accounts there', async () => {
    const { email } = await open.newPerson();
    const signIn = runAs({ tenant: 'globex' }, () => open.auth.signIn({ email, password: PASSWORD }));
    expect((await signIn).tenant).toBe('acme');
  });

  it('keeps its tables from every tenant', async () => {
    expect(await findUnprotectedTables(open.test.database)).toEqual([]);
    await open.newPerson();
    await inTenant('acme', () => open.auth.apiKeys.create({ name: 'x', scopes: ['a'] }));
    for (const table of ['accounts', 'sessions', 'signing_keys']) {
      const read = inTenant('acme', () =>
        open.test.database.withTenant((tx) => sql`select 1 from ${sql.table(table)}`.execute(tx)),
      );
      expect(await codeOf(read)).toBe('DATABASE_ACCESS_DENIED');
    }
    const { rows } = await inTenant('globex', () =>
      open.test.database.withTenant((tx) => sql`select 1 from api_keys`.execute(tx)),
    );
    expect(rows).toEqual([]);
  });

  it('reads sessions, accounts and API keys by an index', async () => {
    const plans = await open.test.database.withSystem('test', async (tx) => {
      await sql`set local enable_seqscan = off`.execute(tx);
      const queries = [
        sql`select * from accounts where email_key = 'x'`,
        sql`select * from sessions where account_id = 'x' and ended_at is null`,
        sql`select * from api_keys where prefix = 'x' and revoked_at is null`,
        sql`delete from sessions where expires_at < now()`,
      ];
      const texts: string[] = [];
      for (const query of queries) {
        const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(tx);
        texts.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
      }
      return texts;
    });
    for (const plan of plans) expect(plan).not.toContain('Seq Scan');
  });

  it('names each of its error codes once', () => {
    expect(new Set(authErrorCodes)).toHaveLength(authErrorCodes.length);
    expect(authErrorCodes.every((code) => /^AUTH_[A-Z_]+$/.test(code))).toBe(true);
  });
});

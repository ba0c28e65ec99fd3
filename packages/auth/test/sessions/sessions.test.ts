import { CodedError } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interceptSystem, openAuth, type OpenAuth } from '../open-auth.ts';

const DAY = 86_400_000;
const UNKNOWN = '01a1fbac-b53a-76d6-b610-0d47c8a83f44';

describe.each(describeDrivers())('sessions on %s', (driver) => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth(driver);
  });
  afterAll(() => open.close());

  const idsOf = async (accountId: string): Promise<readonly string[]> =>
    (await open.auth.sessions.list(accountId)).map(({ id }) => id);

  it('are listed with where and when, the last seen first', async () => {
    const { account, signIn } = await open.newPerson();
    const phone = await signIn({ ip: '192.0.2.1', userAgent: 'phone' });
    await open.clock.advance(1_000);
    const laptop = await signIn({ ip: '192.0.2.2', userAgent: 'laptop' });
    expect(await idsOf(account.id)).toEqual([laptop.sessionId, phone.sessionId]);
    await open.clock.advance(1_000);
    await open.auth.refresh(phone.refreshToken, { ip: '192.0.2.3' });
    const [first] = await open.auth.sessions.list(account.id);
    expect(first).toEqual({
      id: phone.sessionId,
      tenant: 'acme',
      ip: '192.0.2.3',
      userAgent: 'phone',
      createdAt: new Date(open.clock.now() - 2_000),
      lastSeenAt: new Date(open.clock.now()),
      expiresAt: new Date(open.clock.now() + 7 * DAY),
    });
    expect(await open.auth.sessions.list(UNKNOWN)).toEqual([]);
    expect(await open.auth.sessions.list('no id\0')).toEqual([]);
  });

  it('are listed up to 1,000', async () => {
    const { account, signIn } = await open.newPerson();
    const { sessionId } = await signIn();
    await open.clock.advance(1_000);
    await open.test.database.withSystem('test', async (tx) => {
      await sql`insert into sessions (id, account_id, created_at, refreshed_at, expires_at, absolute_expires_at)
        select gen_random_uuid()::text, account_id, created_at, refreshed_at + interval '1 second', expires_at, expires_at
        from sessions, generate_series(1, 1000) where id = ${sessionId}`.execute(tx);
    });
    const ids = await idsOf(account.id);
    expect([ids.length, ids.includes(sessionId)]).toEqual([1_000, false]);
    expect(await open.auth.signOutAll(account.id)).toBe(1_001);
  });

  it('end by signing out, at once in this process, and a second time is no error', async () => {
    const { account, signIn } = await open.newPerson();
    const { accessToken, refreshToken, sessionId } = await signIn();
    await open.auth.verifyAccessToken(accessToken); // remembered
    await open.auth.signOut(sessionId);
    expect(await codeOf(open.auth.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
    expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
    expect(await idsOf(account.id)).toEqual([]);
    await open.auth.signOut(sessionId);
    await open.auth.signOut(UNKNOWN);
    await open.auth.signOut('no id\0');
    const ended = open.events.filter((one) => one.type === 'session.ended' && one.sessionId === sessionId);
    expect(ended).toEqual([expect.objectContaining({ accountId: account.id, details: { reason: 'signed-out' } })]);
  });

  it('end in other processes within sessionCheckTtlMs', async () => {
    const { signIn } = await open.newPerson();
    const { accessToken, sessionId } = await signIn();
    const [usual, slow, exact] = [
      open.another(),
      open.another({ sessionCheckTtlMs: 5_000 }),
      open.another({ sessionCheckTtlMs: 0 }),
    ];
    for (const one of [usual, slow, exact]) await one.verifyAccessToken(accessToken);
    await open.auth.signOut(sessionId);
    expect(await codeOf(exact.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
    await open.clock.advance(999);
    expect(await codeOf(usual.verifyAccessToken(accessToken))).toBe('none');
    await open.clock.advance(1);
    expect(await codeOf(usual.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
    await open.clock.advance(3_999);
    expect(await codeOf(slow.verifyAccessToken(accessToken))).toBe('none');
    await open.clock.advance(1);
    expect(await codeOf(slow.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
  });

  it('are looked up once a second, however many requests there are', async () => {
    const { signIn } = await open.newPerson();
    const { accessToken } = await signIn();
    const before = open.transactions('session-check');
    await Promise.all(Array.from({ length: 100 }, () => open.auth.verifyAccessToken(accessToken)));
    await open.auth.verifyAccessToken(accessToken);
    expect(open.transactions('session-check')).toBe(before + 1);
    await open.clock.advance(1_000);
    await open.auth.verifyAccessToken(accessToken);
    expect(open.transactions('session-check')).toBe(before + 2);
  });

  it('are not brought back by a look that began before they ended', async () => {
    const { signIn } = await open.newPerson();
    const { accessToken, sessionId } = await signIn();
    const { promise: goOn, resolve: letGo } = Promise.withResolvers<void>();
    const { promise: looked, resolve: tellLooked } = Promise.withResolvers<void>();
    const database = interceptSystem(open.test.database, async (purpose, run) => {
      const result = await run();
      if (purpose === 'session-check') {
        tellLooked();
        await goOn;
      }
      return result;
    });
    const auth = open.another({ database });
    const early = codeOf(auth.verifyAccessToken(accessToken));
    await looked;
    await auth.signOut(sessionId);
    letGo();
    expect(await early).toBe('none'); // it began while the session lived
    expect(await codeOf(auth.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
  });

  it('are remembered as failing by nobody: a database that is back is asked again', async () => {
    const { signIn } = await open.newPerson();
    const { accessToken } = await signIn();
    let down = true;
    const database = interceptSystem(open.test.database, (purpose, run) =>
      down && purpose === 'session-check' ? Promise.reject(new CodedError('DATABASE_UNAVAILABLE', 'down')) : run(),
    );
    const auth = open.another({ database });
    expect(await codeOf(auth.verifyAccessToken(accessToken))).toBe('DATABASE_UNAVAILABLE');
    down = false;
    expect(await codeOf(auth.verifyAccessToken(accessToken))).toBe('none');
  });

  it('end by any of their refresh tokens, and text that is none is no error', async () => {
    const { account, signIn } = await open.newPerson();
    const first = await signIn();
    await open.auth.refresh(first.refreshToken);
    await open.auth.signOutByRefreshToken('tnr_nonsense');
    await open.auth.signOutByRefreshToken('');
    expect(await idsOf(account.id)).toEqual([first.sessionId]);
    await open.auth.signOutByRefreshToken(first.refreshToken);
    expect(await idsOf(account.id)).toEqual([]);
    await open.auth.signOutByRefreshToken(first.refreshToken);
  });

  it('end all together, and only those of the account', async () => {
    const [ann, bob] = [await open.newPerson(), await open.newPerson()];
    const [one, two, other] = [await ann.signIn(), await ann.signIn(), await bob.signIn()];
    await open.auth.verifyAccessToken(one.accessToken);
    expect(await open.auth.signOutAll(ann.account.id)).toBe(2);
    expect(await codeOf(open.auth.verifyAccessToken(one.accessToken))).toBe('AUTH_TOKEN_INVALID');
    expect(await codeOf(open.auth.verifyAccessToken(two.accessToken))).toBe('AUTH_TOKEN_INVALID');
    expect(await codeOf(open.auth.verifyAccessToken(other.accessToken))).toBe('none');
    expect(await open.auth.signOutAll(ann.account.id)).toBe(0);
    expect(await open.auth.signOutAll('no id')).toBe(0);
  });

  it('end one by one, by their owner alone', async () => {
    const [ann, bob] = [await open.newPerson(), await open.newPerson()];
    const [one, two] = [await ann.signIn(), await ann.signIn()];
    for (const sessionId of [one.sessionId, UNKNOWN, 'no id']) {
      expect(await codeOf(open.auth.sessions.end(bob.account.id, sessionId))).toBe('AUTH_SESSION_NOT_FOUND');
    }
    await open.auth.sessions.end(ann.account.id, one.sessionId);
    expect(await idsOf(ann.account.id)).toEqual([two.sessionId]);
    expect(await codeOf(open.auth.sessions.end(ann.account.id, one.sessionId))).toBe('AUTH_SESSION_NOT_FOUND');
    expect(open.events.at(-1)).toMatchObject({ sessionId: one.sessionId, details: { reason: 'ended-by-owner' } });
  });

  it('are purged 30 days after they expired, and not before', async () => {
    const { account, signIn } = await open.newPerson();
    await open.clock.advance(60 * DAY); // what other tests left behind
    await open.auth.purge();
    const ended = await signIn();
    await open.auth.signOut(ended.sessionId);
    await open.clock.advance(1_000);
    await signIn();
    await open.clock.advance(37 * DAY - 1_000);
    const living = await signIn();
    expect((await open.auth.purge()).sessions).toBe(0);
    await open.clock.advance(1);
    expect((await open.auth.purge()).sessions).toBe(1);
    await open.clock.advance(1_000);
    expect((await open.auth.purge()).sessions).toBe(1);
    expect(await idsOf(account.id)).toEqual([living.sessionId]);
  });
});

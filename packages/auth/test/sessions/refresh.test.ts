import { codeOf } from '@tenon/core/testing';
import { KeyRing } from '@tenon/crypto';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuth, thrownBy, type OpenAuth } from '../open-auth.ts';

const DAY = 86_400_000;

describe.each(describeDrivers())('refresh on %s', (driver) => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth(driver);
  });
  afterAll(() => open.close());

  it('gives a successor and a fresh access token of the same session', async () => {
    const { account, signIn } = await open.newPerson();
    const first = await signIn();
    await open.clock.advance(60_000);
    const second = await open.auth.refresh(first.refreshToken);
    expect(second).toMatchObject({ sessionId: first.sessionId, tenant: 'acme', account });
    expect(second.refreshToken.reveal()).not.toBe(first.refreshToken.reveal());
    expect(second.refreshExpiresAt.getTime()).toBe(open.clock.now() + 7 * DAY);
    expect(await open.auth.verifyAccessToken(second.accessToken)).toMatchObject({ sessionId: first.sessionId });
    const third = await open.auth.refresh(second.refreshToken);
    expect(third.sessionId).toBe(first.sessionId);
  });

  it('issues the same successor again when the reply was lost, however late, and reports it', async () => {
    const { signIn } = await open.newPerson();
    const first = await signIn();
    const lost = await open.auth.refresh(first.refreshToken);
    await open.clock.advance(3 * 3_600_000);
    const again = await open.auth.refresh(first.refreshToken);
    expect(again.refreshToken.reveal()).toBe(lost.refreshToken.reveal());
    expect(again.accessToken.reveal()).not.toBe(lost.accessToken.reveal());
    expect(open.events.at(-1)).toMatchObject({
      type: 'refresh-token.reissued',
      sessionId: first.sessionId,
      details: { behindBy: 1 },
    });
    expect(await codeOf(open.auth.refresh(again.refreshToken))).toBe('none');
  });

  it('does not move the times of a session by issuing again', async () => {
    const { account, signIn } = await open.newPerson();
    const first = await signIn();
    await open.auth.refresh(first.refreshToken);
    const before = await open.auth.sessions.list(account.id);
    await open.clock.advance(9_000);
    await open.auth.refresh(first.refreshToken);
    expect(await open.auth.sessions.list(account.id)).toEqual(before);
  });

  it('answers any earlier token with the current successor for 10 seconds, and not a moment longer', async () => {
    const { signIn } = await open.newPerson();
    const first = await signIn();
    const second = await open.auth.refresh(first.refreshToken);
    const third = await open.auth.refresh(second.refreshToken);
    await open.clock.advance(10_000);
    expect((await open.auth.refresh(first.refreshToken)).refreshToken.reveal()).toBe(third.refreshToken.reveal());
    await open.clock.advance(1);
    expect(await codeOf(open.auth.refresh(first.refreshToken))).toBe('AUTH_REFRESH_INVALID');
  });

  it('ends the session when an older token comes back, and that stands although the call failed', async () => {
    const { account, signIn } = await open.newPerson();
    const first = await signIn();
    const second = await open.auth.refresh(first.refreshToken);
    const third = await open.auth.refresh(second.refreshToken);
    await open.clock.advance(10_001);
    await open.auth.verifyAccessToken(third.accessToken); // remembered as living for a second
    expect(await codeOf(open.auth.refresh(first.refreshToken, { ip: '203.0.113.9' }))).toBe('AUTH_REFRESH_INVALID');
    // Everything of the session is dead: in this process, in another one, and in the database.
    expect(await codeOf(open.auth.refresh(third.refreshToken))).toBe('AUTH_REFRESH_INVALID');
    expect(await codeOf(open.auth.refresh(second.refreshToken))).toBe('AUTH_REFRESH_INVALID');
    expect(await codeOf(open.auth.verifyAccessToken(third.accessToken))).toBe('AUTH_TOKEN_INVALID');
    expect(await codeOf(open.another().refresh(third.refreshToken))).toBe('AUTH_REFRESH_INVALID');
    expect(await open.auth.sessions.list(account.id)).toEqual([]);
    const reused = open.events.filter(
      ({ type, sessionId }) => type === 'refresh-token.reused' && sessionId === first.sessionId,
    );
    expect(reused).toEqual([
      expect.objectContaining({ accountId: account.id, ip: '203.0.113.9', details: { behindBy: 2 } }),
    ]);
  });

  it('ends only the session that was replayed', async () => {
    const { account, signIn } = await open.newPerson();
    const [one, other] = [await signIn(), await signIn()];
    await open.auth.refresh((await open.auth.refresh(one.refreshToken)).refreshToken);
    await open.clock.advance(11_000);
    await codeOf(open.auth.refresh(one.refreshToken));
    expect((await open.auth.sessions.list(account.id)).map(({ id }) => id)).toEqual([other.sessionId]);
  });

  it('ends the session at any reuse in the strict mode, a lost reply too', async () => {
    const strict = open.another({ refreshReuseGraceMs: 0 });
    const { signIn } = await open.newPerson();
    const first = await signIn();
    const second = await strict.refresh(first.refreshToken);
    expect(await codeOf(strict.refresh(first.refreshToken))).toBe('AUTH_REFRESH_INVALID');
    expect(await codeOf(strict.refresh(second.refreshToken))).toBe('AUTH_REFRESH_INVALID');
  });

  it('keeps to the grace that the options give', async () => {
    const short = open.another({ refreshReuseGraceMs: 1_000 });
    const { signIn } = await open.newPerson();
    const first = await signIn();
    await short.refresh((await short.refresh(first.refreshToken)).refreshToken);
    await open.clock.advance(1_000);
    expect(await codeOf(short.refresh(first.refreshToken))).toBe('none');
    await open.clock.advance(1);
    expect(await codeOf(short.refresh(first.refreshToken))).toBe('AUTH_REFRESH_INVALID');
  });

  it('refuses a token that is ahead of its session, and leaves the session alone', async () => {
    const { signIn } = await open.newPerson();
    const first = await signIn();
    // As after a restore of an older backup: authentic, and never given out by this database.
    const second = await open.auth.refresh(first.refreshToken);
    await open.test.database.withSystem('test', async (tx) => {
      await tx
        .withTables<{ sessions: { id: string; counter: number } }>()
        .updateTable('sessions')
        .set({ counter: 0 })
        .where('id', '=', first.sessionId)
        .execute();
    });
    expect(await codeOf(open.auth.refresh(second.refreshToken))).toBe('AUTH_REFRESH_INVALID');
    expect(await codeOf(open.auth.refresh(first.refreshToken))).toBe('none');
  });

  it('refuses the sessions of an account that was disabled by hand in the database', async () => {
    const { account, signIn } = await open.newPerson();
    const { refreshToken, accessToken } = await signIn();
    await open.test.database.withSystem('test', async (tx) => {
      await sql`update accounts set status = 'disabled' where id = ${account.id}`.execute(tx);
    });
    expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
    expect(await codeOf(open.auth.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
  });

  it('gives every reason the same answer', async () => {
    const { signIn } = await open.newPerson();
    const { refreshToken, sessionId } = await signIn();
    await open.auth.signOut(sessionId);
    const foreign = open.another({ keys: KeyRing.generate() });
    const texts = [refreshToken.reveal(), `${refreshToken.reveal()}x`, '', 'tnr_', 'tnr_'.padEnd(59, 'A'), 'null'];
    const errors = await Promise.all([
      ...texts.map((text) => thrownBy(open.auth.refresh(text))),
      thrownBy(foreign.refresh(refreshToken)),
      thrownBy(open.auth.refresh(undefined as never)),
    ]);
    expect(new Set(errors.map((error) => JSON.stringify(error)))).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'AUTH_REFRESH_INVALID', retryable: false });
  });

  it('refuses a token with any one bit changed, without asking the database', async () => {
    const { signIn } = await open.newPerson();
    const bytes = Buffer.from((await signIn()).refreshToken.reveal().slice(4), 'base64url');
    const before = open.transactions('refresh');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(await codeOf(open.auth.refresh(`tnr_${changed.toString('base64url')}`))).toBe('AUTH_REFRESH_INVALID');
    }
    expect(open.transactions('refresh')).toBe(before);
  });

  it('refuses another spelling of the same bytes', async () => {
    const { signIn } = await open.newPerson();
    const text = (await signIn()).refreshToken.reveal();
    // 41 bytes leave two spare bits in the last character.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(text.slice(-1)) + 1);
    expect(Buffer.from(twin.slice(4), 'base64url')).toEqual(Buffer.from(text.slice(4), 'base64url'));
    expect(await codeOf(open.auth.refresh(twin))).toBe('AUTH_REFRESH_INVALID');
    expect(await codeOf(open.auth.refresh(text))).toBe('none');
  });

  it('outlives a rotation of the key ring for as long as the old key is in it', async () => {
    const { signIn } = await open.newPerson();
    const { refreshToken } = await signIn();
    const rotated = open.another({ keys: open.keys.rotate() });
    const next = await rotated.refresh(refreshToken);
    expect(await codeOf(open.auth.refresh(next.refreshToken))).toBe('AUTH_REFRESH_INVALID'); // knows not the new key
    expect(await codeOf(rotated.refresh(next.refreshToken))).toBe('none');
  });

  it('ends a session that is not refreshed for 7 days', async () => {
    const { account, signIn } = await open.newPerson();
    const [one, other] = [await signIn(), await signIn()];
    await open.clock.advance(7 * DAY - 1);
    const kept = await open.auth.refresh(one.refreshToken);
    await open.clock.advance(1);
    expect(await codeOf(open.auth.refresh(other.refreshToken))).toBe('AUTH_REFRESH_INVALID');
    expect(await codeOf(open.auth.refresh(kept.refreshToken))).toBe('none');
    expect((await open.auth.sessions.list(account.id)).map(({ id }) => id)).toEqual([one.sessionId]);
  });

  it('ends a session 30 days after sign-in, however often it is refreshed, and its access token with it', async () => {
    const { signIn } = await open.newPerson();
    let current = await signIn();
    const endMs = open.clock.now() + 30 * DAY;
    const endOfTokensMs = Math.floor(endMs / 1_000) * 1_000; // they count in whole seconds
    while (open.clock.now() + 6 * DAY < endMs) {
      await open.clock.advance(6 * DAY);
      current = await open.auth.refresh(current.refreshToken);
    }
    expect(current.refreshExpiresAt.getTime()).toBe(endMs);
    await open.clock.advance(endMs - open.clock.now() - 60_000);
    current = await open.auth.refresh(current.refreshToken);
    expect(current.accessExpiresAt.getTime()).toBe(endOfTokensMs);
    expect(await codeOf(open.auth.verifyAccessToken(current.accessToken))).toBe('none');
    await open.clock.advance(60_000);
    expect(await codeOf(open.auth.refresh(current.refreshToken))).toBe('AUTH_REFRESH_INVALID');
    expect(await codeOf(open.auth.verifyAccessToken(current.accessToken))).toBe('AUTH_TOKEN_INVALID');
  });

  it('keeps to the times that the options give', async () => {
    const brief = open.another({ refreshIdleMs: 60_000, refreshAbsoluteMs: 100_000, accessTokenTtlMs: 5_000 });
    const { email } = await open.newPerson();
    const first = await brief.signIn({ email, password: 'eleven purple herons' });
    const startMs = open.clock.now();
    // Access tokens count in whole seconds.
    expect(first.refreshExpiresAt.getTime()).toBe(startMs + 60_000);
    expect(first.accessExpiresAt.getTime()).toBe(Math.floor((startMs + 5_000) / 1_000) * 1_000);
    await open.clock.advance(50_000);
    const second = await brief.refresh(first.refreshToken);
    expect(second.refreshExpiresAt.getTime()).toBe(startMs + 100_000);
  });

  it('follows the memberships: scopes anew each time, and no tenant when it was left', async () => {
    const { account, signIn } = await open.newPerson();
    const [a, b] = ['a', 'b'].map((tenantId) => ({ tenantId, role: 'member', scopes: ['orders:read'] }));
    open.members.set(account.id, [a as never, b as never]);
    const first = await signIn({ tenant: 'b' });
    open.members.set(account.id, [a as never, { tenantId: 'b', role: 'admin', scopes: ['users:write'] }]);
    const second = await open.auth.refresh(first.refreshToken);
    expect((await open.auth.verifyAccessToken(second.accessToken)).scopes).toEqual(['users:write']);
    open.members.set(account.id, [a as never]);
    const third = await open.auth.refresh(second.refreshToken);
    // Not moved to the other tenant in silence.
    expect(third.tenant).toBeUndefined();
    expect(await open.auth.verifyAccessToken(third.accessToken)).toMatchObject({
      tenant: undefined,
      tenants: ['a'],
      scopes: [],
    });
    open.members.set(account.id, [a as never, b as never]);
    expect((await open.auth.refresh(third.refreshToken)).tenant).toBe('b');
  });

  it('remembers where it was refreshed from, and keeps what is not told', async () => {
    const { account, signIn } = await open.newPerson();
    const first = await signIn({ ip: '192.0.2.1', userAgent: 'Firefox' });
    await open.auth.refresh(first.refreshToken, { ip: '192.0.2.2' });
    expect(await open.auth.sessions.list(account.id)).toEqual([
      expect.objectContaining({ ip: '192.0.2.2', userAgent: 'Firefox' }),
    ]);
  });

  it('loses nothing when what follows the rotation fails', async () => {
    const { signIn } = await open.newPerson();
    const first = await signIn();
    const failing = open.another({ memberships: () => Promise.reject(new Error('the tenants cannot be read')) });
    await expect(failing.refresh(first.refreshToken)).rejects.toThrow('cannot be read');
    await open.clock.advance(60_000);
    expect(await codeOf(open.auth.refresh(first.refreshToken))).toBe('none');
  });
});

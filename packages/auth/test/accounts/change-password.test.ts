import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuth, PASSWORD, type OpenAuth } from '../open-auth.ts';

const NEW = 'four grey cormorants';

describe.each(describeDrivers())('passwords and accounts that change, on %s', (driver) => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth(driver);
  });
  afterAll(() => open.close());

  describe('changePassword', () => {
    it('lets the new password in and the old one no longer, and ends all sessions', async () => {
      const { account, signIn } = await open.newPerson();
      const before = [await signIn(), await signIn()];
      await open.clock.advance(5_000);
      await open.auth.changePassword({ accountId: account.id, currentPassword: PASSWORD, newPassword: NEW });
      for (const { accessToken, refreshToken } of before) {
        expect(await codeOf(open.auth.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
        expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
      }
      expect(await codeOf(signIn())).toBe('AUTH_CREDENTIALS_INVALID');
      expect(await codeOf(signIn({ password: NEW }))).toBe('none');
      const changed = await open.auth.accounts.get(account.id);
      expect(changed).toMatchObject({ version: 2 });
      expect(changed?.passwordChangedAt?.getTime()).toBe(open.clock.now());
      expect(open.events).toContainEqual(expect.objectContaining({ type: 'password.changed', accountId: account.id }));
      expect(open.events).toContainEqual(
        expect.objectContaining({
          type: 'session.ended',
          sessionId: before[0]?.sessionId,
          details: { reason: 'password-changed' },
        }),
      );
    });

    it('keeps the session that asks, and its tokens, when told so', async () => {
      const { account, signIn } = await open.newPerson();
      const [mine, other] = [await signIn(), await signIn()];
      await open.auth.changePassword({
        accountId: account.id,
        currentPassword: PASSWORD,
        newPassword: NEW,
        keepSessionId: mine.sessionId,
      });
      expect((await open.auth.sessions.list(account.id)).map(({ id }) => id)).toEqual([mine.sessionId]);
      expect(await codeOf(open.auth.refresh(mine.refreshToken))).toBe('none');
      expect(await codeOf(open.auth.refresh(other.refreshToken))).toBe('AUTH_REFRESH_INVALID');
    });

    it('cannot keep the session of somebody else', async () => {
      const [ann, bob] = [await open.newPerson(), await open.newPerson()];
      const [annIn, bobIn] = [await ann.signIn(), await bob.signIn()];
      const input = { currentPassword: PASSWORD, newPassword: NEW, keepSessionId: bobIn.sessionId };
      await open.auth.changePassword({ accountId: ann.account.id, ...input });
      expect(await codeOf(open.auth.refresh(annIn.refreshToken))).toBe('AUTH_REFRESH_INVALID');
      expect(await codeOf(open.auth.refresh(bobIn.refreshToken))).toBe('none');
    });

    it('asks for the current password, and answers alike for a wrong one, a disabled and an unknown account', async () => {
      const [{ account }, { account: disabled }] = [await open.newPerson(), await open.newPerson()];
      await open.auth.disableAccount(disabled.id);
      const tries = [
        { accountId: account.id, currentPassword: 'not the right one' },
        { accountId: disabled.id, currentPassword: PASSWORD },
        { accountId: '01a1fbac-b53a-76d6-b610-0d47c8a83f44', currentPassword: PASSWORD },
        { accountId: 'no id', currentPassword: PASSWORD },
      ];
      for (const one of tries) {
        const { compares } = open.auth.statistics();
        expect(await codeOf(open.auth.changePassword({ ...one, newPassword: NEW }))).toBe('AUTH_CREDENTIALS_INVALID');
        expect(open.auth.statistics().compares).toBe(compares + 1);
      }
      expect(open.events.findLast(({ type }) => type === 'sign-in.failed')?.details).toEqual({
        purpose: 'change-password',
      });
    });

    it('counts towards the same back-off as signing in', async () => {
      const { account, signIn } = await open.newPerson();
      const guess = { accountId: account.id, currentPassword: 'not the right one', newPassword: NEW };
      for (let tries = 0; tries < 5; tries += 1) await codeOf(open.auth.changePassword(guess));
      expect(await codeOf(open.auth.changePassword(guess))).toBe('AUTH_THROTTLED');
      expect(await codeOf(signIn())).toBe('AUTH_THROTTLED');
    });

    it('is won by one of two that change it at once', async () => {
      const { account } = await open.newPerson();
      const change = (newPassword: string): Promise<string> =>
        codeOf(open.auth.changePassword({ accountId: account.id, currentPassword: PASSWORD, newPassword }));
      const codes = await Promise.all([change('the first new one'), change('the second new one')]);
      expect(codes.toSorted()).toEqual(['AUTH_CREDENTIALS_INVALID', 'none']);
    });
  });

  describe('setPassword', () => {
    it('needs no old password, and ends all sessions', async () => {
      const { account, signIn } = await open.newPerson();
      const { refreshToken } = await signIn();
      await open.auth.setPassword(account.id, NEW);
      expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
      expect(await codeOf(signIn({ password: NEW }))).toBe('none');
    });

    it('hashes nothing for an account that there is not', async () => {
      const { hashes } = open.auth.statistics();
      expect(await codeOf(open.auth.setPassword('01a1fbac-b53a-76d6-b610-0d47c8a83f44', NEW))).toBe(
        'AUTH_ACCOUNT_NOT_FOUND',
      );
      expect(await codeOf(open.auth.setPassword('no id', NEW))).toBe('AUTH_ACCOUNT_NOT_FOUND');
      expect(open.auth.statistics().hashes).toBe(hashes);
    });
  });

  describe('disableAccount and enableAccount', () => {
    it('end all sessions at once, let nobody in, and take it back', async () => {
      const { account, signIn } = await open.newPerson();
      const { accessToken, refreshToken } = await signIn();
      await open.auth.verifyAccessToken(accessToken);
      await open.auth.disableAccount(account.id);
      expect(await codeOf(open.auth.verifyAccessToken(accessToken))).toBe('AUTH_TOKEN_INVALID');
      expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID');
      expect(await codeOf(signIn())).toBe('AUTH_CREDENTIALS_INVALID');
      expect(await open.auth.accounts.get(account.id)).toMatchObject({ status: 'disabled', version: 2 });
      await open.auth.enableAccount(account.id);
      expect(await codeOf(open.auth.refresh(refreshToken))).toBe('AUTH_REFRESH_INVALID'); // what ended stays so
      expect(await codeOf(signIn())).toBe('none');
    });

    it('report a change once, and nothing when there is none', async () => {
      const { account } = await open.newPerson();
      await open.auth.disableAccount(account.id);
      await open.auth.disableAccount(account.id);
      await open.auth.enableAccount(account.id);
      await open.auth.enableAccount(account.id);
      const types = open.events.filter(({ accountId }) => accountId === account.id).map(({ type }) => type);
      expect(types).toEqual(['account.registered', 'account.disabled', 'account.enabled']);
    });

    it('do not know an account that there is not', async () => {
      for (const id of ['01a1fbac-b53a-76d6-b610-0d47c8a83f44', 'no id']) {
        expect(await codeOf(open.auth.disableAccount(id))).toBe('AUTH_ACCOUNT_NOT_FOUND');
        expect(await codeOf(open.auth.enableAccount(id))).toBe('AUTH_ACCOUNT_NOT_FOUND');
      }
    });
  });
});

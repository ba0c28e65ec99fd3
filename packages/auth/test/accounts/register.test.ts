import { isUuid } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuth, PASSWORD, thrownBy, type OpenAuth } from '../open-auth.ts';

describe.each(describeDrivers())('register on %s', (driver) => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth(driver);
  });
  afterAll(() => open.close());

  it('makes an account with the address as it was typed, trimmed', async () => {
    const account = await open.auth.register({
      email: '  Ann.Lee@Example.ORG ',
      password: PASSWORD,
      name: ' Ann Lee ',
    });
    expect(account).toMatchObject({ email: 'Ann.Lee@Example.ORG', name: 'Ann Lee', status: 'active', version: 1 });
    expect(isUuid(account.id)).toBe(true);
    expect(account.passwordChangedAt?.getTime()).toBe(open.clock.now());
    expect(await open.auth.accounts.get(account.id)).toEqual(account);
    expect(await open.auth.accounts.findByEmail('ANN.LEE@example.org')).toEqual(account);
    expect(open.events).toContainEqual(expect.objectContaining({ type: 'account.registered', accountId: account.id }));
  });

  it('takes an address once, in whatever case and Unicode form', async () => {
    await open.auth.register({ email: 'Jürgen@müller.example', password: PASSWORD, name: 'Jürgen' });
    const again = { email: 'JÜRGEN@MÜLLER.EXAMPLE'.normalize('NFD'), password: PASSWORD, name: 'J' };
    expect(await codeOf(open.auth.register(again))).toBe('AUTH_EMAIL_TAKEN');
  });

  it('lets one of two win that register the same address at once', async () => {
    const input = { email: 'race@example.org', password: PASSWORD, name: 'Race' };
    const codes = await Promise.all([codeOf(open.auth.register(input)), codeOf(open.auth.register(input))]);
    expect(codes.toSorted()).toEqual(['AUTH_EMAIL_TAKEN', 'none']);
  });

  it('hashes before it looks whether the address is taken, so that both take as long', async () => {
    const input = { email: 'same-work@example.org', password: PASSWORD, name: 'Same' };
    await open.auth.register(input);
    const { hashes } = open.auth.statistics();
    await codeOf(open.auth.register(input));
    expect(open.auth.statistics().hashes).toBe(hashes + 1);
  });

  it('reports all problems at once, and none repeats what was typed', async () => {
    const error = await thrownBy(
      open.auth.register({ email: 'planted-mail', password: 'planted-pw', name: 'a\u0007b' }),
    );
    expect(error['code']).toBe('AUTH_INPUT_INVALID');
    expect(error['details']).toEqual({
      problems: [
        { path: '/email', code: 'invalid', message: expect.any(String) },
        { path: '/name', code: 'invalid', message: expect.any(String) },
        { path: '/password', code: 'too_short', message: expect.any(String) },
      ],
    });
    expect(JSON.stringify(error)).not.toContain('planted');
  });

  it.each([
    ['', '/email'],
    ['no-at.example.org', '/email'],
    ['two@at@example.org', '/email'],
    ['white space@example.org', '/email'],
    ['nul\0@example.org', '/email'],
    ['half\ud800@example.org', '/email'],
    [`${'a'.repeat(243)}@example.org`, '/email'],
  ])('refuses the address %j', async (email, path) => {
    const error = await thrownBy(open.auth.register({ email, password: PASSWORD, name: 'Somebody' }));
    expect(error['details']).toMatchObject({ problems: [{ path, code: 'invalid' }] });
  });

  it('takes an address of 254 characters, and names of 1 and of 255 characters of any script', async () => {
    const email = `${'a'.repeat(242)}@example.org`;
    expect(await codeOf(open.auth.register({ email, password: PASSWORD, name: '李' }))).toBe('none');
    const long = { email: 'long-name@example.org', password: PASSWORD, name: '𝔸'.repeat(255) };
    expect(await codeOf(open.auth.register(long))).toBe('none');
  });

  it.each(['', '   ', '𝔸'.repeat(256), 'half\udc00', 'nul\0'])('refuses the name %j', async (name) => {
    const error = await thrownBy(open.auth.register({ email: 'n@example.org', password: PASSWORD, name }));
    expect(error['details']).toMatchObject({ problems: [{ path: '/name', code: 'invalid' }] });
  });

  it.each([undefined, null, 7, {}])('refuses %j in place of every text', async (value) => {
    const input = { email: value, password: value, name: value } as never;
    const error = await thrownBy(open.auth.register(input));
    expect(error['details']).toMatchObject({
      problems: [
        { path: '/email', code: 'invalid' },
        { path: '/name', code: 'invalid' },
        { path: '/password', code: 'required' },
      ],
    });
  });

  it('finds nothing by text that is no id or no address', async () => {
    expect(await open.auth.accounts.get('no-id\0')).toBeUndefined();
    expect(await open.auth.accounts.get('01a1fbac-b53a-76d6-b610-0d47c8a83f44')).toBeUndefined();
    expect(await open.auth.accounts.findByEmail('nobody\0@example.org')).toBeUndefined();
    expect(await open.auth.accounts.findByEmail('nobody@example.org')).toBeUndefined();
  });
});

import { readFileSync } from 'node:fs';
import { Secret } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateCommonPasswords } from '../../data/generate-common-passwords.ts';
import { openAuth, PASSWORD, thrownBy, type OpenAuth } from '../open-auth.ts';

let open: OpenAuth;
let count = 0;
beforeAll(async () => {
  open = await openAuth('pglite');
});
afterAll(() => open.close());

/** The codes of what is wrong with a password; none when an account was made with it. */
async function problemsOf(password: string | Secret, auth = open.auth): Promise<readonly string[]> {
  count += 1;
  try {
    await auth.register({ email: `policy-${count}@example.org`, password, name: 'Policy' });
    return [];
  } catch (error) {
    const { details } = error as { details: { problems: readonly { code: string }[] } };
    return details.problems.map(({ code }) => code);
  }
}

describe('a new password', () => {
  it('has 12 characters at least, counted as people count them after NFC', async () => {
    expect(await problemsOf('kite-zebra9')).toEqual(['too_short']);
    expect(await problemsOf('kite-zebra-9')).toEqual([]);
    expect(await problemsOf('🦊🐼🦉🐙🦋🐢🦁🐳🦜🐝🦔')).toEqual(['too_short']);
    expect(await problemsOf('🦊🐼🦉🐙🦋🐢🦁🐳🦜🐝🦔🦩')).toEqual([]);
    // Eleven letters with an accent each are 22 code points before NFC.
    expect(await problemsOf('éàüöîñçôêâä'.normalize('NFD'))).toEqual(['too_short']);
  });

  it('has 72 bytes of UTF-8 at most: a longer one is refused, not cut', async () => {
    const multibyte = 'ü'.repeat(20) + 'kranich und reiher im abendlic'; // 40 + 30
    expect(Buffer.byteLength(multibyte)).toBe(70);
    expect(await problemsOf(`${multibyte}é`)).toEqual([]); // 72 bytes, 51 characters
    expect(await problemsOf(`${multibyte}éx`)).toEqual(['too_long']); // 73 bytes
    expect(await problemsOf(`${multibyte}x€`)).toEqual(['too_long']); // 74 bytes: the last character lies across the edge
    expect(await problemsOf(`${'abcdefghi'.repeat(7)}123456789`)).toEqual([]); // 72
    expect(await problemsOf(`${'abcdefghi'.repeat(7)}1234567890`)).toEqual(['too_long']); // 73
  });

  it('counts bytes after NFC: what is too long in NFD may fit', async () => {
    const text = 'ü'.repeat(36);
    expect(Buffer.byteLength(text.normalize('NFD'))).toBe(108);
    expect(await problemsOf(`${'ä'.repeat(15)}${'ü'.repeat(21)}`.normalize('NFD'))).toEqual([]);
  });

  it('may be of anything: no rules of composition', async () => {
    for (const password of [
      'all lower case words',
      '840175529316',
      '                x',
      'ÄÖÜÄÖÜ ẞẞẞ ok',
      'tab\tand\nnew line',
    ]) {
      expect(await problemsOf(password)).toEqual([]);
    }
  });

  it('is refused when it is missing or not valid text', async () => {
    expect(await problemsOf('')).toEqual(['required']);
    expect(await problemsOf('half a character \ud83d')).toEqual(['invalid']);
  });

  it.each([
    'passwordpassword', // on the list
    'PasswordPassword', // in any case
    'qwertyuiop123', // on the list
    'Password2026!', // a common word and decoration
    '!!Sunshine99!!', // on both sides
    'contraseña12345',
    'aaaaaaaaaaaaaaa', // repetition
    'abcabcabcabcabc',
    'xy7!xy7!xy7!xy7!xy',
    'correcthorsebatterystaple',
    '123456789012',
  ])('is refused when it is common: %s', async (password) => {
    expect(await problemsOf(password)).toEqual(['common']);
  });

  it('is not refused for having a common word in it', async () => {
    expect(await problemsOf('sunshine over lisbon')).toEqual([]);
    expect(await problemsOf('monkey482917563')).toEqual([]); // nine digits
  });

  it('may be given as a Secret', async () => {
    expect(await problemsOf(new Secret('kite-zebra-9'))).toEqual([]);
    expect(await problemsOf(new Secret('short'))).toEqual(['too_short']);
  });

  it('is looked up in the list that the options give', async () => {
    const auth = open.another({ breachedPasswords: new Set(['our mascot is rex']) });
    expect(await problemsOf('Our Mascot is Rex', auth)).toEqual(['common']);
    expect(await problemsOf('correcthorsebatterystaple', auth)).toEqual([]);
  });

  it('is held to the same rules when it is changed or set', async () => {
    const { account } = await open.newPerson();
    const input = { accountId: account.id, currentPassword: PASSWORD, newPassword: 'too short' };
    for (const work of [open.auth.changePassword(input), open.auth.setPassword(account.id, 'too short')]) {
      const error = await thrownBy(work);
      expect(error['details']).toMatchObject({ problems: [{ path: '/newPassword', code: 'too_short' }] });
    }
    expect(await codeOf(open.auth.setPassword(account.id, 'ü'.repeat(37)))).toBe('AUTH_INPUT_INVALID');
  });
});

describe('the list of common passwords', () => {
  it('is what the generator writes', () => {
    const text = readFileSync(new URL('../../data/common-passwords.txt', import.meta.url), 'utf8');
    expect(text.trimEnd().split('\n')).toEqual(generateCommonPasswords());
  });

  it('holds only passwords that would pass the length rule', () => {
    expect(generateCommonPasswords().every((one) => one.length >= 12 && one === one.toLowerCase())).toBe(true);
    expect(generateCommonPasswords().length).toBeGreaterThan(2_000);
  });
});

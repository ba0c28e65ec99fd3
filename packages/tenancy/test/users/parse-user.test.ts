import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  parseNewUser,
  parseNewUsers,
  parseUser,
  parseUserPatch,
  parseUserReplacement,
  roles,
  userStatuses,
  type Role,
  type User,
  type UserStatus,
} from '@tenon/tenancy';
import fc from 'fast-check';

const base = { email: 'ada@example.com', name: 'Ada' };
const problemsOf = (input: unknown, parse: (input: unknown) => unknown = parseNewUser): string[] => {
  const parsed = parse(input) as ReturnType<typeof parseNewUser>;
  return parsed.ok ? [] : parsed.error.map(({ path, code }) => `${path} ${code}`);
};
const valueOf = (input: unknown): unknown => {
  const parsed = parseNewUser(input);
  return parsed.ok ? parsed.value : parsed.error;
};

describe('checking people', () => {
  it('trims text and brings it into NFC, and leaves its case', () => {
    expect(
      valueOf({ email: ' Mu\u0308ller@Example.com\t', name: '  O\u2019Brien  Mu\u0308ller ', city: ' M ' }),
    ).toEqual({
      email: 'Müller@Example.com',
      name: 'O\u2019Brien  Müller',
      city: 'M',
    });
  });

  it('measures in code points, at, below and above each limit', () => {
    const limits = { name: 255, company: 255, title: 255, city: 255, country: 255, phone: 50 };
    for (const [field, max] of Object.entries(limits)) {
      const input = (text: string) => ({ ...base, [field]: text });
      for (const character of ['x', '👾', 'ü']) {
        expect(problemsOf(input(character))).toEqual([]);
        expect(problemsOf(input(character.repeat(max - 1)))).toEqual([]);
        expect(problemsOf(input(character.repeat(max)))).toEqual([]);
        expect(problemsOf(input(character.repeat(max + 1)))).toEqual([`/${field} too_long`]);
      }
      // Two code points before NFC, one after.
      expect(problemsOf(input('u\u0308'.repeat(max)))).toEqual([]);
      for (const empty of ['', '   ', '\u00A0\n']) expect(problemsOf(input(empty))).toEqual([`/${field} too_short`]);
    }
    const email = (length: number): unknown => ({
      ...base,
      email: `${'x'.repeat(length - 12)}@example.com`.slice(-length),
    });
    expect(problemsOf({ ...base, email: `${'l'.repeat(64)}@${'d'.repeat(189)}` })).toEqual([]);
    expect(problemsOf({ ...base, email: `${'l'.repeat(64)}@${'d'.repeat(190)}` })).toEqual(['/email too_long']);
    expect(problemsOf({ ...base, email: `${'l'.repeat(65)}@d` })).toEqual(['/email not_an_email']);
    expect(problemsOf(email(20))).toEqual([]);
  });

  it('takes emails of all kinds, and refuses what is none', () => {
    for (const email of ['a@b', 'owner@localhost', "o'brien+tag@sub.example.com", '李雷@例え.jp', '"x"@y']) {
      expect(problemsOf({ ...base, email }), email).toEqual([]);
    }
    for (const email of ['abc', '@b.c', 'abc@', 'a b@c.d', 'a@b@c', 'a@b c', 'a\0@b.c', 'a@b.c\r\nBcc: x@y.z']) {
      expect(problemsOf({ ...base, email }), email).toEqual(['/email not_an_email']);
    }
    for (const email of ['', 'ab']) expect(problemsOf({ ...base, email })).toEqual(['/email too_short']);
  });

  it('refuses control characters and half characters, and takes everything else people are called', () => {
    for (const text of ['a\0b', 'a\nb', 'a\u001Bb', 'a\u0085b', 'a\u{D800}b', '\u{DC00}']) {
      expect(problemsOf({ ...base, name: text }), JSON.stringify(text)).toEqual(['/name not_text']);
      expect(problemsOf({ ...base, city: text }), JSON.stringify(text)).toEqual(['/city not_text']);
    }
    for (const name of [
      "O'Brien",
      'Müller',
      'MÃ¼ller',
      '👨‍👩‍👧',
      'שלום',
      '\u202Eabc',
      "Robert'); DROP TABLE users;--",
      '<b>',
      'null',
    ]) {
      expect(valueOf({ ...base, name })).toEqual({ ...base, name });
    }
  });

  it('refuses other types, unknown values and unknown fields, and says all of it at once', () => {
    const parsed = JSON.parse('{"__proto__":{"role":"owner"},"constructor":1,"a/b~c":2}') as object;
    expect(
      problemsOf({ ...parsed, email: 7, role: 'king', status: null, phone: 5, company: [], tenantId: 'x' }),
    ).toEqual([
      '/__proto__ unknown_field',
      '/constructor unknown_field',
      '/a~1b~0c unknown_field',
      '/email wrong_type',
      '/role unknown_value',
      '/status unknown_value',
      '/phone wrong_type',
      '/company wrong_type',
      '/tenantId unknown_field',
      '/name required',
    ]);
    for (const input of [null, undefined, 'x', 1, [], [base]]) expect(problemsOf(input)).toEqual([' wrong_type']);
    for (const value of [null, 0, -0, Number.NaN, true, {}, [], Number.MAX_SAFE_INTEGER + 1]) {
      expect(problemsOf({ ...base, name: value })).toEqual(['/name wrong_type']);
    }
    expect(problemsOf({ ...base, name: undefined })).toEqual(['/name required']);
    expect(problemsOf({})).toEqual(['/email required', '/name required']);
  });

  it('says in words what would be right, and never repeats what was given', () => {
    const secret = 'hunter2-hunter2';
    const parsed = parseNewUser({ email: secret, name: secret.repeat(99), role: secret, phone: 7, [secret]: secret });
    const problems = parsed.ok ? [] : parsed.error;
    expect(problems.map(({ message }) => message)).toEqual([
      'must be an email address like name@example.com',
      'must have at most 255 characters',
      'must be one of: owner, admin, member, viewer',
      'must be a value of type string or null',
      'this field is not known here',
    ]);
  });

  it('wants role and status in a replacement, nothing in a patch, and lets details be cleared', () => {
    expect(problemsOf(base, parseUserReplacement)).toEqual(['/role required', '/status required']);
    expect(problemsOf({ ...base, role: 'viewer', status: 'active', phone: null }, parseUserReplacement)).toEqual([]);
    expect(parseUserPatch({})).toEqual({ ok: true, value: {} });
    expect(parseUserPatch({ phone: null, city: undefined })).toEqual({ ok: true, value: { phone: null } });
    expect(problemsOf({ name: null, email: null, role: null }, parseUserPatch)).toEqual([
      '/name wrong_type',
      '/email wrong_type',
      '/role unknown_value',
    ]);
  });

  it('names the row of each problem among many', () => {
    const parsed = parseNewUsers([base, { ...base, name: '' }, null]);
    expect(parsed.ok ? [] : parsed.error.map(({ path }) => path)).toEqual(['/1/name', '/2']);
    expect(parseNewUsers([base])).toEqual({ ok: true, value: [base] });
  });

  it('gives back every valid person from JSON as it was', () => {
    const text = (maxLength: number) =>
      fc
        .string({ unit: 'grapheme', minLength: 1, maxLength })
        .map((raw) =>
          raw
            .replaceAll(/\p{Cc}/gu, '')
            .normalize('NFC')
            .trim(),
        )
        .filter((value) => value !== '' && Array.from(value).length <= maxLength);
    const detail = fc.option(text(50));
    const time = fc
      .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString());
    const person = fc.record({
      id: fc.uuid(),
      tenantId: fc.uuid(),
      accountId: fc.option(fc.uuid()),
      email: fc.emailAddress(),
      name: text(255),
      role: fc.constantFrom(...roles),
      status: fc.constantFrom(...userStatuses),
      company: detail,
      title: detail,
      city: detail,
      country: detail,
      phone: detail,
      createdAt: time,
      updatedAt: time,
      version: fc.integer({ min: 1 }),
    });
    fc.assert(
      fc.property(person, (value) => {
        expect(parseUser(JSON.parse(JSON.stringify(value)))).toEqual({ ok: true, value });
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a whole person with a version of 0, or a time in another form', () => {
    const user = { ...base, id: 'x', tenantId: 'x', accountId: null, role: 'member', status: 'active', company: null };
    const rest = {
      title: null,
      city: null,
      country: null,
      phone: null,
      createdAt: '2026-01-01',
      updatedAt: 7,
      version: 0,
    };
    expect(problemsOf({ ...user, ...rest }, parseUser)).toEqual([
      '/createdAt not_text',
      '/updatedAt wrong_type',
      '/version out_of_range',
    ]);
  });

  it('gives types that say what the schemas say', () => {
    expectTypeOf<User['role']>().toEqualTypeOf<Role>();
    expectTypeOf<User['status']>().toEqualTypeOf<UserStatus>();
    expectTypeOf<User['phone']>().toEqualTypeOf<string | null>();
    expectTypeOf<User>().not.toHaveProperty('passwordHash');
  });
});

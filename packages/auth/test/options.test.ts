import { getRounds } from 'bcrypt';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthOptions } from '@tenon/auth';
import { openAuth, PASSWORD, type OpenAuth } from './open-auth.ts';

describe('options', () => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth('pglite');
  });
  afterAll(() => open.close());

  const limits: readonly (readonly [string, number, number])[] = [
    ['bcryptCost', 4, 15],
    ['hashConcurrency', 1, 64],
    ['hashQueueMax', 0, 10_000],
    ['accessTokenTtlMs', 1_000, 86_400_000],
    ['refreshIdleMs', 1_000, 31_536_000_000],
    ['refreshAbsoluteMs', 1_000, 31_536_000_000],
    ['refreshReuseGraceMs', 0, 10_000],
    ['sessionCheckTtlMs', 0, 60_000],
    ['throttle.accountFreeAttempts', 1, 1_000],
    ['throttle.addressFreeAttempts', 1, 100_000],
    ['throttle.baseDelayMs', 100, 60_000],
    ['throttle.maxDelayMs', 1_000, 86_400_000],
    ['throttle.forgetAfterMs', 1_000, 604_800_000],
  ];
  const withOption = (name: string, value: unknown): Partial<AuthOptions> => {
    const [first = '', second] = name.split('.');
    return { [first]: second === undefined ? value : { [second]: value } };
  };

  it.each(limits)('%s is a whole number from %d to %d', (name, min, max) => {
    // The longest wait is no shorter than the first one.
    const extra = name === 'throttle.baseDelayMs' ? { maxDelayMs: 60_000 } : {};
    const make = (value: unknown) => () => {
      const options = withOption(name, value);
      return open.another(options.throttle === undefined ? options : { throttle: { ...extra, ...options.throttle } });
    };
    expect(make(min)).not.toThrow();
    expect(make(max)).not.toThrow();
    for (const wrong of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY, '10']) {
      expect(make(wrong)).toThrow(expect.objectContaining({ code: 'AUTH_OPTIONS_INVALID', details: { option: name } }));
    }
  });

  it.each(['issuer', 'audience'])('%s is text that is not empty', (name) => {
    for (const wrong of ['', '  ', undefined, 7]) {
      expect(() => open.another({ [name]: wrong })).toThrow(
        expect.objectContaining({ code: 'AUTH_OPTIONS_INVALID', details: { option: name } }),
      );
    }
  });

  it('have the defaults that they document: bcrypt at cost 12', async () => {
    const auth = open.another({ bcryptCost: undefined as never });
    const { id } = await auth.register({ email: 'cost@example.org', password: PASSWORD, name: 'Cost' });
    const { rows } = await open.test.database.withSystem('test', (tx) =>
      sql<{ password_hash: string }>`select password_hash from accounts where id = ${id}`.execute(tx),
    );
    expect(getRounds(rows[0]?.password_hash ?? '')).toBe(12);
  });

  it('give the ids: of accounts, sessions, tokens, keys', async () => {
    let count = 0;
    const given: string[] = [];
    const newId = (): string => {
      count += 1;
      const id = `01a1fbac-b53a-76d6-b610-${String(count).padStart(12, '0')}`;
      given.push(id);
      return id;
    };
    const auth = open.another({ newId });
    const { id } = await auth.register({ email: 'ids@example.org', password: PASSWORD, name: 'Ids' });
    const { sessionId, accessToken } = await auth.signIn({ email: 'ids@example.org', password: PASSWORD });
    const { tokenId } = await auth.verifyAccessToken(accessToken);
    const { kid } = await auth.rotateSigningKey();
    expect(given).toEqual(expect.arrayContaining([id, sessionId, tokenId, kid]));
  });
});

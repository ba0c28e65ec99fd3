import { CodedError } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { createMemoryStore } from '@tenon/kv/drivers/memory';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Auth, AuthOptions } from '@tenon/auth';
import { openAuth, PASSWORD, thrownBy, type OpenAuth, type Person } from '../open-auth.ts';

const WRONG = 'not the right one';

describe('failed sign-ins', () => {
  let open: OpenAuth;
  let auth: Auth;
  let person: Person;
  beforeAll(async () => {
    open = await openAuth('pglite');
  });
  afterAll(() => open.close());
  beforeEach(async () => {
    person = await open.newPerson();
    auth = fresh();
  });

  const fresh = (options: Partial<AuthOptions> = {}): Auth =>
    open.another({ kv: createMemoryStore({ clock: open.clock }), ...options });
  const fail = async (times: number, input: { email?: string; ip?: string } = {}): Promise<readonly string[]> => {
    const codes: string[] = [];
    for (let round = 0; round < times; round += 1) {
      codes.push(await codeOf(auth.signIn({ email: person.email, password: WRONG, ...input })));
    }
    return codes;
  };
  const times = (count: number, code: string): string[] => Array.from({ length: count }, () => code);

  it('cost nothing five times; then each doubles the wait, and even the right password waits', async () => {
    expect(await fail(6)).toEqual([...times(5, 'AUTH_CREDENTIALS_INVALID'), 'AUTH_THROTTLED']);
    for (const waitMs of [1_000, 2_000, 4_000, 8_000]) {
      const error = await thrownBy(auth.signIn({ email: person.email, password: PASSWORD }));
      expect(error).toMatchObject({
        code: 'AUTH_THROTTLED',
        retryable: true,
        retryAfterMs: waitMs,
        details: { retryAfterMs: waitMs },
      });
      await open.clock.advance(waitMs - 1);
      expect(await fail(1)).toEqual(['AUTH_THROTTLED']);
      await open.clock.advance(1);
      expect(await fail(1)).toEqual(['AUTH_CREDENTIALS_INVALID']);
    }
  });

  it('answer the same for an address that nobody has', async () => {
    const walk = async (email: string): Promise<readonly unknown[]> => {
      const seen: unknown[] = [];
      for (let round = 0; round < 8; round += 1) {
        seen.push(JSON.stringify(await thrownBy(auth.signIn({ email, password: WRONG }))));
        if (round === 6) await open.clock.advance(1_000);
      }
      return seen;
    };
    expect(await walk('nobody-is-here@example.org')).toEqual(await walk(person.email));
  });

  it('count for the account in whatever spelling', async () => {
    await fail(3, { email: person.email.toUpperCase() });
    await fail(2, { email: ` ${person.email} ` });
    expect(await fail(1)).toEqual(['AUTH_THROTTLED']);
  });

  it('are throttled before anything is hashed or looked up', async () => {
    await fail(5);
    const { compares } = auth.statistics();
    const lookups = open.transactions('sign-in');
    await fail(3);
    expect([auth.statistics().compares, open.transactions('sign-in')]).toEqual([compares, lookups]);
  });

  it('are reported each, and each wait once, however many attempts it refuses', async () => {
    const before = open.events.length;
    await fail(30, { ip: '192.0.2.99' });
    const events = open.events.slice(before);
    expect(events.map(({ type }) => type)).toEqual([...times(5, 'sign-in.failed'), 'sign-in.throttled']);
    expect(events.at(-1)).toMatchObject({
      accountId: person.account.id,
      ip: '192.0.2.99',
      details: { purpose: 'sign-in', waitMs: 1_000 },
    });
  });

  it('wait for 15 minutes at most', async () => {
    auth = fresh({ throttle: { accountFreeAttempts: 1 } });
    for (let round = 0; round < 12; round += 1) {
      await fail(1);
      await open.clock.advance(900_000);
    }
    await fail(1);
    const error = await thrownBy(auth.signIn({ email: person.email, password: PASSWORD }));
    expect(error['retryAfterMs']).toBeLessThanOrEqual(900_000);
  });

  it('are forgotten by the right password', async () => {
    await fail(4);
    expect(await codeOf(auth.signIn({ email: person.email, password: PASSWORD }))).toBe('none');
    expect(await fail(6)).toEqual([...times(5, 'AUTH_CREDENTIALS_INVALID'), 'AUTH_THROTTLED']);
  });

  it('are forgotten over an hour, one by one', async () => {
    await fail(5);
    await open.clock.advance(3_600_000);
    expect(await fail(6)).toEqual([...times(5, 'AUTH_CREDENTIALS_INVALID'), 'AUTH_THROTTLED']);
    await open.clock.advance(1_440_000); // two fifths of an hour: two are forgotten
    expect(await fail(3)).toEqual([...times(2, 'AUTH_CREDENTIALS_INVALID'), 'AUTH_THROTTLED']);
  });

  it('never add up when they are rare', async () => {
    for (let round = 0; round < 40; round += 1) {
      expect(await fail(1)).toEqual(['AUTH_CREDENTIALS_INVALID']);
      await open.clock.advance(720_000);
    }
  });

  it('count for the address across accounts: 50 of them, then it waits, and other addresses do not', async () => {
    const ip = '198.51.100.4';
    for (let round = 0; round < 50; round += 1) {
      expect(await fail(1, { email: `guess-${round}@example.org`, ip })).toEqual(['AUTH_CREDENTIALS_INVALID']);
    }
    expect(await codeOf(auth.signIn({ email: person.email, password: PASSWORD, ip }))).toBe('AUTH_THROTTLED');
    expect(await codeOf(auth.signIn({ email: person.email, password: PASSWORD, ip: '198.51.100.5' }))).toBe('none');
  });

  it('from an address are not forgotten by one right password', async () => {
    auth = fresh({ throttle: { addressFreeAttempts: 3 } });
    const ip = '198.51.100.6';
    const attacker = await open.newPerson();
    for (const round of [1, 2]) {
      await fail(1, { email: `victim-${round}@example.org`, ip });
      await auth.signIn({ email: attacker.email, password: PASSWORD, ip });
    }
    await fail(1, { email: 'victim-3@example.org', ip });
    expect(await codeOf(auth.signIn({ email: attacker.email, password: PASSWORD, ip }))).toBe('AUTH_THROTTLED');
  });

  it.each([
    ['2001:db8:1:2::1', '2001:DB8:1:2:ffff:0:0:9', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['2001:db8::1', '2001:db8:0:0:1::', true],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['::ffff:c000:201', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['fe80::1%eth0', 'fe80::2%eth1', true],
    ['64:ff9b::192.0.2.1', '64:ff9b::192.0.2.2', true],
    ['not an address', 'not an address', true],
  ])('count %s and %s as one address: %s', async (left, right, same) => {
    auth = fresh({ throttle: { addressFreeAttempts: 1 } });
    await fail(1, { email: 'a@example.org', ip: left });
    expect(await fail(1, { email: 'b@example.org', ip: right })).toEqual([
      same ? 'AUTH_THROTTLED' : 'AUTH_CREDENTIALS_INVALID',
    ]);
  });

  it('of a stranger do not lock the owner out where the owner has signed in before', async () => {
    const home = { email: person.email, password: PASSWORD, ip: '192.0.2.10' };
    await auth.signIn(home);
    expect((await fail(6, { ip: '203.0.113.66' })).at(-1)).toBe('AUTH_THROTTLED');
    expect(await codeOf(auth.signIn(home))).toBe('none');
    // The stranger gains nothing by it, and neither does an address that only looks like home.
    expect(await fail(1, { ip: '203.0.113.66' })).toEqual(['AUTH_THROTTLED']);
    expect(await codeOf(auth.signIn({ ...home, ip: '192.0.2.11' }))).toBe('AUTH_THROTTLED');
    // At home, too, guesses are counted.
    expect((await fail(6, { ip: home.ip })).at(-1)).toBe('AUTH_THROTTLED');
  });

  it('that come all at once are answered no more often than those that come one by one', async () => {
    const before = auth.statistics().compares;
    const codes = await Promise.all(
      Array.from({ length: 60 }, () => codeOf(auth.signIn({ email: person.email, password: WRONG }))),
    );
    const answered = codes.filter((code) => code === 'AUTH_CREDENTIALS_INVALID').length;
    // Two run at a time, so one more than the five may be on its way.
    expect(answered).toBeLessThanOrEqual(6);
    expect(auth.statistics().compares - before).toBe(answered);
    expect(codes.filter((code) => code === 'AUTH_THROTTLED')).toHaveLength(60 - answered);
  });

  it('do not hold up the right password given many times at once', async () => {
    const input = { email: person.email, password: PASSWORD, ip: '192.0.2.20' };
    const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(auth.signIn(input))));
    expect(new Set(codes)).toEqual(new Set(['none']));
  });

  it('count in every process that shares the store', async () => {
    const kv = createMemoryStore({ clock: open.clock });
    const [one, two] = [open.another({ kv }), open.another({ kv })];
    const input = { email: person.email, password: WRONG };
    for (let round = 0; round < 5; round += 1) await codeOf((round % 2 === 0 ? one : two).signIn(input));
    expect(await codeOf(one.signIn(input))).toBe('AUTH_THROTTLED');
    expect(await codeOf(two.signIn(input))).toBe('AUTH_THROTTLED');
  });

  it('keep to what the options give', async () => {
    const throttle = { accountFreeAttempts: 2, baseDelayMs: 100, maxDelayMs: 150, forgetAfterMs: 10_000 };
    auth = fresh({ throttle });
    expect(await fail(3)).toEqual([...times(2, 'AUTH_CREDENTIALS_INVALID'), 'AUTH_THROTTLED']);
    await open.clock.advance(100);
    await fail(1);
    expect((await thrownBy(auth.signIn({ email: person.email, password: WRONG })))['retryAfterMs']).toBe(150);
    await open.clock.advance(10_000); // two of the three are forgotten
    expect(await fail(2)).toEqual(['AUTH_CREDENTIALS_INVALID', 'AUTH_THROTTLED']);
  });

  it('leave neither address nor name in the store', async () => {
    const written: string[] = [];
    const store = createMemoryStore({ clock: open.clock });
    auth = fresh({
      kv: {
        get: (key) => store.get(key),
        delete: (key) => store.delete(key),
        setIfAbsent: (key, value, options) => store.setIfAbsent(key, value, options),
        close: () => store.close(),
        set(key, value, options) {
          written.push(key, Buffer.from(value).toString());
          return store.set(key, value, options);
        },
        compareAndSet(key, expected, next, options) {
          written.push(key, Buffer.from(next ?? []).toString());
          return store.compareAndSet(key, expected, next, options);
        },
      },
    });
    await fail(1, { ip: '192.0.2.77' });
    await auth.signIn({ email: person.email, password: PASSWORD, ip: '192.0.2.77' });
    expect(written.length).toBeGreaterThan(4);
    expect(written.join(' ')).not.toMatch(/person|example|192\.0\.2/);
  });

  it('leave nothing behind in the store when they are forgotten', async () => {
    const kv = createMemoryStore({ clock: open.clock });
    auth = fresh({ kv });
    await fail(5, { ip: '192.0.2.78' });
    expect(kv.entryCount()).toBe(2);
    await open.clock.advance(3_600_000);
    for (let round = 0; round < 10; round += 1) await kv.set(`sweep-${round}`, new Uint8Array());
    expect(kv.entryCount()).toBe(10);
  });

  it('refuse sign-in while the counters cannot be read', async () => {
    const down = (): Promise<never> => Promise.reject(new CodedError('KV_UNAVAILABLE', 'down'));
    const kv = { get: down, set: down, delete: down, setIfAbsent: down, compareAndSet: down, close: async () => {} };
    auth = fresh({ kv });
    expect(await codeOf(auth.signIn({ email: person.email, password: PASSWORD }))).toBe('KV_UNAVAILABLE');
  });
});

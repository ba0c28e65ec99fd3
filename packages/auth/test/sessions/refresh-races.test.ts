import { runInContext, systemClock, type Clock } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { openDatabase, type Database } from '@tenon/database';
import { describeDrivers } from '@tenon/database/testing';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Auth } from '@tenon/auth';
import { openAuth, PASSWORD, thrownBy, type OpenAuth } from '../open-auth.ts';

/** Time of day by hand, waits in real time: rows are locked by real transactions. */
function waitingClock(open: () => OpenAuth): Clock {
  return { ...systemClock, now: () => open().clock.now() };
}

describe.each(describeDrivers())('refreshes that race, on %s', (driver) => {
  let open: OpenAuth;
  let auth: Auth;
  beforeAll(async () => {
    open = await openAuth(driver);
    auth = open.another({ clock: waitingClock(() => open) });
  });
  afterAll(() => open.close());

  it('gives 20 parallel refreshes of one token, in two processes, one successor in one session', async () => {
    const { account, signIn } = await open.newPerson();
    const { refreshToken } = await signIn();
    const other = open.another({ clock: waitingClock(() => open) });
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? auth : other).refresh(refreshToken)),
    );
    expect(new Set(results.map((one) => one.refreshToken.reveal()))).toHaveLength(1);
    expect(new Set(results.map((one) => one.sessionId))).toHaveLength(1);
    expect(await auth.sessions.list(account.id)).toHaveLength(1);
    // Nobody is signed out: every access token works, and so does the one successor.
    for (const { accessToken } of results) expect(await codeOf(auth.verifyAccessToken(accessToken))).toBe('none');
    expect(await codeOf(auth.refresh(results[0]?.refreshToken ?? ''))).toBe('none');
    expect(open.events.some(({ type }) => type === 'refresh-token.reused')).toBe(false);
  });

  it('keeps parallel refreshes of many sessions apart', async () => {
    const people = await Promise.all(Array.from({ length: 5 }, () => open.newPerson()));
    const signedIn = await Promise.all(people.map((person) => person.signIn()));
    const refreshed = await Promise.all(
      signedIn.flatMap((one) => [auth.refresh(one.refreshToken), auth.refresh(one.refreshToken)]),
    );
    expect(new Set(refreshed.map((one) => one.refreshToken.reveal()))).toHaveLength(5);
    expect(refreshed.map((one) => one.account.id)).toEqual(people.flatMap(({ account }) => [account.id, account.id]));
  });

  it('ends the session once when an old token is replayed 10 times at once', async () => {
    const { account, signIn } = await open.newPerson();
    const first = await signIn();
    await auth.refresh((await auth.refresh(first.refreshToken)).refreshToken);
    await open.clock.advance(11_000);
    const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(auth.refresh(first.refreshToken))));
    expect(new Set(codes)).toEqual(new Set(['AUTH_REFRESH_INVALID']));
    expect(await auth.sessions.list(account.id)).toEqual([]);
    const reused = open.events.filter((one) => one.type === 'refresh-token.reused' && one.accountId === account.id);
    expect(reused).toHaveLength(1);
  });

  it('never leaves a session that signing out everywhere has missed', async () => {
    const { account, signIn } = await open.newPerson();
    const { refreshToken } = await signIn();
    const [, code] = await Promise.all([auth.signOutAll(account.id), codeOf(auth.refresh(refreshToken))]);
    expect(['none', 'AUTH_REFRESH_INVALID']).toContain(code);
    expect(await auth.sessions.list(account.id)).toEqual([]);
  });

  it('behaves like some order of its calls, whatever is used and replayed when', async () => {
    const step = fc.record({
      waitMs: fc.constantFrom(0, 0, 500, 9_999, 10_001, 3_600_000),
      /** How far behind the newest known token each of the parallel calls is. */
      uses: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const session = await auth.signIn({ email: shared.email, password: PASSWORD });
        // By counter: each counter has one token, ever.
        const tokens = [session.refreshToken.reveal()];
        let states: readonly Model[] = [{ counter: 0, refreshedAtMs: open.clock.now(), alive: true }];
        for (const { waitMs, uses } of steps) {
          await open.clock.advance(waitMs);
          const used = uses.map((behind) => Math.max(0, tokens.length - 1 - behind));
          const answers = await Promise.all(
            used.map(async (counter) => {
              const result = await auth.refresh(tokens[counter] ?? '').catch(() => undefined);
              return result?.refreshToken.reveal();
            }),
          );
          states = states.flatMap((state) => serialOrders(state, used, answers, tokens, open.clock.now()));
          expect(states).not.toEqual([]);
        }
        await auth.signOut(session.sessionId);
      }),
      { numRuns: 40 },
    );
  });

  let shared: { email: string };
  beforeAll(async () => {
    shared = await open.newPerson();
  });
});

interface Model {
  readonly counter: number;
  readonly refreshedAtMs: number;
  readonly alive: boolean;
}

/** What one call does to a session, by the rules alone. */
function apply(state: Model, counter: number, nowMs: number): { next: Model; answer: number | undefined } {
  if (!state.alive) return { next: state, answer: undefined };
  const behind = state.counter - counter;
  if (behind === 0) {
    return { next: { ...state, counter: counter + 1, refreshedAtMs: nowMs }, answer: counter + 1 };
  }
  if (behind === 1 || nowMs - state.refreshedAtMs <= 10_000) return { next: state, answer: state.counter };
  return { next: { ...state, alive: false }, answer: undefined };
}

/** The states after each order of the calls that explains all answers; learns the tokens of new counters. */
function serialOrders(
  start: Model,
  used: readonly number[],
  answers: readonly (string | undefined)[],
  tokens: string[],
  nowMs: number,
): readonly Model[] {
  const found = new Map<string, Model>();
  const walk = (state: Model, left: readonly number[]): void => {
    if (left.length === 0) found.set(JSON.stringify(state), state);
    for (const index of left) {
      const { next, answer } = apply(state, used[index] as number, nowMs);
      const given = answers[index];
      if ((answer === undefined) !== (given === undefined)) continue;
      if (answer !== undefined && given !== undefined) {
        if (answer === tokens.length) tokens.push(given);
        if (tokens[answer] !== given) continue;
      }
      walk(
        next,
        left.filter((one) => one !== index),
      );
    }
  };
  walk(
    start,
    used.map((_, index) => index),
  );
  return [...found.values()];
}

const url = process.env['TENON_TEST_POSTGRES_URL'];

// The embedded database has one connection, so nobody ever meets a locked row there.
describe.skipIf(url === undefined)('a session whose row is locked', () => {
  let open: OpenAuth;
  let second: Database;
  beforeAll(async () => {
    open = await openAuth('postgres', { random: () => 0.5 });
    second = await openDatabase({ url: open.test.url ?? '' });
  });
  afterAll(async () => {
    await second.close();
    await open.close();
  });

  /** Holds the row of a session until released. */
  const hold = async (sessionId: string): Promise<() => Promise<void>> => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: locked, resolve: tellLocked } = Promise.withResolvers<void>();
    const transaction = second.withSystem('test', async (tx) => {
      await sql`select 1 from sessions where id = ${sessionId} for update`.execute(tx);
      tellLocked();
      await released;
    });
    await locked;
    return async () => {
      release();
      await transaction;
    };
  };

  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };

  it('is tried again every 10 to 30 ms without keeping a connection, and says when others kept it for 5 seconds', async () => {
    const { signIn } = await open.newPerson();
    const { refreshToken, sessionId } = await signIn();
    const release = await hold(sessionId);
    const before = open.transactions('refresh');
    const failing = thrownBy(open.auth.refresh(refreshToken));
    let tries = 0;
    while (tries < 251) {
      tries += 1;
      await until(() => open.clock.pending() > 0 || open.transactions('refresh') - before > 250);
      expect(open.transactions('refresh') - before).toBe(tries);
      expect(open.test.database.statistics()).toMatchObject({ waiting: 0 });
      await open.clock.advance(20);
    }
    const error = await failing;
    expect(error).toMatchObject({ code: 'AUTH_REFRESH_BUSY', retryable: true, retryAfterMs: 1_000 });
    await release();
    expect(await codeOf(open.auth.refresh(refreshToken))).toBe('none');
  });

  it('is refreshed as soon as the row is free', async () => {
    const { signIn } = await open.newPerson();
    const { refreshToken, sessionId } = await signIn();
    const release = await hold(sessionId);
    const result = open.auth.refresh(refreshToken);
    await until(() => open.clock.pending() > 0);
    await release();
    await open.clock.advance(20);
    expect((await result).sessionId).toBe(sessionId);
    expect(open.clock.pending()).toBe(0);
  });

  it('is waited for no longer than the caller is there', async () => {
    const { signIn } = await open.newPerson();
    const { refreshToken, sessionId } = await signIn();
    const release = await hold(sessionId);
    const caller = new AbortController();
    const code = runInContext({ signal: caller.signal }, () => codeOf(open.auth.refresh(refreshToken)));
    await until(() => open.clock.pending() > 0);
    caller.abort();
    expect(await code).toBe('ABORTED');
    expect(open.clock.pending()).toBe(0);
    await release();
  });
});

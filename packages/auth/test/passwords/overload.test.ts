import { runInContext } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuth, PASSWORD, thrownBy, type OpenAuth } from '../open-auth.ts';

describe('a storm of sign-ins', () => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth('pglite');
  });
  afterAll(() => open.close());

  const settled = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };
  const register = (index: number) => ({
    email: `storm-${Math.random()}-${index}@example.org`,
    password: PASSWORD,
    name: 'S',
  });

  it('runs 2 at a time, lets 64 wait, and sheds the rest at once with AUTH_OVERLOADED', async () => {
    const auth = open.another({ bcryptCost: 6 });
    const errors: unknown[] = [];
    let done = 0;
    const all = Array.from({ length: 80 }, (_, index) =>
      auth.register(register(index)).then(
        () => (done += 1),
        (error: unknown) => errors.push(error),
      ),
    );
    await settled(() => errors.length === 14);
    // Shed while the others have not had their turn yet.
    expect(done).toBeLessThan(66);
    expect(auth.statistics()).toMatchObject({ running: 2, shed: 14 });
    await Promise.all(all);
    expect(auth.statistics()).toEqual({ running: 0, waiting: 0, compares: 0, hashes: 66, shed: 14 });
    expect(errors[0]).toMatchObject({ code: 'AUTH_OVERLOADED', retryable: true });
    expect((errors[0] as { retryAfterMs: number }).retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(errors.every((error) => (error as { code: string }).code === 'AUTH_OVERLOADED')).toBe(true);
  });

  it('is shed in signing in as well, and what is shed counts as no failure', async () => {
    const { email } = await open.newPerson();
    const auth = open.another({ bcryptCost: 9, hashConcurrency: 1, hashQueueMax: 0 });
    const taken = auth.register(register(0));
    await settled(() => auth.statistics().running === 1);
    const codes = await Promise.all(
      Array.from({ length: 10 }, () => codeOf(auth.signIn({ email, password: PASSWORD }))),
    );
    expect(new Set(codes)).toEqual(new Set(['AUTH_OVERLOADED']));
    await taken;
    expect(await codeOf(open.auth.signIn({ email, password: PASSWORD }))).toBe('none');
  });

  it('keeps to hashConcurrency and hashQueueMax', async () => {
    const auth = open.another({ bcryptCost: 8, hashConcurrency: 3, hashQueueMax: 4 });
    const all = Array.from({ length: 9 }, (_, index) => codeOf(auth.register(register(index))));
    await settled(() => auth.statistics().shed === 2);
    expect(auth.statistics()).toMatchObject({ running: 3, waiting: 4, shed: 2 });
    expect((await Promise.all(all)).filter((code) => code === 'none')).toHaveLength(7);
  });

  it('takes out of the queue whoever has left', async () => {
    const auth = open.another({ bcryptCost: 8, hashConcurrency: 1, hashQueueMax: 1 });
    const running = auth.register(register(0));
    const caller = new AbortController();
    const waiting = runInContext({ signal: caller.signal }, () => codeOf(auth.register(register(1))));
    await settled(() => auth.statistics().waiting === 1);
    caller.abort();
    expect(await waiting).toBe('ABORTED');
    expect(auth.statistics()).toMatchObject({ waiting: 0 });
    const next = auth.register(register(2)); // the place in the queue is free again
    await Promise.all([running, next]);
    expect(auth.statistics()).toMatchObject({ running: 0, hashes: 2, shed: 0 });
    const gone = await runInContext({ signal: AbortSignal.abort() }, async () => {
      const busy = auth.register(register(3)).catch(() => undefined);
      const code = await codeOf(auth.register(register(4)));
      await busy;
      return code;
    });
    expect(gone).toBe('ABORTED');
  });

  it('advises to come back later, the longer the queue is', async () => {
    const auth = open.another({ bcryptCost: 4, hashConcurrency: 1, hashQueueMax: 40, clock: open.clock });
    const all = Array.from({ length: 42 }, (_, index) =>
      auth.register(register(index)).catch((error: unknown) => error),
    );
    const last = (await all.at(-1)) as { retryAfterMs: number };
    // 41 turns at the 250 ms that are assumed before anything was measured.
    expect(last.retryAfterMs).toBe(10_250);
    await Promise.all(all);
  });

  it('refuses those who wait when auth is closed, and lets those who run finish', async () => {
    const auth = open.another({ bcryptCost: 8, hashConcurrency: 1 });
    const running = codeOf(auth.register(register(0)));
    const waiting = codeOf(auth.register(register(1)));
    await settled(() => auth.statistics().waiting === 1);
    await auth.close();
    expect(await running).toBe('none');
    expect(await waiting).toBe('AUTH_CLOSED');
    expect((await thrownBy(auth.register(register(2))))['code']).toBe('AUTH_CLOSED');
  });
});

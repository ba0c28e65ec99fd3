import { createKeyedMutex, createMutex } from '@tenon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGates, settle } from './gates.ts';

describe('a mutex', () => {
  it('runs one at a time, in the order in which they came', async () => {
    const gates = createGates();
    const mutex = createMutex();
    const all = ['a', 'b', 'c'].map((name) => mutex.run(gates.work(name)));
    for (const name of ['c', 'b']) gates.open(name);
    await settle();
    expect(gates.begun).toEqual(['a']);
    gates.open('a');
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
    expect(gates.begun).toEqual(['a', 'b', 'c']);
  });

  it('lets the next one run after a failure, which is that of its caller alone', async () => {
    const mutex = createMutex();
    const broken = new Error('broken');
    const failed = mutex.run(() => Promise.reject(broken));
    const next = mutex.run(async () => 'next');
    await expect(failed).rejects.toBe(broken);
    expect(await next).toBe('next');
  });

  it('lets who waits give up', async () => {
    const gates = createGates();
    const mutex = createMutex();
    const first = mutex.run(gates.work('first'));
    const caller = new AbortController();
    const gone = mutex.run(gates.work('gone'), caller.signal);
    caller.abort();
    await expect(gone).rejects.toMatchObject({ code: 'ABORTED' });
    gates.open('first');
    expect(await first).toBe('first');
    expect(gates.begun).toEqual(['first']);
  });
});

describe('a mutex by key', () => {
  it('runs the work of one key in turn, and that of another beside it', async () => {
    const gates = createGates();
    const mutex = createKeyedMutex<string>();
    const all = [
      mutex.run('a', gates.work('a1')),
      mutex.run('a', gates.work('a2')),
      mutex.run('b', gates.work('b1')),
    ] as const;
    expect(gates.begun).toEqual(['a1', 'b1']);
    gates.open('b1');
    expect(await all[2]).toBe('b1');
    expect(gates.begun).toEqual(['a1', 'b1']);
    gates.open('a1');
    gates.open('a2');
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'b1']);
    expect(gates.begun).toEqual(['a1', 'b1', 'a2']);
  });

  it('takes what is the same object for the same key', async () => {
    const gates = createGates();
    const mutex = createKeyedMutex<object>();
    const [one, other] = [{}, {}];
    const all = [mutex.run(one, gates.work('one')), mutex.run(other, gates.work('other'))];
    expect(gates.begun).toEqual(['one', 'other']);
    for (const name of ['one', 'other']) gates.open(name);
    await Promise.all(all);
  });

  it('goes on after work of a key that failed, at once or later', async () => {
    const mutex = createKeyedMutex<string>();
    const outcomes = await Promise.allSettled([
      mutex.run('a', () => {
        throw new Error('at once');
      }),
      mutex.run('a', () => Promise.reject(new Error('later'))),
      mutex.run('a', async () => 'next'),
    ]);
    expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
      'Error: at once',
      'Error: later',
      'next',
    ]);
  });

  it('keeps nothing of a key without work, also when the last of it has given up', async () => {
    const gates = createGates();
    const mutex = createKeyedMutex<number>();
    const caller = new AbortController();
    const all = Array.from({ length: 100 }, (_, key) => mutex.run(key, gates.work(String(key))));
    const gone = mutex.run(0, gates.work('gone'), caller.signal).catch((error: unknown) => error);
    expect(mutex.size).toBe(100);
    caller.abort();
    expect(await gone).toMatchObject({ code: 'ABORTED' });
    expect(mutex.size).toBe(100);
    for (let key = 0; key < 100; key += 1) gates.open(String(key));
    await Promise.all(all);
    expect(mutex.size).toBe(0);
    await expect(mutex.run(0, gates.work('gone'), AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
    expect(mutex.size).toBe(0);
  });

  it('is idle when nothing runs or waits, also of what came meanwhile, and whatever failed', async () => {
    const gates = createGates();
    const mutex = createKeyedMutex<string>();
    await mutex.idle();
    const first = mutex.run('a', gates.work('a1')).catch((error: unknown) => error);
    let idle = false;
    const waited = mutex.idle().then(() => (idle = true));
    const meanwhile = mutex.run('b', gates.work('b1'));
    gates.fail('a1', new Error('broken'));
    await settle();
    expect(idle).toBe(false);
    gates.open('b1');
    await Promise.all([first, meanwhile, waited]);
    expect(idle).toBe(true);
    expect(mutex.size).toBe(0);
  });

  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
  };

  it('never lets two of one key run at once, in whatever turn one ends, another gives up and others come', async () => {
    const grid = Array.from({ length: 10 }, (_, index) => index);
    for (const [givesUpAt, comesAt] of grid.flatMap((one) => grid.map((other) => [one, other] as const))) {
      const mutex = createKeyedMutex<string>();
      const count = { atOnce: 0, most: 0 };
      const work = (length: number) => async (): Promise<void> => {
        count.most = Math.max(count.most, (count.atOnce += 1));
        await turns(length);
        count.atOnce -= 1;
      };
      const caller = new AbortController();
      const later = async (turn: number): Promise<void> => {
        await turns(turn);
        await mutex.run('key', work(9));
      };
      const all = [
        mutex.run('key', work(3)),
        mutex.run('key', work(3), caller.signal).catch(() => undefined),
        later(comesAt),
        later(comesAt + 4),
        turns(givesUpAt).then(() => caller.abort()),
      ];
      await Promise.all(all);
      expect([count.most, mutex.size], `gives up at ${givesUpAt}, comes at ${comesAt}`).toEqual([1, 0]);
    }
  });

  it('does so for many keys and callers, of whom some give up and some fail', async () => {
    const step = fc.record({
      key: fc.nat(2),
      after: fc.nat(6),
      length: fc.nat(3),
      abortAfter: fc.option(fc.nat(6), { nil: undefined }),
      fails: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (plan) => {
        const mutex = createKeyedMutex<number>();
        const running = new Map<number, number>();
        let most = 0;
        const all = plan.map(async ({ key, after, length, abortAfter, fails }) => {
          await turns(after);
          const caller = new AbortController();
          if (abortAfter !== undefined) void turns(abortAfter).then(() => caller.abort());
          const work = async (): Promise<void> => {
            const atOnce = (running.get(key) ?? 0) + 1;
            running.set(key, atOnce);
            most = Math.max(most, atOnce);
            await turns(length);
            running.set(key, atOnce - 1);
            if (fails) throw new Error('failed');
          };
          await mutex.run(key, work, caller.signal).catch(() => undefined);
        });
        await Promise.all(all);
        expect(most).toBeLessThanOrEqual(1);
        expect(mutex.size).toBe(0);
      }),
    );
  });
});

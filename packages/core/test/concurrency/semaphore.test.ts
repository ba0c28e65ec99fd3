import { createSemaphore, currentContext, runInContext } from '@tenon/core';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createGates, settle } from './gates.ts';

describe('a semaphore', () => {
  it('runs as much at a time as it has permits, and the rest in the order in which it came', async () => {
    const gates = createGates();
    const semaphore = createSemaphore(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => semaphore.run(gates.work(name)));
    expect(gates.begun).toEqual(['a', 'b']);
    expect([semaphore.running, semaphore.waiting]).toEqual([2, 2]);
    gates.open('b');
    await settle();
    expect(gates.begun).toEqual(['a', 'b', 'c']);
    for (const name of ['a', 'c', 'd']) gates.open(name);
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
    expect([semaphore.running, semaphore.waiting]).toEqual([0, 0]);
  });

  it('hands a place to who waits, before anybody who comes as it becomes free', async () => {
    const gates = createGates();
    const semaphore = createSemaphore(1);
    const late = semaphore.run(gates.work('first')).then(() => semaphore.run(gates.work('late')));
    const waiting = semaphore.run(gates.work('waiting'));
    for (const name of ['first', 'late', 'waiting']) gates.open(name);
    await Promise.all([late, waiting]);
    expect(gates.begun).toEqual(['first', 'waiting', 'late']);
  });

  it('gets its place back from work that fails, also before its first promise', async () => {
    const semaphore = createSemaphore(1);
    const broken = new Error('broken');
    const thrown = semaphore.run(() => {
      throw broken;
    });
    const rejected = semaphore.run(() => Promise.reject(broken));
    const next = semaphore.run(async () => 'next');
    await expect(thrown).rejects.toBe(broken);
    await expect(rejected).rejects.toBe(broken);
    expect(await next).toBe('next');
    expect(semaphore.running).toBe(0);
  });

  it('runs work in the context of whoever brought it, and not of whoever made room', async () => {
    const gates = createGates();
    const semaphore = createSemaphore(1);
    const first = runInContext({ tenant: 'acme' }, () => semaphore.run(gates.work('first')));
    const second = runInContext({ tenant: 'globex' }, () => semaphore.run(async () => currentContext()?.tenant));
    gates.open('first');
    await first;
    expect(await second).toBe('globex');
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity])('cannot have %d permits', (permits) => {
    expect(() => createSemaphore(permits)).toThrow(RangeError);
  });

  it('lets each one run once, never more than its permits, whatever leaves the queue meanwhile', async () => {
    const steps = fc.array(fc.record({ aborts: fc.boolean(), fails: fc.boolean(), turns: fc.nat(3) }), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (permits, plan) => {
        const semaphore = createSemaphore(permits);
        const ran: number[] = [];
        let atOnce = 0;
        let most = 0;
        const outcomes = plan.map(({ aborts, fails, turns }, index) => {
          const caller = new AbortController();
          const outcome = semaphore.run(async () => {
            ran.push(index);
            most = Math.max(most, (atOnce += 1));
            for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
            atOnce -= 1;
            if (fails) throw new Error('failed');
          }, caller.signal);
          if (aborts) caller.abort();
          return outcome.catch(() => undefined);
        });
        await Promise.all(outcomes);
        expect(most).toBeLessThanOrEqual(permits);
        expect(ran).toEqual(ran.toSorted((left, right) => left - right));
        // What had its place before it was aborted runs all the same.
        expect(plan.filter(({ aborts }, index) => !aborts && !ran.includes(index))).toEqual([]);
        expect([semaphore.running, semaphore.waiting]).toEqual([0, 0]);
      }),
    );
  });
});

describe('waiting for a semaphore', () => {
  const busy = () => {
    const gates = createGates();
    const semaphore = createSemaphore(1);
    return { gates, semaphore, first: semaphore.run(gates.work('first')) };
  };

  it('ends when the caller gives up, with the reason as cause, and the others move up', async () => {
    const { gates, semaphore, first } = busy();
    const caller = new AbortController();
    const gone = semaphore.run(gates.work('gone'), caller.signal);
    const next = semaphore.run(gates.work('next'));
    const reason = new Error('the client left');
    caller.abort(reason);
    await expect(gone).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
    expect(semaphore.waiting).toBe(1);
    gates.open('first');
    gates.open('next');
    await Promise.all([first, next]);
    expect(gates.begun).toEqual(['first', 'next']);
  });

  it('does not begin when the caller has given up already, even if there is a place', async () => {
    const { gates, semaphore, first } = busy();
    await expect(semaphore.run(gates.work('gone'), AbortSignal.abort('left'))).rejects.toMatchObject({
      code: 'ABORTED',
      cause: 'left',
    });
    gates.open('first');
    await first;
    await expect(semaphore.run(gates.work('gone'), AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
    expect(gates.begun).toEqual(['first']);
    expect(semaphore.running).toBe(0);
  });

  it('is over for work that runs: a signal does not end it', async () => {
    const { gates, semaphore, first } = busy();
    const caller = new AbortController();
    const second = semaphore.run(gates.work('second'), caller.signal);
    gates.open('first');
    await first;
    await settle();
    caller.abort();
    gates.open('second');
    expect(await second).toBe('second');
  });

  it('leaves no listener on a signal that lives on', async () => {
    const { gates, semaphore, first } = busy();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const second = semaphore.run(gates.work('second'), signal);
    gates.open('first');
    gates.open('second');
    await Promise.all([first, second]);
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed.mock.calls[0]?.slice(0, 2)).toEqual(added.mock.calls[0]?.slice(0, 2));
  });
});

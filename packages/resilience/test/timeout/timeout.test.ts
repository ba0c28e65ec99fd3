import { setTimeout as wait } from 'node:timers/promises';
import { currentContext, deadlineAfter, runAs, runInContext } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { circuitBreaker, pipeline, retry, timeout, type ResilienceEvent } from '@tenon/resilience';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, failureOf } from '../support/failure-of.ts';
import { scriptedWork, settle } from '../support/scripted-work.ts';

describe('a timeout', () => {
  it('aborts the work when its time is over, and rejects at once although the work goes on', async () => {
    const clock = createTestClock();
    const { calls, work } = scriptedWork();
    const failed = failureOf(timeout({ name: 'mail', clock, ms: 100 }).run(work));
    const signal = calls[0]?.call.signal;
    await clock.advance(99);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(signal?.aborted).toBe(true);
    const error = await failed;
    expect(error).toMatchObject({ code: 'CALL_TIMED_OUT', retryable: true, details: { name: 'mail', timeoutMs: 100 } });
    expect(signal?.reason).toBe(error);
  });

  it('has aborted the work before the caller hears of it', async () => {
    const clock = createTestClock();
    const { calls, work } = scriptedWork();
    let aborted: boolean | undefined;
    const run = timeout({ clock, ms: 100 }).run(work);
    const signal = calls[0]?.call.signal;
    const heard = run.catch(() => (aborted = signal?.aborted));
    await clock.advance(100);
    await heard;
    expect(aborted).toBe(true);
  });

  it('gives a signal that is aborted already to who asks for it too late', async () => {
    const clock = createTestClock();
    const { calls, work } = scriptedWork();
    const failed = failureOf(timeout({ clock, ms: 100 }).run(work));
    await clock.advance(100);
    expect(calls[0]?.call.signal.aborted).toBe(true);
    expect(calls[0]?.call.signal.reason).toBe(await failed);
  });

  it('leaves what is quicker alone: value, error, and what is no promise', async () => {
    const clock = createTestClock();
    const limit = timeout({ clock, ms: 100 });
    const error = new Error('broken');
    expect(await limit.run(() => 'value')).toBe('value');
    expect(await limit.run(async () => 'promise')).toBe('promise');
    expect(await failureOf(limit.run(() => Promise.reject(error)))).toBe(error);
    const throws = () => {
      throw error;
    };
    expect(await failureOf(limit.run(throws))).toBe(error);
    expect(limit.statistics()).toEqual({ running: 0, timedOut: 0, lateResults: 0 });
  });

  it('hands a late result over, tells of it, and counts it', async () => {
    const clock = createTestClock();
    const events: ResilienceEvent[] = [];
    const limit = timeout({ name: 'mail', clock, ms: 100, onEvent: (event) => events.push(event) });
    const late: unknown[] = [];
    const { calls, work } = scriptedWork();
    const failed = codeOf(limit.run(work, { onLateResult: (value) => late.push(value) }));
    await clock.advance(100);
    expect(await failed).toBe('CALL_TIMED_OUT');
    expect(late).toEqual([]);
    calls[0]?.succeed('a connection');
    await settle();
    expect(late).toEqual(['a connection']);
    expect(events).toEqual([
      { type: 'timed-out', name: 'mail', timeoutMs: 100 },
      { type: 'late-result', name: 'mail' },
    ]);
    expect(limit.statistics()).toEqual({ running: 0, timedOut: 1, lateResults: 1 });
  });

  it('forgets a late failure, and a failure to let go', async () => {
    const clock = createTestClock();
    const limit = timeout({ clock, ms: 100 });
    const [first, second] = [scriptedWork(), scriptedWork()];
    const throws = () => {
      throw new Error('cannot close');
    };
    const runs = Promise.allSettled([limit.run(first.work, { onLateResult: throws }), limit.run(second.work)]);
    await clock.advance(100);
    await runs;
    first.calls[0]?.succeed('late');
    second.calls[0]?.fail(new Error('late'));
    await wait(5);
    expect(limit.statistics().lateResults).toBe(1);
  });

  it('gives nobody a late result twice: who got it does not lose it', async () => {
    const clock = createTestClock();
    const controller = new AbortController();
    const late: unknown[] = [];
    const run = timeout({ clock, ms: 100 }).run(async () => 'mine', {
      signal: controller.signal,
      onLateResult: (value) => late.push(value),
    });
    await Promise.resolve();
    await Promise.resolve();
    controller.abort();
    const outcome = await run.catch(() => 'aborted');
    expect(late).toEqual(outcome === 'mine' ? [] : ['mine']);
  });

  it('shares one timer among all its calls, and has none when nothing has run for its time', async () => {
    const clock = createTestClock();
    const limit = timeout({ clock, ms: 100 });
    for (let call = 0; call < 100; call += 1) await limit.run(() => call);
    expect(clock.pending()).toBe(1);
    await clock.advance(100);
    expect(clock.pending()).toBe(0);
    expect(limit.statistics().timedOut).toBe(0);
  });

  it('ends each call at its own time, whichever end before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ pauseMs: fc.nat(60), tookMs: fc.nat(200).filter((ms) => ms !== 100) }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (script) => {
          const clock = createTestClock();
          const limit = timeout({ clock, ms: 100 });
          const runs: Promise<readonly [string, number]>[] = [];
          for (const { pauseMs, tookMs } of script) {
            await clock.advance(pauseMs);
            const startedMs = clock.monotonicMs();
            const work = () => new Promise((resolve) => clock.schedule(() => resolve('done'), tookMs));
            const run = limit.run(work).then(
              () => 'done',
              () => 'late',
            );
            runs.push(run.then((outcome) => [outcome, clock.monotonicMs() - startedMs]));
          }
          await clock.advance(1_000);
          const ended = await Promise.all(runs);
          expect(ended).toEqual(script.map(({ tookMs }) => (tookMs < 100 ? ['done', tookMs] : ['late', 100])));
          expect([limit.statistics().running, clock.pending()]).toEqual([0, 0]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('lets the earlier of two win, and tells the work the moment', async () => {
    for (const [outerMs, innerMs] of [
      [100, 200],
      [200, 100],
    ] as const) {
      const clock = createTestClock();
      const { calls, work } = scriptedWork();
      const failed = failureOf(pipeline(timeout({ clock, ms: outerMs }), timeout({ clock, ms: innerMs })).run(work));
      expect(calls[0]?.call.deadline.atMs).toBe(100);
      await clock.advance(100);
      expect(await failed).toMatchObject({ code: 'CALL_TIMED_OUT', details: { timeoutMs: 100 } });
    }
  });

  it('limits a run with all its attempts outside of retry, and each attempt within', async () => {
    const clock = createTestClock();
    const { calls, work } = scriptedWork();
    const guarded = pipeline(
      timeout({ name: 'run', clock, ms: 250 }),
      retry({ clock, attempts: 9, idempotent: true, backoff: () => 0 }),
      timeout({ name: 'attempt', clock, ms: 100 }),
    );
    const failed = failureOf(guarded.run(work));
    await clock.advance(249);
    expect(calls.map(({ call }) => [call.attempt, call.signal.aborted])).toEqual([
      [1, true],
      [2, true],
      [3, false],
    ]);
    await clock.advance(1);
    expect(await failed).toMatchObject({ details: { name: 'run' } });
    expect(calls[2]?.call.signal.aborted).toBe(true);
  });

  it('works on the clock of the machine', async () => {
    const started = performance.now();
    expect(await codeOf(timeout({ ms: 20 }).run(() => new Promise(() => undefined)))).toBe('CALL_TIMED_OUT');
    expect(performance.now() - started).toBeGreaterThanOrEqual(19);
  });

  it.each([0, -1, Number.NaN])('refuses %d ms', (ms) => {
    expect(() => timeout({ ms })).toThrow(
      expect.objectContaining({ code: 'RESILIENCE_OPTIONS_INVALID', details: { option: 'timeout.ms' } }),
    );
  });

  it('has no end when it is told so, and no timer', async () => {
    const clock = createTestClock();
    const { calls, work } = scriptedWork();
    const run = timeout({ clock, ms: Infinity }).run(work);
    expect([clock.pending(), calls[0]?.call.deadline.atMs]).toEqual([0, Infinity]);
    calls[0]?.succeed('at last');
    expect(await run).toBe('at last');
  });
});

describe('the caller', () => {
  it('is heard before the timeout, with a reason of its own, by a pipeline and by a strategy alone', async () => {
    const clock = createTestClock();
    for (const guarded of [timeout({ clock, ms: 100 }), retry({ clock }), circuitBreaker({ clock }), pipeline()]) {
      const controller = new AbortController();
      const { calls, work } = scriptedWork();
      const failed = failureOf(guarded.run(work, { signal: controller.signal }));
      const signal = calls[0]?.call.signal;
      controller.abort('gone');
      expect([signal?.aborted, signal?.reason]).toEqual([true, 'gone']);
      expect(await failed).toBe('gone');
    }
  });

  it('has the work not even begun when it gave up before', async () => {
    const { calls, work } = scriptedWork();
    const guarded = pipeline(retry(), circuitBreaker(), timeout({ ms: 10 }));
    expect(await failureOf(guarded.run(work, { signal: AbortSignal.abort('gone') }))).toBe('gone');
    expect(calls).toHaveLength(0);
  });

  it('leaves no listener behind on its signal', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    await retry().run(() => 'fine', { signal });
    await failureOf(retry().run(() => Promise.reject(new Error('no')), { signal }));
    expect(listeners).toBe(0);
  });

  it('may give a deadline: its signal ends the run, its moment is that of the work', async () => {
    const clock = createTestClock();
    const deadline = deadlineAfter(100, { clock, name: 'the request' });
    const { calls, work } = scriptedWork();
    const failed = codeOf(timeout({ clock, ms: 500 }).run(work, { deadline }));
    const call = calls[0]?.call;
    expect(call?.deadline.atMs).toBe(deadline.atMs);
    expect(call?.deadline.remainingMs()).toBe(100);
    expect(() => call?.deadline.check()).not.toThrow();
    await clock.advance(100);
    expect(await failed).toBe('DEADLINE_EXCEEDED');
    expect(call?.deadline.remainingMs()).toBe(0);
    expect(() => call?.deadline.check()).toThrow(expect.objectContaining({ code: 'DEADLINE_EXCEEDED' }));
    expect(call?.deadline.signal).toBe(call?.signal);
    call?.deadline.cancel();
  });

  it('is the context when it says nothing: signal and deadline come from there', async () => {
    const clock = createTestClock();
    const controller = new AbortController();
    const deadline = deadlineAfter(100, { clock });
    const { calls, work } = scriptedWork();
    const guarded = timeout({ clock, ms: 500 });
    const first = failureOf(runInContext({ signal: controller.signal }, () => guarded.run(work)));
    controller.abort('gone');
    expect(await first).toBe('gone');
    const second = codeOf(runInContext({ deadline }, () => guarded.run(work)));
    expect(calls[1]?.call.deadline.atMs).toBe(100);
    await clock.advance(100);
    expect(await second).toBe('DEADLINE_EXCEEDED');
  });

  it('never finds the tenant of another call in what its abort sets off', async () => {
    const clock = createTestClock();
    const guarded = timeout({ clock, ms: 100 });
    const seen: unknown[] = [];
    const runFor = (tenant: string) =>
      runAs({ tenant }, () =>
        failureOf(
          guarded.run(({ signal }) => {
            signal.addEventListener('abort', () => seen.push(currentContext()?.tenant));
            return new Promise(() => undefined);
          }),
        ),
      );
    const runs = [runFor('acme'), runFor('umbrella')];
    // The timer is armed by the call of acme, and fires in that context on the machine's clock; here it fires in none.
    await clock.advance(100);
    await Promise.all(runs);
    expect(seen).toEqual(['acme', 'umbrella']);
  });
});

import { createTestClock } from '@tenon/core/testing';
import {
  bulkhead,
  circuitBreaker,
  hedge,
  pipeline,
  retryBudget,
  timeout,
  type ResilienceEvent,
} from '@tenon/resilience';
import { describe, expect, it } from 'vitest';
import { codeOf, failureOf } from '../support/failure-of.ts';
import { scriptedWork, settle } from '../support/scripted-work.ts';

const idempotent = true;

describe('a hedge', () => {
  it('is off for work that is not declared idempotent', async () => {
    for (const [strategy, call, expected] of [
      [undefined, undefined, 1],
      [true, undefined, 2],
      [undefined, true, 2],
      [true, false, 1],
    ] as const) {
      const clock = createTestClock();
      const { calls, work } = scriptedWork();
      const guarded = hedge({ clock, delayMs: 50, ...(strategy === undefined ? {} : { idempotent: strategy }) });
      void guarded.run(work, call === undefined ? {} : { idempotent: call });
      await clock.advance(1_000);
      expect(calls).toHaveLength(expected);
      expect(guarded.statistics().calls).toBe(expected - 1);
    }
  });

  it('starts a second call beside a slow one, takes the first answer, and aborts the other', async () => {
    const clock = createTestClock();
    const events: ResilienceEvent[] = [];
    const guarded = hedge({ name: 'search', clock, delayMs: 50, idempotent, onEvent: (one) => events.push(one) });
    const { calls, work } = scriptedWork();
    const late: unknown[] = [];
    const running = guarded.run(work, { onLateResult: (value) => late.push(value) });
    await clock.advance(49);
    expect(calls).toHaveLength(1);
    await clock.advance(1);
    expect(calls.map(({ call }) => [call.attempt, call.hedge])).toEqual([
      [1, 0],
      [1, 1],
    ]);
    const signals = calls.map(({ call }) => call.signal);
    calls[1]?.succeed('quick');
    expect(await running).toBe('quick');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(signals[0]?.reason).toMatchObject({ code: 'CALL_SUPERSEDED' });
    calls[0]?.succeed('slow');
    await settle();
    expect(late).toEqual(['slow']);
    expect(events).toEqual([{ type: 'hedge-started', name: 'search', hedge: 1 }]);
    expect(guarded.statistics()).toEqual({ calls: 1, hedges: 1, won: 1 });
  });

  it('starts none for a call that ends in time, and leaves no timer', async () => {
    const clock = createTestClock();
    const guarded = hedge({ clock, delayMs: 50, idempotent });
    expect(await guarded.run(() => 'fine')).toBe('fine');
    expect(await codeOf(guarded.run(() => Promise.reject(new Error('no'))))).toBe('Error: no');
    expect([clock.pending(), guarded.statistics().hedges]).toEqual([0, 0]);
  });

  it('starts as many as it is told, each after another delay', async () => {
    const clock = createTestClock();
    const { calls, work } = scriptedWork();
    const running = hedge({ clock, delayMs: 50, hedges: 3, idempotent }).run(work);
    const begun: number[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      begun.push(calls.length);
      await clock.advance(50);
    }
    expect(begun).toEqual([1, 2, 3, 4, 4, 4]);
    calls[0]?.succeed('the first');
    expect(await running).toBe('the first');
  });

  it('waits for the others when one fails, and throws the first error when all do', async () => {
    const clock = createTestClock();
    const guarded = hedge({ clock, delayMs: 50, idempotent });
    const [saved, lost] = [scriptedWork(), scriptedWork()];
    const [good, bad] = [guarded.run(saved.work), failureOf(guarded.run(lost.work))];
    await clock.advance(50);
    saved.calls[0]?.fail(new Error('first'));
    saved.calls[1]?.succeed('second');
    expect(await good).toBe('second');
    const error = new Error('second');
    lost.calls[1]?.fail(error);
    lost.calls[0]?.fail(new Error('first'));
    expect(await bad).toBe(error);
    expect(clock.pending()).toBe(0);
  });

  it('ends all calls when the caller gives up, and starts no more', async () => {
    const clock = createTestClock();
    const { calls, work } = scriptedWork();
    const controller = new AbortController();
    const failed = failureOf(
      hedge({ clock, delayMs: 50, hedges: 2, idempotent }).run(work, { signal: controller.signal }),
    );
    await clock.advance(50);
    const signals = calls.map(({ call }) => call.signal);
    controller.abort('gone');
    expect(await failed).toBe('gone');
    expect(signals.map(({ reason }) => reason)).toEqual(['gone', 'gone']);
    await clock.advance(1_000);
    expect([calls.length, clock.pending()]).toEqual([2, 0]);
  });

  it('pays for hedges from its budget', async () => {
    const clock = createTestClock();
    const budget = retryBudget({ clock, capacity: 1, perSecond: 0, ratio: 0 });
    const guarded = hedge({ clock, delayMs: 50, hedges: 3, idempotent, budget });
    const { calls, work } = scriptedWork();
    void guarded.run(work);
    await clock.advance(500);
    expect([calls.length, guarded.statistics().hedges]).toEqual([2, 1]);
  });

  it('does not hold it against the dependency that a call lost, and frees its place', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, failures: 1, isFailure: () => true });
    const places = bulkhead({ clock, concurrency: 2, queue: 0 });
    const { calls, work } = scriptedWork();
    const running = pipeline(
      hedge({ clock, delayMs: 50, idempotent }),
      breaker,
      places,
      timeout({ clock, ms: 1_000 }),
    ).run(work);
    await clock.advance(50);
    expect(places.statistics().running).toBe(2);
    calls[1]?.succeed('won');
    expect(await running).toBe('won');
    await settle();
    expect([places.statistics().running, breaker.state, breaker.statistics().failures]).toEqual([0, 'closed', 0]);
  });

  it.each([
    ['hedge.delayMs', { delayMs: -1 }],
    ['hedge.hedges', { delayMs: 1, hedges: 0 }],
    ['hedge.hedges', { delayMs: 1, hedges: 11 }],
  ])('refuses a wrong %s', (option, options) => {
    expect(() => hedge(options)).toThrow(
      expect.objectContaining({ code: 'RESILIENCE_OPTIONS_INVALID', details: { option } }),
    );
  });
});

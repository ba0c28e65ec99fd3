import { CodedError } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { bulkhead, circuitBreaker, isCircuitFailure, pipeline, timeout, type CircuitBreaker } from '@tenon/resilience';
import { describe, expect, it } from 'vitest';
import { codeOf, failureOf, passing } from '../support/failure-of.ts';
import { scriptedWork } from '../support/scripted-work.ts';

const fail = async () => {
  throw new Error('down');
};
const succeed = async () => 'up';

async function failTimes(breaker: CircuitBreaker, times: number): Promise<void> {
  for (let call = 0; call < times; call += 1) await failureOf(breaker.run(fail));
}

describe('a circuit breaker', () => {
  it('opens after five failures in a row by default, or as many as it is told', async () => {
    for (const [options, expected] of [
      [{}, 5],
      [{ failures: 1 }, 1],
      [{ failures: 3 }, 3],
    ] as const) {
      const breaker = circuitBreaker({ clock: createTestClock(), ...options });
      await failTimes(breaker, expected - 1);
      expect(breaker.state).toBe('closed');
      await failTimes(breaker, 1);
      expect(breaker.state).toBe('open');
    }
  });

  it('begins to count anew after a success', async () => {
    const breaker = circuitBreaker({ clock: createTestClock(), failures: 2 });
    for (let turn = 0; turn < 5; turn += 1) {
      await failTimes(breaker, 1);
      expect(await breaker.run(succeed)).toBe('up');
    }
    expect(breaker.state).toBe('closed');
  });

  it('turns calls away while it is open, without calling the work, and says when to come back', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ name: 'mail', clock, failures: 1, openMs: 1_000 });
    await failTimes(breaker, 1);
    await clock.advance(400);
    const { calls, work } = scriptedWork();
    expect(await failureOf(breaker.run(work))).toMatchObject({
      code: 'CIRCUIT_OPEN',
      retryable: true,
      retryAfterMs: 600,
      details: { name: 'mail', state: 'open' },
    });
    expect(calls).toHaveLength(0);
    expect(breaker.statistics()).toMatchObject({ rejected: 1, retryAfterMs: 600 });
  });

  it('lets a probe through after 30 seconds by default, or when it is told', async () => {
    for (const [options, openMs] of [
      [{}, 30_000],
      [{ openMs: 50 }, 50],
    ] as const) {
      const clock = createTestClock();
      const breaker = circuitBreaker({ clock, failures: 1, ...options });
      await failTimes(breaker, 1);
      await clock.advance(openMs - 1);
      expect(await codeOf(breaker.run(succeed))).toBe('CIRCUIT_OPEN');
      await clock.advance(1);
      expect(await breaker.run(succeed)).toBe('up');
      expect(breaker.state).toBe('closed');
    }
  });

  it('opens again when the probe fails, for longer each time up to the longest time', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, failures: 1, openMs: 100, openMultiplier: 3, maxOpenMs: 500 });
    await failTimes(breaker, 1);
    for (const expected of [100, 300, 500, 500]) {
      expect(breaker.statistics().retryAfterMs).toBe(expected);
      await clock.advance(expected);
      await failTimes(breaker, 1);
      expect(breaker.state).toBe('open');
    }
    await clock.advance(500);
    await breaker.run(succeed);
    await failTimes(breaker, 1);
    expect(breaker.statistics().retryAfterMs).toBe(100);
  });

  it('stays open for the same time, and never for longer than five minutes, when it is told nothing else', async () => {
    const clock = createTestClock();
    const constant = circuitBreaker({ clock, failures: 1, openMs: 100 });
    const growing = circuitBreaker({ clock, failures: 1, openMs: 200_000, openMultiplier: 10 });
    for (const breaker of [constant, growing]) {
      await failTimes(breaker, 1);
      await clock.advance(200_000);
      await failTimes(breaker, 1);
    }
    expect([constant.statistics().retryAfterMs, growing.statistics().retryAfterMs]).toEqual([0, 300_000]);
  });

  it('has no timer, in any state', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, window: { windowMs: 1_000, minimumCalls: 1 } });
    await breaker.run(succeed);
    await failTimes(breaker, 2);
    expect([breaker.state, clock.pending()]).toEqual(['open', 0]);
    await clock.advance(30_000);
    void failureOf(breaker.run(scriptedWork().work));
    expect([breaker.state, clock.pending()]).toEqual(['half-open', 0]);
  });

  it('counts what speaks against the dependency: not a refusal, not a guard further in', async () => {
    expect(isCircuitFailure(new Error('ECONNREFUSED'))).toBe(true);
    expect(isCircuitFailure(passing())).toBe(true);
    expect(isCircuitFailure(new CodedError('NOT_FOUND', 'no such thing'))).toBe(false);
    expect(isCircuitFailure(new CodedError('BULKHEAD_FULL', 'full', { retryable: true }))).toBe(false);
    const breaker = circuitBreaker({ clock: createTestClock(), failures: 1 });
    expect(await codeOf(breaker.run(() => Promise.reject(new CodedError('NOT_FOUND', 'no'))))).toBe('NOT_FOUND');
    expect([breaker.state, breaker.statistics().failures]).toEqual(['closed', 0]);
  });

  it('asks its own classifier instead; what is no failure is an answer', async () => {
    const breaker = circuitBreaker({ clock: createTestClock(), failures: 2, isFailure: (error) => error === 'bad' });
    await failureOf(breaker.run(() => Promise.reject('bad')));
    await failureOf(breaker.run(() => Promise.reject('good')));
    await failureOf(breaker.run(() => Promise.reject('bad')));
    expect(breaker.state).toBe('closed');
    await failureOf(breaker.run(() => Promise.reject('bad')));
    expect(breaker.state).toBe('open');
  });

  it('does not hold it against the dependency when the caller gives up', async () => {
    const breaker = circuitBreaker({ clock: createTestClock(), failures: 1 });
    const controller = new AbortController();
    const failed = failureOf(breaker.run(scriptedWork().work, { signal: controller.signal }));
    controller.abort();
    expect(await failed).toBe(controller.signal.reason);
    expect(breaker.state).toBe('closed');
  });

  it.each(['within', 'around'] as const)('counts a timeout %s it as a failure', async (place) => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, failures: 1 });
    const limit = timeout({ clock, ms: 100 });
    const guarded = place === 'within' ? pipeline(breaker, limit) : pipeline(limit, breaker);
    const failed = codeOf(guarded.run(scriptedWork().work));
    await clock.advance(100);
    expect([await failed, breaker.state]).toEqual(['CALL_TIMED_OUT', 'open']);
  });

  it('does not hear of calls that a bulkhead turned away', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, failures: 1, isFailure: () => true });
    const guarded = pipeline(breaker, bulkhead({ clock, concurrency: 1, queue: 0 }));
    void guarded.run(scriptedWork().work);
    expect(await codeOf(guarded.run(succeed))).toBe('BULKHEAD_FULL');
    expect(breaker.state).toBe('closed');
  });

  it('counts a slow call as a failure', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, failures: 2, slowCallMs: 100 });
    const takes = async (ms: number): Promise<void> => {
      const { calls, work } = scriptedWork();
      const running = breaker.run(work);
      await clock.advance(ms);
      calls[0]?.succeed('late but fine');
      expect(await running).toBe('late but fine');
    };
    await takes(100);
    await takes(99);
    await takes(100);
    expect(breaker.state).toBe('closed');
    await takes(100);
    expect([breaker.state, breaker.statistics().slowCalls]).toEqual(['open', 3]);
  });

  it('can be opened and closed by hand', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, failures: 2 });
    breaker.isolate();
    await clock.advance(1_000_000);
    expect(await failureOf(breaker.run(succeed))).toMatchObject({
      code: 'CIRCUIT_OPEN',
      details: { state: 'isolated' },
    });
    breaker.reset();
    await failTimes(breaker, 1);
    breaker.reset();
    await failTimes(breaker, 1);
    expect(await breaker.run(succeed)).toBe('up');
  });

  it('tells of each change and each call that it turns away', async () => {
    const clock = createTestClock();
    const events: unknown[] = [];
    const breaker = circuitBreaker({
      name: 'mail',
      clock,
      failures: 1,
      openMs: 10,
      onEvent: (one) => events.push(one),
    });
    await failTimes(breaker, 2);
    await clock.advance(10);
    await breaker.run(succeed);
    expect(events).toEqual([
      { type: 'circuit-opened', name: 'mail' },
      { type: 'circuit-rejected', name: 'mail', retryAfterMs: 10 },
      { type: 'circuit-half-opened', name: 'mail' },
      { type: 'circuit-closed', name: 'mail' },
    ]);
    expect(breaker.statistics()).toEqual({
      state: 'closed',
      successes: 1,
      failures: 1,
      slowCalls: 0,
      rejected: 1,
      timesOpened: 1,
      retryAfterMs: 0,
    });
  });

  it.each([
    ['circuitBreaker.failures', { failures: 0 }],
    ['circuitBreaker.openMs', { openMs: -1 }],
    ['circuitBreaker.openMultiplier', { openMultiplier: 0.5 }],
    ['circuitBreaker.maxOpenMs', { openMs: 100, maxOpenMs: 99 }],
    ['circuitBreaker.probes', { probes: 0 }],
    ['circuitBreaker.successesToClose', { successesToClose: 0 }],
    ['circuitBreaker.slowCallMs', { slowCallMs: 0 }],
    ['circuitBreaker.window', { failures: 5, window: { calls: 10 } }],
    ['circuitBreaker.window.calls', { window: { calls: 0 } }],
    ['circuitBreaker.window.windowMs', { window: { windowMs: 9 } }],
    ['circuitBreaker.window.failureRatio', { window: { calls: 10, failureRatio: 1.1 } }],
    ['circuitBreaker.window.slowRatio', { window: { calls: 10, slowRatio: 0 } }],
    ['circuitBreaker.window.minimumCalls', { window: { calls: 10, minimumCalls: 0 } }],
  ])('refuses a wrong %s', (option, options) => {
    expect(() => circuitBreaker(options)).toThrow(
      expect.objectContaining({ code: 'RESILIENCE_OPTIONS_INVALID', details: { option } }),
    );
  });
});

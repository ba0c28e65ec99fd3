import { createTestClock } from '@tenon/core/testing';
import { bulkhead, circuitBreaker, pipeline, rateLimit, retry, timeout } from '@tenon/resilience';
import { describe, expect, it } from 'vitest';
import { codeOf, failureOf, passing } from '../support/failure-of.ts';
import { scriptedWork, settle } from '../support/scripted-work.ts';

const atOnce = () => 0;

describe('a pipeline', () => {
  it('without strategies runs the work as it is', async () => {
    const error = new Error('as it is');
    expect(await pipeline().run(({ attempt, hedge }) => [attempt, hedge])).toEqual([1, 0]);
    expect(await failureOf(pipeline().run(() => Promise.reject(error)))).toBe(error);
  });

  it('shows each attempt to the breaker, and each run to the rate limit', async () => {
    const clock = createTestClock();
    const [limit, breaker] = [rateLimit({ clock, calls: 5 }), circuitBreaker({ clock, failures: 9 })];
    const running = codeOf(
      pipeline(limit, retry({ clock, backoff: atOnce }), breaker).run(() => Promise.reject(passing())),
    );
    await clock.advance(0);
    expect(await running).toBe('DEPENDENCY_BUSY');
    expect([limit.statistics().admitted, breaker.statistics().failures]).toEqual([1, 3]);
  });

  it('ends its retries when the circuit opens', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, failures: 2 });
    const running = codeOf(
      pipeline(retry({ clock, attempts: 9, backoff: atOnce }), breaker).run(() => Promise.reject(passing())),
    );
    await clock.advance(0);
    expect(await running).toBe('CIRCUIT_OPEN');
    expect(breaker.statistics()).toMatchObject({ failures: 2, rejected: 1 });
  });

  it('does not count the wait for a place as time of the attempt', async () => {
    const clock = createTestClock();
    const guarded = pipeline(bulkhead({ clock, concurrency: 1 }), timeout({ clock, ms: 100 }));
    const { calls, work } = scriptedWork();
    const runs = [guarded.run(work), guarded.run(work)];
    await clock.advance(90);
    calls[0]?.succeed('first');
    await clock.advance(90);
    calls[1]?.succeed('second');
    expect(await Promise.all(runs)).toEqual(['first', 'second']);
  });

  it('gives each attempt a signal of its own', async () => {
    const clock = createTestClock();
    const { calls, work } = scriptedWork();
    const running = pipeline(retry({ clock, backoff: atOnce, idempotent: true }), timeout({ clock, ms: 100 })).run(
      work,
    );
    await clock.advance(100);
    expect(calls.map(({ call }) => call.signal.aborted)).toEqual([true, false]);
    expect(calls[0]?.call.signal).toBe(calls[0]?.call.signal);
    calls[1]?.succeed('fine');
    expect(await running).toBe('fine');
  });

  it('shares the state of a strategy that is part of several', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, failures: 1 });
    const [reads, writes] = [pipeline(retry({ clock }), breaker), pipeline(breaker)];
    await failureOf(reads.run(() => Promise.reject(new Error('down'))));
    expect(await codeOf(writes.run(() => 'up'))).toBe('CIRCUIT_OPEN');
  });

  it('can be run within another: the signal and the deadline of the outer call go in', async () => {
    const clock = createTestClock();
    const [outer, inner] = [timeout({ clock, ms: 100 }), pipeline(retry({ clock }), timeout({ clock, ms: 500 }))];
    const { calls, work } = scriptedWork();
    const failed = failureOf(outer.run(({ signal, deadline }) => inner.run(work, { signal, deadline })));
    expect(calls[0]?.call.deadline.atMs).toBe(100);
    await clock.advance(100);
    expect(await failed).toMatchObject({ code: 'CALL_TIMED_OUT', details: { timeoutMs: 100 } });
    expect(calls[0]?.call.signal.aborted).toBe(true);
    await settle();
    expect(inner.strategies[1].statistics().running).toBe(0);
  });

  it('does not let a listener that throws decide how a call ends', async () => {
    const onEvent = () => {
      throw new Error('listener');
    };
    const breaker = circuitBreaker({ clock: createTestClock(), failures: 1, onEvent });
    expect(await codeOf(breaker.run(() => Promise.reject(new Error('down'))))).toBe('Error: down');
    expect(await codeOf(breaker.run(() => 'up'))).toBe('CIRCUIT_OPEN');
  });
});

import { deadlineAfter } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import { rateLimit, type ResilienceEvent } from '@tenon/resilience';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, failureOf } from '../support/failure-of.ts';
import { settle } from '../support/scripted-work.ts';

async function admittedOf(limit: ReturnType<typeof rateLimit>, calls: number): Promise<number> {
  const runs = await Promise.allSettled(Array.from({ length: calls }, () => limit.run(() => 'fine')));
  return runs.filter(({ status }) => status === 'fulfilled').length;
}

describe('a rate limit', () => {
  it('admits so many calls at once, and as many again in each period', async () => {
    const clock = createTestClock();
    const limit = rateLimit({ clock, calls: 10, perMs: 1_000 });
    expect(await admittedOf(limit, 15)).toBe(10);
    await clock.advance(500);
    expect(await admittedOf(limit, 15)).toBe(5);
    await clock.advance(60_000);
    expect(await admittedOf(limit, 15)).toBe(10);
  });

  it('has a period of a second by default', async () => {
    const clock = createTestClock();
    const limit = rateLimit({ clock, calls: 4 });
    await admittedOf(limit, 4);
    await clock.advance(750);
    expect(await admittedOf(limit, 9)).toBe(3);
  });

  it('admits a burst of its own size', async () => {
    const clock = createTestClock();
    const smooth = rateLimit({ clock, calls: 10, burst: 1 });
    expect(await admittedOf(smooth, 5)).toBe(1);
    await clock.advance(1_000);
    expect(await admittedOf(smooth, 5)).toBe(1);
    expect(await admittedOf(rateLimit({ clock, calls: 1, burst: 20 }), 25)).toBe(20);
    expect(await admittedOf(rateLimit({ clock, calls: 0.5 }), 5)).toBe(1);
  });

  it('says when to come back, and that is the moment at which there is room', async () => {
    const clock = createTestClock();
    const events: ResilienceEvent[] = [];
    const limit = rateLimit({ name: 'geo', clock, calls: 2, perMs: 1_000, onEvent: (one) => events.push(one) });
    await admittedOf(limit, 2);
    await clock.advance(100);
    expect(await failureOf(limit.run(() => 1))).toMatchObject({
      code: 'RATE_LIMITED',
      retryable: true,
      retryAfterMs: 400,
    });
    expect(events).toEqual([{ type: 'rate-limited', name: 'geo', retryAfterMs: 400 }]);
    await clock.advance(399);
    expect(await codeOf(limit.run(() => 1))).toBe('RATE_LIMITED');
    await clock.advance(1);
    expect(await limit.run(() => 1)).toBe(1);
    expect(limit.statistics()).toEqual({ available: 0, admitted: 3, waiting: 0, rejected: 2 });
  });

  it('lets calls wait for their turn when it is told, in the order in which they came', async () => {
    const clock = createTestClock();
    const limit = rateLimit({ clock, calls: 1, perMs: 100, maxWaitMs: 250 });
    const seen: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      limit
        .run(() => clock.monotonicMs())
        .then(
          (at) => seen.push(`${name} ${at}`),
          () => seen.push(`${name} rejected`),
        );
    }
    await settle();
    expect(limit.statistics()).toMatchObject({ waiting: 2, rejected: 1 });
    await clock.advance(1_000);
    expect(seen).toEqual(['a 0', 'd rejected', 'b 100', 'c 200']);
    expect([limit.statistics().waiting, clock.pending()]).toEqual([0, 0]);
  });

  it('never waits past the deadline', async () => {
    const clock = createTestClock();
    const limit = rateLimit({ clock, calls: 1, perMs: 100, maxWaitMs: 1_000 });
    await limit.run(() => 1);
    const deadline = deadlineAfter(99, { clock });
    expect(await codeOf(limit.run(() => 1, { deadline }))).toBe('RATE_LIMITED');
    deadline.cancel();
  });

  it('takes the turn of a caller who gives up back', async () => {
    const clock = createTestClock();
    const limit = rateLimit({ clock, calls: 1, perMs: 100, maxWaitMs: 1_000 });
    await limit.run(() => 1);
    const controller = new AbortController();
    const failed = failureOf(limit.run(() => 1, { signal: controller.signal }));
    controller.abort('gone');
    expect(await failed).toBe('gone');
    const next = limit.run(() => clock.monotonicMs());
    await clock.advance(100);
    expect([await next, clock.pending()]).toEqual([100, 0]);
  });

  it('never admits more than burst and rate allow in any stretch of time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(120), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 5 }),
        async (pauses, calls, burst) => {
          const clock = createTestClock();
          const limit = rateLimit({ clock, calls, burst });
          const admitted: number[] = [];
          for (const pause of pauses) {
            await clock.advance(pause);
            await limit.run(() => admitted.push(clock.monotonicMs())).catch(() => undefined);
          }
          admitted.forEach((from, first) =>
            admitted.slice(first).forEach((until, count) => {
              expect(count + 1).toBeLessThanOrEqual(burst + ((until - from) / 1_000) * calls + 1e-6);
            }),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each([
    ['rateLimit.calls', { calls: 0 }],
    ['rateLimit.calls', { calls: Infinity }],
    ['rateLimit.perMs', { calls: 1, perMs: 0 }],
    ['rateLimit.burst', { calls: 1, burst: 0 }],
    ['rateLimit.maxWaitMs', { calls: 1, maxWaitMs: Infinity }],
  ])('refuses a wrong %s', (option, options) => {
    expect(() => rateLimit(options)).toThrow(
      expect.objectContaining({ code: 'RESILIENCE_OPTIONS_INVALID', details: { option } }),
    );
  });
});

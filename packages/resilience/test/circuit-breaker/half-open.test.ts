import { createTestClock } from '@tenon/core/testing';
import { bulkhead, circuitBreaker, pipeline, type CircuitBreakerOptions } from '@tenon/resilience';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, failureOf } from '../support/failure-of.ts';
import { scriptedWork, settle } from '../support/scripted-work.ts';

/** A breaker that is due to let probes through. */
async function due(options: CircuitBreakerOptions = {}) {
  const clock = createTestClock();
  const breaker = circuitBreaker({ clock, failures: 1, openMs: 1_000, ...options });
  await failureOf(breaker.run(() => Promise.reject(new Error('down'))));
  await clock.advance(1_000);
  return { clock, breaker, ...scriptedWork() };
}

describe('a half-open circuit', () => {
  it.each([1, 3, 10])(
    'lets exactly %i of 50 callers through to a dependency that hangs; the others fail at once',
    async (probes) => {
      const { breaker, calls, work } = await due({ probes });
      const outcomes: string[] = [];
      for (let caller = 0; caller < 50; caller += 1) void codeOf(breaker.run(work)).then((code) => outcomes.push(code));
      await settle();
      expect(calls).toHaveLength(probes);
      expect(outcomes).toEqual(Array.from({ length: 50 - probes }, () => 'CIRCUIT_OPEN'));
    },
  );

  it('closes after as many good probes as it lets through, or as it is told', async () => {
    for (const [options, expected] of [
      [{}, 1],
      [{ probes: 3 }, 3],
      [{ probes: 2, successesToClose: 4 }, 4],
      [{ probes: 4, successesToClose: 2 }, 2],
    ] as const) {
      const { breaker } = await due(options);
      for (let probe = 1; probe < expected; probe += 1) {
        await breaker.run(() => 'up');
        expect(breaker.state).toBe('half-open');
      }
      await breaker.run(() => 'up');
      expect(breaker.state).toBe('closed');
    }
  });

  it('lets no more probes through than it needs', async () => {
    const { breaker, calls, work } = await due({ probes: 4, successesToClose: 2 });
    for (let caller = 0; caller < 10; caller += 1) void failureOf(breaker.run(work));
    await settle();
    expect(calls).toHaveLength(2);
  });

  it('has no more probes under way than it is told, also when it needs more of them', async () => {
    const { breaker, calls, work } = await due({ probes: 2, successesToClose: 5 });
    const runs = Array.from({ length: 10 }, () => breaker.run(work));
    const settled = Promise.allSettled(runs);
    expect(calls).toHaveLength(2);
    for (const call of calls) call.succeed('up');
    await settled;
    void breaker.run(work);
    void breaker.run(work);
    void failureOf(breaker.run(work));
    expect(calls).toHaveLength(4);
  });

  it('opens again at one bad probe, and the other probes count for nothing any more', async () => {
    const { clock, breaker, calls, work } = await due({ probes: 3 });
    const runs = Promise.allSettled([breaker.run(work), breaker.run(work), breaker.run(work)]);
    calls[0]?.fail(new Error('still down'));
    await settle();
    expect(breaker.state).toBe('open');
    await clock.advance(1_000);
    const next = scriptedWork();
    void breaker.run(next.work);
    // They succeed in a later period than their own.
    calls[1]?.succeed('late');
    calls[2]?.succeed('late');
    await runs;
    expect(breaker.state).toBe('half-open');
    void failureOf(breaker.run(next.work));
    void failureOf(breaker.run(next.work));
    void failureOf(breaker.run(next.work));
    await settle();
    expect(next.calls).toHaveLength(3);
  });

  it('opens again when a probe is slow', async () => {
    const { clock, breaker, calls, work } = await due({ slowCallMs: 50 });
    const running = breaker.run(work);
    await clock.advance(50);
    calls[0]?.succeed('up');
    await running;
    expect(breaker.state).toBe('open');
  });

  it('counts no failure of the time before it opened', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ clock, failures: 2, openMs: 1_000 });
    const { calls, work } = scriptedWork();
    const late = failureOf(breaker.run(work));
    for (let call = 0; call < 2; call += 1) await failureOf(breaker.run(() => Promise.reject(new Error('down'))));
    await clock.advance(1_000);
    await breaker.run(() => 'up');
    await failureOf(breaker.run(() => Promise.reject(new Error('down'))));
    calls[0]?.fail(new Error('of the past'));
    await late;
    expect(breaker.state).toBe('closed');
  });

  it('gives the place of a probe back when its caller gives up', async () => {
    const { breaker, calls, work } = await due();
    const controller = new AbortController();
    const probe = failureOf(breaker.run(work, { signal: controller.signal }));
    expect(await codeOf(breaker.run(work))).toBe('CIRCUIT_OPEN');
    controller.abort();
    await probe;
    expect(breaker.state).toBe('half-open');
    void breaker.run(work);
    expect(calls).toHaveLength(2);
  });

  it('gives the place of a probe back when a bulkhead turned it away', async () => {
    const { clock, breaker } = await due();
    const places = bulkhead({ clock, concurrency: 1, queue: 0 });
    void places.run(scriptedWork().work);
    expect(await codeOf(pipeline(breaker, places).run(() => 'up'))).toBe('BULKHEAD_FULL');
    expect(await breaker.run(() => 'up')).toBe('up');
    expect(breaker.state).toBe('closed');
  });

  it('takes a probe that never ends for lost after the time for which it was open', async () => {
    const { clock, breaker, calls, work } = await due();
    const lost = breaker.run(work);
    await clock.advance(999);
    expect(await failureOf(breaker.run(work))).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 1 });
    await clock.advance(1);
    expect(await breaker.run(() => 'up')).toBe('up');
    expect(breaker.state).toBe('closed');
    calls[0]?.succeed('at last');
    expect(await lost).toBe('at last');
  });

  it('never has more probes under way than allowed, in whatever order callers come and calls end', async () => {
    const step = fc.oneof(
      fc.record({ what: fc.constant('call' as const) }),
      fc.record({ what: fc.constantFrom('succeed' as const, 'fail' as const, 'abort' as const), which: fc.nat(20) }),
      fc.record({ what: fc.constant('wait' as const), ms: fc.constantFrom(100, 999, 1_000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), async (steps, probes) => {
        const clock = createTestClock();
        const breaker = circuitBreaker({ clock, failures: 2, openMs: 1_000, probes });
        const { calls, work } = scriptedWork();
        const controllers: AbortController[] = [];
        const ended = new Set<number>();
        const turnedAway: string[] = [];
        let mostUnderWay = 0;
        const probing: { readonly index: number; readonly sinceMs: number }[] = [];
        for (const one of steps) {
          if (one.what === 'call') {
            const controller = new AbortController();
            const made = calls.length;
            const code = codeOf(breaker.run(work, { signal: controller.signal })).catch(() => 'fine');
            if (calls.length > made) {
              controllers.push(controller);
              const nowMs = clock.monotonicMs();
              if (breaker.state === 'half-open') probing.push({ index: made, sinceMs: nowMs });
              // Those that have been under way for longer than the circuit was open are taken for lost.
              const underWay = probing.filter(({ index, sinceMs }) => !ended.has(index) && nowMs - sinceMs < 1_000);
              mostUnderWay = Math.max(mostUnderWay, underWay.length);
            } else {
              turnedAway.push(`${breaker.state} ${await code}`);
            }
          } else if (one.what === 'wait') {
            await clock.advance(one.ms);
          } else {
            const index = one.which % Math.max(1, calls.length);
            ended.add(index);
            if (one.what === 'succeed') calls[index]?.succeed('up');
            else if (one.what === 'fail') calls[index]?.fail(new Error('down'));
            else controllers[index]?.abort();
            await settle();
          }
        }
        expect(mostUnderWay).toBeLessThanOrEqual(probes);
        const reasons = ['open CIRCUIT_OPEN', 'half-open CIRCUIT_OPEN'];
        expect(turnedAway.filter((one) => !reasons.includes(one))).toEqual([]);
        // Whatever happened: with time, the circuit closes again.
        await clock.advance(10_000);
        for (let probe = 0; probe < probes; probe += 1) await breaker.run(() => 'up');
        expect(breaker.state).toBe('closed');
      }),
      { numRuns: 200 },
    );
  });
});

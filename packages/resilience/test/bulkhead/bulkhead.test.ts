import { createTestClock } from '@tenon/core/testing';
import { bulkhead, pipeline, timeout, type ResilienceEvent } from '@tenon/resilience';
import * as cockatiel from 'cockatiel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, failureOf } from '../support/failure-of.ts';
import { scriptedWork, settle } from '../support/scripted-work.ts';

describe('a bulkhead', () => {
  it('runs ten calls at once by default, or as many as it is told; a hundred wait, or as many as it is told', async () => {
    for (const [options, concurrency, queue] of [
      [{}, 10, 100],
      [{ concurrency: 2, queue: 3 }, 2, 3],
      [{ concurrency: 1, queue: 0 }, 1, 0],
    ] as const) {
      const places = bulkhead({ clock: createTestClock(), ...options });
      const { calls, work } = scriptedWork();
      for (let call = 0; call < concurrency + queue; call += 1) void places.run(work);
      expect(calls).toHaveLength(concurrency);
      expect(places.statistics()).toMatchObject({ running: concurrency, queued: queue, rejected: 0 });
      expect(await codeOf(places.run(work))).toBe('BULKHEAD_FULL');
      expect(places.statistics().rejected).toBe(1);
    }
  });

  it('lets those who wait in by the order of their arrival, whether calls succeed or fail', async () => {
    const places = bulkhead({ clock: createTestClock(), concurrency: 1 });
    const order: number[] = [];
    const runs = [0, 1, 2, 3].map((number) =>
      places.run(async () => {
        order.push(number);
        if (number % 2 === 0) throw new Error('failed');
      }),
    );
    await Promise.allSettled(runs);
    expect(order).toEqual([0, 1, 2, 3]);
    expect(places.statistics()).toMatchObject({ running: 0, queued: 0 });
  });

  it('gives a place from hand to hand: who comes now is not faster than who waits', async () => {
    const places = bulkhead({ clock: createTestClock(), concurrency: 1 });
    const { calls, work } = scriptedWork();
    void places.run(work);
    void places.run(() => work({ ...calls[0]?.call, attempt: 7 } as never));
    calls[0]?.succeed('done');
    await Promise.resolve();
    void places.run(work);
    await settle();
    expect(calls.map(({ call }) => call.attempt)).toEqual([1, 7]);
  });

  it('ends a wait after 30 seconds by default, or as it is told', async () => {
    for (const [options, queueTimeoutMs] of [
      [{}, 30_000],
      [{ queueTimeoutMs: 50 }, 50],
    ] as const) {
      const clock = createTestClock();
      const events: ResilienceEvent[] = [];
      const places = bulkhead({ name: 'pdf', clock, concurrency: 1, onEvent: (one) => events.push(one), ...options });
      void places.run(scriptedWork().work);
      const failed = failureOf(places.run(() => 'never'));
      await clock.advance(queueTimeoutMs - 1);
      expect(places.statistics().queued).toBe(1);
      await clock.advance(1);
      expect(await failed).toMatchObject({
        code: 'BULKHEAD_QUEUE_TIMEOUT',
        retryable: true,
        details: { queueTimeoutMs },
      });
      expect(places.statistics()).toEqual({ running: 1, queued: 0, rejected: 0, queueTimeouts: 1 });
      expect(events).toEqual([{ type: 'bulkhead-rejected', name: 'pdf', reason: 'queue-timeout' }]);
    }
  });

  it('lets a caller leave the queue, and nobody loses a place by it', async () => {
    const places = bulkhead({ clock: createTestClock(), concurrency: 1 });
    const { calls, work } = scriptedWork();
    const first = places.run(work);
    const controller = new AbortController();
    const second = failureOf(places.run(work, { signal: controller.signal }));
    const third = places.run(work);
    controller.abort('gone');
    expect(await second).toBe('gone');
    expect(places.statistics().queued).toBe(1);
    calls[0]?.succeed(1);
    await first;
    await settle();
    calls[1]?.succeed(3);
    expect(await third).toBe(3);
    expect(places.statistics().running).toBe(0);
  });

  it('does not queue who gave up already', async () => {
    const places = bulkhead({ clock: createTestClock(), concurrency: 1 });
    void places.run(scriptedWork().work);
    expect(await failureOf(places.run(() => 1, { signal: AbortSignal.abort('gone') }))).toBe('gone');
    expect(places.statistics().queued).toBe(0);
  });

  it('frees the place of a call that timed out, within and around it', async () => {
    const clock = createTestClock();
    const places = bulkhead({ clock, concurrency: 1 });
    const limit = timeout({ clock, ms: 100 });
    for (const guarded of [pipeline(places, limit), pipeline(limit, places)]) {
      const failed = codeOf(guarded.run(scriptedWork().work));
      await clock.advance(100);
      expect(await failed).toBe('CALL_TIMED_OUT');
      expect(places.statistics().running).toBe(0);
    }
  });

  it('never runs more than allowed, loses nobody, and ends empty, whatever happens', async () => {
    const step = fc.oneof(
      fc.record({ what: fc.constantFrom('call' as const) }),
      fc.record({ what: fc.constantFrom('succeed' as const, 'fail' as const, 'abort' as const), which: fc.nat(20) }),
      fc.record({ what: fc.constant('wait' as const), ms: fc.nat(80) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(4),
        async (steps, concurrency, queue) => {
          const clock = createTestClock();
          const places = bulkhead({ clock, concurrency, queue, queueTimeoutMs: 100 });
          const { calls, work } = scriptedWork();
          const controllers: AbortController[] = [];
          const runs: Promise<unknown>[] = [];
          for (const one of steps) {
            if (one.what === 'call') {
              const controller = new AbortController();
              controllers.push(controller);
              runs.push(places.run(work, { signal: controller.signal }).catch(() => undefined));
            } else if (one.what === 'wait') {
              await clock.advance(one.ms);
            } else if (one.what === 'abort') {
              controllers[one.which]?.abort();
            } else if (one.what === 'succeed') {
              calls[one.which]?.succeed(1);
            } else {
              calls[one.which]?.fail(new Error('failed'));
            }
            await settle();
            const { running, queued } = places.statistics();
            expect(running).toBeLessThanOrEqual(concurrency);
            expect(queued).toBeLessThanOrEqual(queue);
            // Who waits, waits for a reason.
            expect(queued === 0 || running === concurrency).toBe(true);
          }
          await clock.advance(1_000);
          for (const controller of controllers) controller.abort();
          await Promise.all(runs);
          expect(places.statistics()).toMatchObject({ running: 0, queued: 0 });
          expect(clock.pending()).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('admits, queues and rejects the same calls as cockatiel, and starts them in the same order', async () => {
    const step = fc.oneof(fc.constant('call' as const), fc.nat(12));
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(4),
        async (steps, concurrency, queue) => {
          const play = async (run: (work: () => Promise<unknown>) => Promise<unknown>): Promise<readonly string[]> => {
            const seen: string[] = [];
            const ends: (() => void)[] = [];
            let number = 0;
            for (const one of steps) {
              if (one === 'call') {
                const name = `call ${(number += 1)}`;
                const work = () =>
                  new Promise<void>((resolve) => {
                    seen.push(`${name} began`);
                    ends.push(resolve);
                  });
                run(work).then(
                  () => seen.push(`${name} ended`),
                  () => seen.push(`${name} rejected`),
                );
              } else {
                ends[one]?.();
              }
              await settle();
            }
            return seen;
          };
          const peer = cockatiel.bulkhead(concurrency, queue);
          const places = bulkhead({ clock: createTestClock(), concurrency, queue });
          const [ours, theirs] = [await play((work) => places.run(work)), await play((work) => peer.execute(work))];
          // Who ends and who begins in the same moment is told in either order.
          expect(ours.toSorted()).toEqual(theirs.toSorted());
          const begun = (seen: readonly string[]) => seen.filter((one) => one.endsWith('began'));
          expect(begun(ours)).toEqual(begun(theirs));
        },
      ),
      { numRuns: 150 },
    );
  });

  it.each([
    ['bulkhead.concurrency', { concurrency: 0 }],
    ['bulkhead.queue', { queue: -1 }],
    ['bulkhead.queue', { queue: Infinity }],
    ['bulkhead.queueTimeoutMs', { queueTimeoutMs: 0 }],
  ])('refuses a wrong %s', (option, options) => {
    expect(() => bulkhead(options)).toThrow(
      expect.objectContaining({ code: 'RESILIENCE_OPTIONS_INVALID', details: { option } }),
    );
  });
});

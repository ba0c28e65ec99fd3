import { createTestClock } from '@tenon/core/testing';
import { retry, standardPipeline } from '@tenon/resilience';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { passing } from './support/failure-of.ts';
import { settle } from './support/scripted-work.ts';

const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
beforeEach(() => process.on('unhandledRejection', note));
afterEach(() => void process.off('unhandledRejection', note));

it('no rejection is left unhandled, and nothing is left running, whatever work and callers do', async () => {
  const behaviour = fc.record({
    tookMs: fc.nat(300),
    outcome: fc.constantFrom('good' as const, 'passing' as const, 'permanent' as const, 'never' as const),
    heedsSignal: fc.boolean(),
    abortAfterMs: fc.option(fc.nat(300)),
    idempotent: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(behaviour, { minLength: 1, maxLength: 12 }), async (script) => {
      const clock = createTestClock();
      const guarded = standardPipeline({
        clock,
        timeoutMs: 250,
        attemptTimeoutMs: 100,
        circuitBreaker: { failures: 3, openMs: 50 },
        bulkhead: { concurrency: 2, queue: 3, queueTimeoutMs: 60 },
        hedge: { delayMs: 40 },
        rateLimit: { calls: 8, maxWaitMs: 100 },
      });
      const runs = script.map(({ tookMs, outcome, heedsSignal, abortAfterMs, idempotent }) => {
        const controller = new AbortController();
        if (abortAfterMs !== null) clock.schedule(() => controller.abort(new Error('gone')), abortAfterMs);
        const work = ({ signal }: { readonly signal: AbortSignal }) =>
          new Promise((resolve, reject) => {
            if (heedsSignal) signal.addEventListener('abort', () => reject(signal.reason));
            if (outcome === 'never') return;
            const end = (): void =>
              outcome === 'good' ? resolve(1) : reject(outcome === 'passing' ? passing() : new Error('no'));
            clock.schedule(end, tookMs);
          });
        return guarded.run(work, { signal: controller.signal, idempotent });
      });
      const settled = Promise.allSettled(runs);
      await clock.advance(2_000);
      await settled;
      await clock.advance(60_000);
      await settle();
      expect(unhandled).toEqual([]);
      expect(guarded.bulkhead.statistics()).toMatchObject({ running: 0, queued: 0 });
      expect(clock.pending()).toBe(0);
      guarded.circuitBreaker.reset();
      expect(await guarded.run(() => 'fine')).toBe('fine');
    }),
    { numRuns: 150 },
  );
});

it('the check itself sees a rejection that is left', async () => {
  void retry().run(() => Promise.reject(new Error('left on purpose')));
  await new Promise((resolve) => void setTimeout(resolve, 5));
  expect(unhandled.splice(0)).toHaveLength(1);
});

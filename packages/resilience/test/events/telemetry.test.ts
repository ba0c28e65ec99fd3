import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createTestClock } from '@tenon/core/testing';
import {
  breakers,
  bulkhead,
  circuitBreaker,
  fallback,
  hedge,
  rateLimit,
  retry,
  retryBudget,
  timeout,
} from '@tenon/resilience';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failureOf, passing } from '../support/failure-of.ts';
import { recordMetrics, type RecordedMetrics } from '../support/recorded-metrics.ts';
import { scriptedWork, settle } from '../support/scripted-work.ts';

/** Collects garbage now, also where the process was not started so that one may. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

let recorded: RecordedMetrics;
beforeEach(() => {
  recorded = recordMetrics();
});
afterEach(() => recorded.stop());

const name = 'mail';
const fail = () => Promise.reject(passing());

describe('metrics', () => {
  it('count what happens, by dependency alone', async () => {
    const clock = createTestClock();
    const { calls, work } = scriptedWork();
    const budget = retryBudget({ clock, capacity: 1, ratio: 0, perSecond: 0 });
    const places = bulkhead({ name, clock, concurrency: 1, queue: 0 });
    const limit = rateLimit({ name, clock, calls: 1 });
    const breaker = circuitBreaker({ name, clock, failures: 1 });
    void places.run(scriptedWork().work);
    await limit.run(() => 1);
    const runs = Promise.allSettled([
      retry({ name, clock, budget, backoff: () => 0 }).run(fail),
      timeout({ name, clock, ms: 10 }).run(work),
      hedge({ name, clock, delayMs: 5, idempotent: true }).run(
        () => new Promise((resolve) => clock.schedule(() => resolve(1), 10)),
      ),
      fallback({ name, clock, to: () => 'cached' }).run(fail),
      places.run(() => 1),
      limit.run(() => 1),
      failureOf(breaker.run(fail)).then(() => breaker.run(fail)),
    ]);
    await clock.advance(100);
    await runs;
    calls[0]?.succeed('late');
    await settle();
    expect(recorded.counts()).toEqual({
      resilience_bulkhead_rejections_total: 1,
      resilience_circuit_openings_total: 1,
      resilience_circuit_rejections_total: 1,
      resilience_fallbacks_total: 1,
      resilience_hedges_total: 1,
      resilience_late_results_total: 1,
      resilience_rate_limited_total: 1,
      resilience_retries_total: 1,
      resilience_retry_budget_exhausted_total: 1,
      resilience_timeouts_total: 1,
    });
    expect(recorded.labels()).toEqual([{ dependency: name }]);
  });

  it('show the state of a breaker, and how full a bulkhead is', async () => {
    const clock = createTestClock();
    const breaker = circuitBreaker({ name, clock, failures: 1, openMs: 10 });
    const places = bulkhead({ name, clock, concurrency: 1 });
    void places.run(scriptedWork().work);
    void places.run(scriptedWork().work);
    expect(recorded.readGauges()).toEqual({
      'resilience_bulkhead_queued mail': 1,
      'resilience_bulkhead_running mail': 1,
      'resilience_circuit_state mail': 0,
    });
    await failureOf(breaker.run(fail));
    expect(recorded.readGauges()['resilience_circuit_state mail']).toBe(2);
    await clock.advance(10);
    void breaker.run(scriptedWork().work);
    expect(recorded.readGauges()['resilience_circuit_state mail']).toBe(1);
  });

  it('of a registry have its name for a label, not those of its dependencies, and show the worst state', async () => {
    const registry = breakers({ name: 'endpoints', clock: createTestClock(), failures: 1 });
    registry.for('host-1');
    await failureOf(registry.for('host-2').run(fail));
    await failureOf(registry.for('host-2').run(fail));
    expect(recorded.readGauges()).toEqual({ 'resilience_circuit_state endpoints': 2 });
    expect(recorded.labels()).toEqual([{ dependency: 'endpoints' }]);
    expect(recorded.counts()).toEqual({ resilience_circuit_openings_total: 1, resilience_circuit_rejections_total: 1 });
  });

  it('of several bulkheads of one name show all of their calls, and beside them those of another', async () => {
    const clock = createTestClock();
    const busy = () => {
      const places = bulkhead({ name, clock, concurrency: 1 });
      void places.run(scriptedWork().work);
      void places.run(scriptedWork().work);
      return places;
    };
    const kept = [busy(), busy(), bulkhead({ name, clock }), bulkhead({ name: 'other', clock })];
    expect(recorded.readGauges()).toEqual({
      'resilience_bulkhead_queued mail': 2,
      'resilience_bulkhead_queued other': 0,
      'resilience_bulkhead_running mail': 2,
      'resilience_bulkhead_running other': 0,
    });
    expect(kept).toHaveLength(4);
  });

  it.each(['first', 'last'])(
    'of several breakers of one name show the worst state: the %s one is open',
    async (which) => {
      const clock = createTestClock();
      const all = [1, 2, 3].map(() => circuitBreaker({ name, clock, failures: 1, openMs: 10 }));
      const registry = breakers({ name, clock, failures: 1 });
      const other = circuitBreaker({ name: 'other', clock });
      const state = () => recorded.readGauges()['resilience_circuit_state mail'];
      expect(state()).toBe(0);
      const broken = which === 'first' ? all[0] : all[2];
      await failureOf(broken?.run(fail) ?? Promise.resolve());
      expect(state()).toBe(2);
      await clock.advance(10);
      await broken?.run(() => 1);
      expect(state()).toBe(0);
      await failureOf(registry.for('host').run(fail));
      expect(state()).toBe(2);
      expect(recorded.readGauges()[`resilience_circuit_state ${other.name}`]).toBe(0);
    },
  );

  it('keep no strategy alive, and forget those that are gone', async () => {
    for (let index = 0; index < 10; index += 1) circuitBreaker({ name });
    expect(recorded.gauges()).toBe(1);
    // What a reference has been looked at in this turn of the loop is kept until the next.
    await settle();
    collectGarbage();
    expect(recorded.readGauges()).toEqual({});
    expect(recorded.gauges()).toBe(0);
    const later = circuitBreaker({ name });
    expect(recorded.readGauges()).toEqual({ [`resilience_circuit_state ${later.name}`]: 0 });
  });

  it('do not pile up where nobody collects metrics', async () => {
    const heapAfter = async (): Promise<number> => {
      for (let batch = 0; batch < 10; batch += 1) {
        for (let index = 0; index < 2_000; index += 1) bulkhead({ name });
        await settle();
        collectGarbage();
      }
      return process.memoryUsage().heapUsed;
    };
    const before = await heapAfter();
    expect((await heapAfter()) - before).toBeLessThan(2_000_000);
  });

  it('are silent, and harmless, while nothing happens', async () => {
    await retry({ name }).run(() => 'fine');
    await timeout({ name, ms: 10 }).run(() => 'fine');
    expect(recorded.counts()).toEqual({});
  });
});

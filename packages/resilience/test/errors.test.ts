import { isCodedError } from '@tenon/core';
import { createTestClock } from '@tenon/core/testing';
import {
  bulkhead,
  circuitBreaker,
  hedge,
  pipeline,
  rateLimit,
  resilienceErrorCodes,
  retry,
  timeout,
  type Strategy,
} from '@tenon/resilience';
import { expect, it } from 'vitest';
import { failureOf } from './support/failure-of.ts';
import { scriptedWork } from './support/scripted-work.ts';

it('every error says what failed, which dependency, and what to do', async () => {
  const clock = createTestClock();
  const name = 'mail';
  const places = bulkhead({ name, clock, concurrency: 2, queue: 1, queueTimeoutMs: 500 });
  const breaker = circuitBreaker({ name, clock, failures: 1 });
  const isolated = circuitBreaker({ name, clock });
  const limit = rateLimit({ name, clock, calls: 1 });
  const { calls, work } = scriptedWork();
  isolated.isolate();
  await limit.run(() => 1);
  await failureOf(breaker.run(() => Promise.reject(new Error('down'))));
  void places.run(work);
  void places.run(work);
  const hedged = hedge({ name, clock, delayMs: 100, idempotent: true }).run(work);
  const pending = [places.run(work), timeout({ name, clock, ms: 1_500 }).run(work)].map(failureOf);
  const { signal } = calls[2]?.call ?? {};
  const refused = [places.run(work), limit.run(work), breaker.run(work), isolated.run(work)].map(failureOf);
  await clock.advance(2_000);
  calls.at(-1)?.succeed('first');
  await hedged;
  const thrown = async (make: () => unknown) => failureOf(Promise.resolve().then(make));
  const wrongOrder: readonly Strategy[] = [circuitBreaker(), retry()];
  const errors = [
    ...(await Promise.all([...refused, ...pending])),
    signal?.reason,
    await thrown(() => pipeline(...wrongOrder)),
    await thrown(() => pipeline(retry({ clock }), timeout({ ms: 1 }))),
    await thrown(() => circuitBreaker({ failures: 1, window: { calls: 1 } })),
    await thrown(() => retry({ attempts: 0 })),
    await thrown(() => hedge({ delayMs: 1, hedges: 11 })),
    await thrown(() => timeout({ ms: Number.NaN })),
  ];
  const messages = errors.map((error) => (isCodedError(error) ? `${error.code}: ${error.message}` : String(error)));
  expect(messages.toSorted()).toMatchInlineSnapshot(`
    [
      "BULKHEAD_FULL: "mail" is busy: 2 calls run and 1 wait; try again later",
      "BULKHEAD_QUEUE_TIMEOUT: a call to "mail" waited 500 ms for one of 2 places",
      "CALL_SUPERSEDED: another call to "mail" answered first",
      "CALL_TIMED_OUT: a call to "mail" did not end within 1500 ms",
      "CIRCUIT_OPEN: the circuit to "mail" is isolated until it is reset by hand",
      "CIRCUIT_OPEN: the circuit to "mail" is open; try again in 30000 ms",
      "PIPELINE_ORDER_INVALID: retry cannot stand within circuit-breaker; from the outside in the order is fallback, rate-limit, timeout, retry, hedge, circuit-breaker, bulkhead, timeout, each once",
      "RATE_LIMITED: "mail" takes 1 calls in 1000 ms; try again in 1000 ms",
      "RESILIENCE_OPTIONS_INVALID: circuitBreaker takes either failures or window, not both",
      "RESILIENCE_OPTIONS_INVALID: hedge.hedges must be a whole number of at least 1 and at most 10, and is 11",
      "RESILIENCE_OPTIONS_INVALID: retry.attempts must be a whole number of at least 1, and is 0",
      "RESILIENCE_OPTIONS_INVALID: the strategies of a pipeline must have the same clock",
      "RESILIENCE_OPTIONS_INVALID: timeout.ms must be a number above 0, and is NaN",
    ]
  `);
  const raised = new Set(messages.map((message) => message.split(':')[0]));
  expect(raised).toEqual(new Set(resilienceErrorCodes));
});

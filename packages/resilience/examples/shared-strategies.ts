import { CodedError } from '@tenon/core';
import { bulkhead, circuitBreaker, fallback, pipeline, retry, retryBudget, timeout } from '@tenon/resilience';

// What the dependency has once, however it is called.
const budget = retryBudget({ ratio: 0.2 });
const breaker = circuitBreaker({ name: 'rates', failures: 5, openMs: 10_000 });
const places = bulkhead({ name: 'rates', concurrency: 4, queue: 20 });

const reads = pipeline(
  fallback({ name: 'rates', to: () => 'the rates of yesterday' }),
  timeout({ name: 'rates', ms: 5_000 }),
  retry({ name: 'rates', budget, backoff: () => 10 }),
  breaker,
  places,
  timeout({ name: 'rates', ms: 1_000 }),
);
const writes = pipeline(breaker, places, timeout({ name: 'rates', ms: 2_000 }));

const rates = await reads.run(async () => {
  throw new CodedError('RATES_CLOSED', 'there are no rates on a holiday');
});
console.log(rates); // the rates of yesterday

await writes.run(async () => undefined);
console.log(breaker.statistics().successes, breaker.state); // 1 closed

// What does a guard cost around a call that does nothing? A pipeline of retry, circuit breaker, bulkhead and timeout beside cockatiel's wrap of the same
// four (its timeout as ours: it rejects at once); goal: 10. The breaker alone beside cockatiel's and opossum's, the latter with its time limit and
// without; goal: 1 for all three. Ratios are calls per second, ours divided by the peer's.
import { createRequire } from 'node:module';
import { bulkhead, circuitBreaker, pipeline, retry, standardPipeline, timeout } from '@tenon/resilience';
import * as cockatiel from 'cockatiel';
import { interleave, machine, sized, type BenchResult } from './result.ts';

const ROUNDS = sized(9, 1);
const MILLISECONDS_PER_ROUND = sized(300, 10);
const TIME_LIMIT_MS = 5_000;

/** The part of opossum that is measured. */
type Opossum = new (
  work: () => Promise<number>,
  options: { readonly timeout: number | false },
) => { fire(): Promise<number>; shutdown(): void };

async function work(): Promise<number> {
  return 42;
}

function contestants() {
  // The package has no types and is CommonJS.
  const Opossum = createRequire(import.meta.url)('opossum') as Opossum;
  const timed = new Opossum(work, { timeout: TIME_LIMIT_MS });
  const untimed = new Opossum(work, { timeout: false });
  const breaker = circuitBreaker({ name: 'bench' });
  const windowed = circuitBreaker({ name: 'bench', window: { calls: 100 } });
  const guarded = pipeline(
    retry({ name: 'bench' }),
    circuitBreaker({ name: 'bench' }),
    bulkhead({ name: 'bench' }),
    timeout({ name: 'bench', ms: TIME_LIMIT_MS }),
  );
  const standard = standardPipeline({ name: 'bench' });

  const { handleAll, ConsecutiveBreaker, ExponentialBackoff, TimeoutStrategy } = cockatiel;
  const theirBreaker = () =>
    cockatiel.circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: new ConsecutiveBreaker(5) });
  const alone = theirBreaker();
  const wrapped = cockatiel.wrap(
    cockatiel.retry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() }),
    theirBreaker(),
    cockatiel.timeout(TIME_LIMIT_MS, TimeoutStrategy.Aggressive),
    cockatiel.bulkhead(10, 100),
  );
  return {
    close: (): void => {
      timed.shutdown();
      untimed.shutdown();
    },
    calls: {
      direct: work,
      pipeline: () => guarded.run(work),
      standard: () => standard.run(work),
      cockatielWrap: () => wrapped.execute(work),
      breaker: () => breaker.run(work),
      windowedBreaker: () => windowed.run(work),
      cockatielBreaker: () => alone.execute(work),
      opossum: () => timed.fire(),
      opossumUntimed: () => untimed.fire(),
    },
  };
}

/** @returns figures in calls per second, by contestant */
export async function run(): Promise<BenchResult> {
  const { calls, close } = contestants();
  const rates = await interleave(calls, { rounds: ROUNDS, millisecondsPerRound: MILLISECONDS_PER_ROUND });
  close();
  return {
    name: 'resilience',
    unit: 'calls/s',
    ours: {
      pipeline: rates.pipeline,
      'standard pipeline': rates.standard,
      breaker: rates.breaker,
      'breaker with count window': rates.windowedBreaker,
    },
    peers: {
      cockatiel: { wrap: rates.cockatielWrap, breaker: rates.cockatielBreaker },
      opossum: { breaker: rates.opossum, 'breaker without time limit': rates.opossumUntimed },
      'no guard': { call: rates.direct },
    },
    ratios: {
      'pipeline / cockatiel wrap': rates.pipeline / rates.cockatielWrap,
      'breaker / cockatiel breaker': rates.breaker / rates.cockatielBreaker,
      'breaker / opossum': rates.breaker / rates.opossum,
      'breaker / opossum without time limit': rates.breaker / rates.opossumUntimed,
      'breaker with count window / cockatiel breaker': rates.windowedBreaker / rates.cockatielBreaker,
    },
    runs: ROUNDS,
    machine: machine(),
  };
}

// Our pool beside generic-pool, tarn and lightning-pool: borrow and give back an instance that costs nothing, 10 instances, with 1, 10
// and 100 workers (the last has to queue); goal: twice the rate of each, in all three. The time to get an idle instance, 10 workers; goal:
// p99 below 10 µs. And `select 1` on PostgreSQL through our pool of pg Clients beside pg's own pool; goal: within 3 %, ratio 0.97.
// Ratios are ours divided by the peer's, in calls per second.
import { createPool } from '@tenon/resources';
import pg from 'pg';
import { besidePgPool } from './pool/beside-pg-pool.ts';
import { createContestants, work, type Contestant } from './pool/peers.ts';
import { interleave, machine, progress, sized, type BenchResult } from './result.ts';
import { createThrowAwayDatabase } from './support/throw-away-database.ts';

const MAX = 10;
const ROUNDS = sized(9, 1);
const MILLISECONDS = sized(250, 5);
const CYCLES = sized(20_000, 100);
const WORKERS = [1, 10, 100] as const;
const HITS = sized(300_000, 500);
const SERVER_ROUNDS = sized(31, 1);
const SERVER_MILLISECONDS = sized(300, 10);
const SERVER_CYCLES = sized(500, 10);

const rounded = (value: number, digits = 2): number => Math.round(value * 10 ** digits) / 10 ** digits;

type Rates = Record<keyof ReturnType<typeof createContestants>, number>;

async function ratesOf(workers: number): Promise<Rates> {
  progress(`${workers} workers`);
  const contestants = createContestants(MAX);
  const worked = (one: Contestant) => () => work(one.cycle, workers, CYCLES);
  const { ours, tarn } = contestants;
  const batches = await interleave(
    {
      ours: worked(ours),
      tarn: worked(tarn),
      'generic-pool': worked(contestants['generic-pool']),
      'lightning-pool': worked(contestants['lightning-pool']),
    },
    { rounds: ROUNDS, millisecondsPerRound: MILLISECONDS },
  );
  for (const one of Object.values(contestants)) await one.close();
  return Object.fromEntries(Object.entries(batches).map(([name, rate]) => [name, rate * CYCLES])) as Rates;
}

/** Each worker holds its instance for a turn of the others, so that all ten are in use. @returns microseconds */
async function hitP99Us(contestant: Contestant): Promise<number> {
  const times = new Float64Array(HITS);
  await work(contestant.cycle, MAX, HITS / 3);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < HITS) {
      const at = next;
      next += 1;
      const startedMs = performance.now();
      const giveBack = await contestant.acquire();
      times[at] = performance.now() - startedMs;
      await Promise.resolve();
      giveBack();
    }
  };
  await Promise.all(Array.from({ length: MAX }, worker));
  return (times.toSorted()[Math.floor(HITS * 0.99)] ?? Number.NaN) * 1_000;
}

async function latencies(): Promise<{ ours: number; lightning: number }> {
  progress('time of a hit');
  const contestants = createContestants(MAX);
  const ours = await hitP99Us(contestants.ours);
  const lightning = await hitP99Us(contestants['lightning-pool']);
  for (const one of Object.values(contestants)) await one.close();
  return { ours, lightning };
}

async function onPostgres(): Promise<{ ours: number; pgPool: number }> {
  const server = await createThrowAwayDatabase();
  const pool = createPool({
    name: 'bench',
    max: MAX,
    async create() {
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      return client;
    },
    destroy: (client) => client.end(),
  });
  const select = async (): Promise<void> => {
    const lease = await pool.acquire();
    await lease.value.query('select 1');
    lease.release();
  };
  try {
    return await besidePgPool(select, {
      url: server.url,
      workers: MAX,
      statements: SERVER_CYCLES,
      rounds: SERVER_ROUNDS,
      millisecondsPerRound: SERVER_MILLISECONDS,
    });
  } finally {
    await pool.close();
    await server.drop();
  }
}

/** Runs the bench: about a minute. */
export async function run(): Promise<BenchResult> {
  const ours: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const peers: Record<string, Record<string, number>> = {};
  for (const workers of WORKERS) {
    const { ours: own, ...others } = await ratesOf(workers);
    ours[`${workers} workers, cycles/s`] = Math.round(own);
    for (const [peer, rate] of Object.entries(others)) {
      peers[peer] = { ...peers[peer], [`${workers} workers, cycles/s`]: Math.round(rate) };
      ratios[`${workers} workers / ${peer}`] = rounded(own / rate);
    }
  }
  const hit = await latencies();
  const postgres = await onPostgres();
  return {
    name: 'pool',
    unit: '',
    ours: {
      ...ours,
      'hit p99 µs, 10 workers': rounded(hit.ours, 1),
      'select 1/s, 10 workers': Math.round(postgres.ours),
    },
    peers: {
      ...peers,
      'lightning-pool': { ...peers['lightning-pool'], 'hit p99 µs, 10 workers': rounded(hit.lightning, 1) },
      'pg.Pool': { 'select 1/s, 10 workers': Math.round(postgres.pgPool) },
    },
    ratios: {
      ...ratios,
      'select 1 / pg.Pool': rounded(postgres.ours / postgres.pgPool, 3),
      'hit p99 / 10 µs': rounded(hit.ours / 10, 3),
    },
    runs: ROUNDS,
    machine: machine(),
  };
}

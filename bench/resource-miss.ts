// Borrowing through the registry. On a local PostgreSQL: the first time of a tenant, which connects and logs in (goal: p99 below 100 ms), and
// each later time (goal: p99 below 10 ms). With an instance that costs nothing: borrowed and given back, beside the pool alone;
// what that ratio is below 1 is what scopes, quotas, events and spans cost. And alone: finding a token by its name, and making a
// context that its work reads after a wait. Ratios are calls per second, ours divided by the peer's; those of times are the part of
// the goal that is used.
import { runAs, runInContext, currentContext } from '@tenon/core';
import { createPool, createResources, defineResource, type Resources, type ResourceToken } from '@tenon/resources';
import { postgres, type PostgresFace } from '@tenon/resources/drivers/postgres';
import pg from 'pg';
import { besidePgPool } from './pool/beside-pg-pool.ts';
import { interleave, machine, progress, sized, type BenchResult } from './result.ts';
import { createThrowAwayDatabase } from './support/throw-away-database.ts';

const MISSES = sized(1_000, 5);
const HITS = sized(20_000, 50);
const ROUNDS = sized(9, 1);
const SELECTS = sized(500, 10);
const SELECT_ROUNDS = sized(21, 1);
const MILLISECONDS = sized(400, 5);
const TENANT = 'main';

const rounded = (value: number, digits = 2): number => Math.round(value * 10 ** digits) / 10 ** digits;
const at = (times: readonly number[], part: number): number =>
  times.toSorted((left, right) => left - right)[Math.floor(times.length * part)] ?? Number.NaN;

interface Times {
  readonly misses: readonly number[];
  readonly bareConnects: readonly number[];
  readonly hits: readonly number[];
  /** `select 1` a second: acquired, run and given back. */
  readonly selects: number;
  readonly bareSelects: number;
}

/** `select 1` through the registry and through pg's own pool, ten at once. */
async function selects(
  url: string,
  resources: Resources,
  token: ResourceToken<PostgresFace>,
): Promise<Pick<Times, 'selects' | 'bareSelects'>> {
  const select = async (): Promise<void> => {
    const db = await resources.acquire(token);
    await db.query('select 1');
    db.lease.release();
  };
  const perSecond = await runAs({ tenant: TENANT }, () =>
    besidePgPool(select, {
      url,
      workers: 10,
      statements: SELECTS,
      rounds: SELECT_ROUNDS,
      millisecondsPerRound: MILLISECONDS,
    }),
  );
  return { selects: perSecond.ours, bareSelects: perSecond.pgPool };
}

async function onPostgres(): Promise<Times> {
  progress('PostgreSQL');
  const server = await createThrowAwayDatabase();
  const token = postgres('bench-db', { url: server.url });
  const resources = createResources({ define: [token] });
  const [misses, bareConnects, hits]: number[][] = [[], [], []];
  try {
    for (let n = 0; n < MISSES; n += 1) {
      await runAs({ tenant: `tenant-${n}` }, async () => {
        const startedMs = performance.now();
        const db = await resources.acquire(token);
        misses?.push(performance.now() - startedMs);
        db.lease.release();
        await resources.drain(token);
      });
      const client = new pg.Client({ connectionString: server.url });
      const startedMs = performance.now();
      await client.connect();
      bareConnects?.push(performance.now() - startedMs);
      await client.end();
    }
    await runAs({ tenant: TENANT }, async () => {
      await resources.start();
      for (let n = 0; n < HITS; n += 1) {
        const startedMs = performance.now();
        const db = await resources.acquire(token);
        hits?.push(performance.now() - startedMs);
        // A connection that did something, as in life.
        if (n % 10 === 0) await db.query('select 1');
        await db[Symbol.asyncDispose]();
      }
    });
    return {
      misses: misses ?? [],
      bareConnects: bareConnects ?? [],
      hits: hits ?? [],
      ...(await selects(server.url, resources, token)),
    };
  } finally {
    await resources.close();
    await server.drop();
  }
}

const create = (): { readonly n: number } => ({ n: 1 });

const context = (): Promise<string | undefined> =>
  runInContext({ tenant: TENANT, requestId: 'bench' }, async () => {
    await Promise.resolve();
    return currentContext()?.tenant;
  });

async function rates(): Promise<Record<'manager' | 'pool' | 'lookUp' | 'context', number>> {
  progress('rates');
  const token = defineResource({ name: 'bench', create });
  const others = Array.from({ length: 999 }, (_, n) => defineResource({ name: `other-${n}`, create }));
  const resources = createResources({ define: [token, ...others] });
  const pool = createPool({ name: 'bench', create, destroy: () => undefined });
  const manager = async (): Promise<void> => {
    const borrowed = await resources.acquire(token);
    borrowed.lease.release();
  };
  const bare = async (): Promise<void> => {
    const lease = await pool.acquire();
    lease.release();
  };
  let turn = 0;
  const lookUp = (): unknown => resources.named(`other-${(turn += 1) % others.length}`);
  try {
    return await runAs({ tenant: TENANT }, () =>
      interleave({ manager, pool: bare, lookUp, context }, { rounds: ROUNDS, millisecondsPerRound: MILLISECONDS }),
    );
  } finally {
    await resources.close();
    await pool.close();
  }
}

/** Runs the bench: about half a minute. */
export async function run(): Promise<BenchResult> {
  const times = await onPostgres();
  const perSecond = await rates();
  return {
    name: 'resource-miss',
    unit: '',
    ours: {
      'first acquire ms': rounded(at(times.misses, 0.5)),
      'first acquire p99 ms': rounded(at(times.misses, 0.99)),
      'hit p99 ms': rounded(at(times.hits, 0.99), 4),
      'select 1/s, 10 workers': Math.round(times.selects),
      'acquire and release/s': Math.round(perSecond.manager),
      'registry look-up/s': Math.round(perSecond.lookUp),
      'context creation and propagation/s': Math.round(perSecond.context),
    },
    peers: {
      'pg.Client': {
        'connect ms': rounded(at(times.bareConnects, 0.5)),
        'connect p99 ms': rounded(at(times.bareConnects, 0.99)),
      },
      'pg.Pool': { 'select 1/s, 10 workers': Math.round(times.bareSelects) },
      'the pool alone': { 'acquire and release/s': Math.round(perSecond.pool) },
    },
    ratios: {
      'first acquire p99 / 100 ms': rounded(at(times.misses, 0.99) / 100, 3),
      'hit p99 / 10 ms': rounded(at(times.hits, 0.99) / 10, 5),
      'connect per second / pg.Client': rounded(at(times.bareConnects, 0.5) / at(times.misses, 0.5)),
      'select 1 / pg.Pool': rounded(times.selects / times.bareSelects, 3),
      'acquire and release / the pool alone': rounded(perSecond.manager / perSecond.pool, 3),
    },
    runs: ROUNDS,
    machine: machine(),
  };
}

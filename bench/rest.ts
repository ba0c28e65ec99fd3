// Lists, reads and writes over HTTP, on PostgreSQL with 100,000 products, 100 connections, load from a second process. The peer is a
// bare Fastify route that runs the same statements by hand. Ratios are requests per second, ours divided by the peer's: goal
// 0.7 or more. The same requests go to Tenon on its embedded database too; there is no peer for that.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAs } from '@tenon/core';
import { compose, loadSettings, type Services } from '@tenon/server';
import { sql } from 'kysely';
import { machine, median, progress, sized, type BenchResult } from './result.ts';
import { startChildServer, type ChildServer } from './support/child-server.ts';
import { load, type LoadReport, type LoadRequest } from './support/load.ts';
import { addPeople, signInAll } from './support/people.ts';
import { createThrowAwayDatabase } from './support/throw-away-database.ts';

const PRODUCTS = sized(100_000, 500);
const CONNECTIONS = 100;
const ROUNDS = sized(3, 1);
const SECONDS = sized(10, 0.5);
/** Orders of one person wait for each other at that person's row; a shop has many. */
const PEOPLE = sized(50, 2);

type Operation = 'list' | 'get' | 'create' | 'place-order';
const operations: readonly Operation[] = ['list', 'get', 'create', 'place-order'];

interface Prepared {
  readonly environment: Readonly<Record<string, string>>;
  readonly productIds: readonly string[];
  readonly userIds: readonly string[];
}

/** Makes the tenant, its owner and its products, the way the server would, and lets go of the database again. */
async function prepare(environment: Readonly<Record<string, string>>): Promise<Prepared> {
  const { settings } = loadSettings(environment);
  const composition = await compose(settings);
  try {
    await composition.ready();
    const { services } = composition;
    const userIds = await addPeople(services, PEOPLE);
    const productIds = await fill(services);
    await services.database.maintain();
    return { environment, productIds, userIds };
  } finally {
    await composition.stop();
  }
}

async function fill({ database }: Services): Promise<readonly string[]> {
  await runAs({ tenant: 'main' }, () =>
    database.withTenant((tx) =>
      sql`insert into products (id, sku, name, name_key, description, category, price_minor, currency, stock, status, created_at, updated_at)
        select '018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), 'SKU-' || n, 'Product ' || n, 'product ' || n, 'Number ' || n,
          'Category ' || n % 50, 100 + n % 9900, 'EUR', 1000000000, 'active', now() - n * interval '1 second', now()
        from generate_series(1, ${PRODUCTS}::int) as n`.execute(tx),
    ),
  );
  const { rows } = await runAs({ tenant: 'main' }, () =>
    database.withTenant((tx) => sql<{ id: string }>`select id from products order by md5(id) limit 5000`.execute(tx)),
  );
  return rows.map(({ id }) => id);
}

function requestFor(operation: Operation, { url, tokens }: Measured, prepared: Prepared, turn: string): LoadRequest {
  const headers = tokens.map((token) => ({ authorization: `Bearer ${token}` }));
  const choices = prepared.productIds;
  switch (operation) {
    case 'list':
      return { method: 'GET', url: `${url}/v1/products`, headers };
    case 'get':
      return { method: 'GET', url: `${url}/v1/products/{choice}`, headers, choices };
    case 'create':
      return {
        method: 'POST',
        url: `${url}/v1/products`,
        headers,
        body: `{"sku":"${turn}-{n}","name":"Made by the bench","priceMinor":995,"currency":"EUR","stock":5}`,
      };
    case 'place-order':
      return {
        method: 'POST',
        url: `${url}/v1/orders`,
        headers,
        choices,
        body: '{"lines":[{"productId":"{choice}","quantity":1}]}',
      };
    default:
      return operation satisfies never;
  }
}

interface Measured {
  readonly name: string;
  readonly url: string;
  readonly tokens: readonly string[];
}

async function signedIn(name: string, url: string): Promise<Measured> {
  return { name, url, tokens: await signInAll(url, PEOPLE) };
}

interface MeasuredLoad extends LoadReport {
  readonly eventLoopDelayMs: number | undefined;
}

/** The 99th percentile of how late the server's event loop was since the last call, as its metrics say. */
async function eventLoopDelayMs({ name, url }: Measured): Promise<number | undefined> {
  if (name === 'bare') return undefined;
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_event_loop_delay_p99\S* (\S+)/m.exec(metrics)?.[1]) * 1000;
}

async function measure(servers: readonly Measured[], prepared: Prepared): Promise<Map<string, MeasuredLoad[]>> {
  const reports = new Map<string, MeasuredLoad[]>();
  for (const operation of operations) {
    for (let round = 0; round <= ROUNDS; round += 1) {
      const turns = round % 2 === 0 ? servers : servers.toReversed();
      for (const server of turns) {
        const { name } = server;
        const turn = `${name}-${operation}-${round}`;
        const seconds = round === 0 ? SECONDS / 5 : SECONDS;
        await eventLoopDelayMs(server);
        const report = await load(requestFor(operation, server, prepared, turn), {
          connections: CONNECTIONS,
          seconds,
        });
        const line = `${Math.round(report.requestsPerSecond)}/s, p95 ${report.p95.toFixed(1)} ms`;
        progress(
          `${operation} ${name} ${round === 0 ? 'warm-up' : `round ${round}`}: ${line}, ${report.failures} failures`,
        );
        if (round === 0) continue;
        const measured = { ...report, eventLoopDelayMs: await eventLoopDelayMs(server) };
        reports.set(`${name} ${operation}`, [...(reports.get(`${name} ${operation}`) ?? []), measured]);
      }
    }
  }
  return reports;
}

function figures(reports: ReadonlyMap<string, MeasuredLoad[]>, name: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const operation of operations) {
    const runs = reports.get(`${name} ${operation}`) ?? [];
    found[`${operation} requests/s`] = Math.round(median(runs.map((one) => one.requestsPerSecond)));
    for (const key of ['p50', 'p95', 'p99'] as const) {
      found[`${operation} ${key} ms`] = Math.round(median(runs.map((one) => one[key])) * 10) / 10;
    }
    const delays = runs.flatMap(({ eventLoopDelayMs: delay }) => (delay === undefined ? [] : [delay]));
    if (delays.length > 0) found[`${operation} event loop delay p99 ms`] = Math.round(median(delays) * 10) / 10;
    found[`${operation} failures`] = runs.reduce((sum, one) => sum + one.failures, 0);
  }
  return found;
}

async function withServers<T>(
  servers: readonly Promise<ChildServer>[],
  work: (servers: readonly ChildServer[]) => Promise<T>,
): Promise<T> {
  const started = await Promise.all(servers);
  try {
    return await work(started);
  } finally {
    await Promise.all(started.map((server) => server.stop()));
  }
}

async function onPostgres(folder: string): Promise<Map<string, MeasuredLoad[]>> {
  const database = await createThrowAwayDatabase();
  try {
    progress(`PostgreSQL: filling in ${PRODUCTS} products`);
    const prepared = await prepare({
      TENON_DATA_DIR: folder,
      TENON_DATABASE_URL: database.url,
      TENON_BCRYPT_COST: '10',
    });
    const ours = startChildServer('bench/rest/tenon-server.ts', { ...prepared.environment, TENON_PORT: '0' });
    const bare = startChildServer('bench/rest/bare-server.ts', {
      BARE_DATABASE_URL: database.url,
      BARE_TENANT: 'main',
      BARE_USERS: prepared.userIds.join(','),
    });
    return await withServers([ours, bare], async ([tenon, peer]) =>
      measure(
        [await signedIn('tenon', tenon?.url ?? ''), { name: 'bare', url: peer?.url ?? '', tokens: ['none'] }],
        prepared,
      ),
    );
  } finally {
    await database.drop();
  }
}

async function onEmbedded(folder: string): Promise<Map<string, MeasuredLoad[]>> {
  progress(`embedded: filling in ${PRODUCTS} products`);
  const prepared = await prepare({ TENON_DATA_DIR: folder, TENON_BCRYPT_COST: '10' });
  const server = startChildServer('bench/rest/tenon-server.ts', { ...prepared.environment, TENON_PORT: '0' });
  return withServers([server], async ([tenon]) => measure([await signedIn('embedded', tenon?.url ?? '')], prepared));
}

/** Runs the bench: about eight minutes. */
export async function run(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
  try {
    const server = await onPostgres(join(folder, 'postgres'));
    const embedded = await onEmbedded(join(folder, 'embedded'));
    const ours = figures(server, 'tenon');
    const bare = figures(server, 'bare');
    return {
      name: 'rest',
      unit: '',
      ours: {
        ...ours,
        ...Object.fromEntries(
          Object.entries(figures(embedded, 'embedded')).map(([key, value]) => [`embedded ${key}`, value]),
        ),
      },
      peers: { 'bare Fastify and node-postgres': bare },
      ratios: Object.fromEntries(
        operations.map((operation) => {
          const key = `${operation} requests/s`;
          return [operation, Math.round(((ours[key] ?? 0) / (bare[key] ?? 1)) * 100) / 100];
        }),
      ),
      runs: ROUNDS,
      machine: machine(),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

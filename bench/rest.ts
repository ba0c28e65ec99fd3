// Lists, reads and writes over HTTP, on PostgreSQL with 100,000 products, 100 connections, load from a second process. The peer is a
// bare Fastify route that runs the same statements by hand. Ratios are requests per second, ours divided by the peer's: goal
// 0.7 or more. The same requests go to Tenon on its embedded database too; there is no peer for that.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAs } from '@tenon/core';
import { compose, loadSettings, type Services } from '@tenon/server';
import { sql } from 'kysely';
import { machine, median, progress, type BenchResult } from './result.ts';
import { startChildServer, type ChildServer } from './support/child-server.ts';
import { load, type LoadReport, type LoadRequest } from './support/load.ts';
import { createThrowAwayDatabase } from './support/throw-away-database.ts';

const PRODUCTS = 100_000;
const CONNECTIONS = 100;
const ROUNDS = 3;
const SECONDS = 5;
const OWNER = { email: 'owner@bench.example', password: 'a bench needs an owner' };

type Operation = 'list' | 'get' | 'create' | 'place-order';
const operations: readonly Operation[] = ['list', 'get', 'create', 'place-order'];

interface Prepared {
  readonly environment: Readonly<Record<string, string>>;
  readonly productIds: readonly string[];
  readonly userId: string;
}

/** Makes the tenant, its owner and its products, the way the server would, and lets go of the database again. */
async function prepare(environment: Readonly<Record<string, string>>): Promise<Prepared> {
  const { settings } = loadSettings(environment);
  const composition = await compose(settings);
  try {
    await composition.ready();
    const { services } = composition;
    const account = await services.auth.register({ ...OWNER, name: 'Owner' });
    const { owner } = await services.tenancy.tenants.create({
      id: 'main',
      name: 'Bench',
      owner: { accountId: account.id, email: account.email, name: account.name },
    });
    const productIds = await fill(services);
    await services.database.maintain();
    return { environment, productIds, userId: owner.id };
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

function requestFor(operation: Operation, url: string, prepared: Prepared, token: string, turn: string): LoadRequest {
  const headers = { authorization: `Bearer ${token}` };
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

async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(OWNER),
  });
  const { accessToken } = (await response.json()) as { readonly accessToken: string };
  return accessToken;
}

interface Measured {
  readonly name: string;
  readonly url: string;
  readonly token: string;
}

async function measure(servers: readonly Measured[], prepared: Prepared): Promise<Map<string, LoadReport[]>> {
  const reports = new Map<string, LoadReport[]>();
  for (const operation of operations) {
    for (let round = 0; round <= ROUNDS; round += 1) {
      const turns = round % 2 === 0 ? servers : servers.toReversed();
      for (const { name, url, token } of turns) {
        const turn = `${name}-${operation}-${round}`;
        const seconds = round === 0 ? 2 : SECONDS;
        const report = await load(requestFor(operation, url, prepared, token, turn), {
          connections: CONNECTIONS,
          seconds,
        });
        const line = `${Math.round(report.requestsPerSecond)}/s, p95 ${report.p95.toFixed(1)} ms`;
        progress(
          `${operation} ${name} ${round === 0 ? 'warm-up' : `round ${round}`}: ${line}, ${report.failures} failures`,
        );
        if (round > 0) reports.set(`${name} ${operation}`, [...(reports.get(`${name} ${operation}`) ?? []), report]);
      }
    }
  }
  return reports;
}

function figures(reports: ReadonlyMap<string, LoadReport[]>, name: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const operation of operations) {
    const runs = reports.get(`${name} ${operation}`) ?? [];
    found[`${operation} requests/s`] = Math.round(median(runs.map((one) => one.requestsPerSecond)));
    for (const key of ['p50', 'p95', 'p99'] as const) {
      found[`${operation} ${key} ms`] = Math.round(median(runs.map((one) => one[key])) * 10) / 10;
    }
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

async function onPostgres(folder: string): Promise<Map<string, LoadReport[]>> {
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
      BARE_USER: prepared.userId,
    });
    return await withServers([ours, bare], async ([tenon, peer]) =>
      measure(
        [
          { name: 'tenon', url: tenon?.url ?? '', token: await signIn(tenon?.url ?? '') },
          { name: 'bare', url: peer?.url ?? '', token: 'none' },
        ],
        prepared,
      ),
    );
  } finally {
    await database.drop();
  }
}

async function onEmbedded(folder: string): Promise<Map<string, LoadReport[]>> {
  progress(`embedded: filling in ${PRODUCTS} products`);
  const prepared = await prepare({ TENON_DATA_DIR: folder, TENON_BCRYPT_COST: '10' });
  const server = startChildServer('bench/rest/tenon-server.ts', { ...prepared.environment, TENON_PORT: '0' });
  return withServers([server], async ([tenon]) =>
    measure([{ name: 'embedded', url: tenon?.url ?? '', token: await signIn(tenon?.url ?? '') }], prepared),
  );
}

/** Runs the bench: about five minutes. */
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

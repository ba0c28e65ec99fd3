// How long the services' reads take with 1,000,000 products, 100,000 people and 1,000,000 orders on PostgreSQL: the 99th percentile of
// 1,000 runs each, in milliseconds. Goal: less than 50 for each. There is no peer.
import { runAs } from '@tenon/core';
import { compose, loadSettings, type Services } from '@tenon/server';
import { userListing } from '@tenon/tenancy';
import { orderListing, productListing } from '@tenon/trading';
import type { Listing, ListRequest } from '@tenon/database';
import { sql } from 'kysely';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine, progress, sized, type BenchResult } from './result.ts';
import { createThrowAwayDatabase } from './support/throw-away-database.ts';

const PRODUCTS = sized(1_000_000, 1_000);
const PEOPLE = sized(100_000, 100);
const ORDERS = sized(1_000_000, 1_000);
const RUNS = sized(1_000, 10);

const idOf = (kind: string, n: string) => `'018f${kind}-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0')`;

async function fill({ database }: Services): Promise<void> {
  const steps: Readonly<Record<string, string>> = {
    people: `insert into users (id, email, email_key, name, role, status, company, city, country, created_at, updated_at)
      select ${idOf('0001', 'n')}, 'p' || n || '@example.com', 'p' || n || '@example.com', 'Person ' || n,
        case when n % 100 = 0 then 'admin' else 'member' end, 'active', 'Company ' || n % 5000, 'City ' || n % 500, 'Country ' || n % 100,
        now() - n * interval '1 minute', now() from generate_series(1, ${PEOPLE}) n`,
    products: `insert into products (id, sku, name, name_key, description, category, price_minor, currency, stock, status, created_at, updated_at)
      select ${idOf('0002', 'n')}, 'SKU-' || n, 'Product ' || n, 'product ' || n, 'Number ' || n, 'Category ' || n % 200, 100 + n % 100000, 'EUR',
        100, case when n % 20 = 0 then 'archived' else 'active' end, now() - n * interval '1 second', now()
      from generate_series(1, ${PRODUCTS}) n`,
    orders: `insert into orders (id, external_id, user_id, status, currency, total_minor, holds_stock, placed_at, created_at, updated_at)
      select ${idOf('0003', 'n')}, 'X-' || n, ${idOf('0001', `1 + n % ${PEOPLE}`)}, (array['placed','paid','shipped','delivered'])[1 + n % 4], 'EUR',
        100 + n % 1000000, false, now() - n * interval '30 seconds', now() - n * interval '30 seconds', now() from generate_series(1, ${ORDERS}) n`,
    'order lines': `insert into order_lines (order_id, position, product_id, sku, quantity, unit_price_minor, discount_percent, total_minor)
      select ${idOf('0003', 'n')}, 0, ${idOf('0002', `1 + n % ${PRODUCTS}`)}, 'SKU-' || 1 + n % ${PRODUCTS}, 1, 100, 0, 100
      from generate_series(1, ${ORDERS}) n`,
  };
  for (const [name, statement] of Object.entries(steps)) {
    progress(`filling in ${name}`);
    await runAs({ tenant: 'main' }, () => database.withTenant((tx) => sql.raw(statement).execute(tx)));
  }
  await database.maintain();
}

/** An id that was filled in, another one each turn. */
const hex = (kind: string, turn: number, most: number): string =>
  `018f${kind}-0000-7000-8000-${(1 + ((turn * 7919) % most)).toString(16).padStart(12, '0')}`;

type Query = (turn: number) => Promise<unknown>;

function queries({ tenancy, trading, cursors }: Services): Readonly<Record<string, Query>> {
  const request = (listing: Listing<object>, parameters: Readonly<Record<string, string>>): ListRequest => {
    const parsed = listing.parse(parameters, cursors);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return parsed.value;
  };
  const products =
    (parameters: (turn: number) => Readonly<Record<string, string>>): Query =>
    (turn) =>
      trading.products.list(request(productListing, parameters(turn)), cursors);
  const orders =
    (parameters: (turn: number) => Readonly<Record<string, string>>): Query =>
    (turn) =>
      trading.orders.list(request(orderListing, parameters(turn)), cursors);
  const people =
    (parameters: (turn: number) => Readonly<Record<string, string>>): Query =>
    (turn) =>
      tenancy.users.list(request(userListing, parameters(turn)), cursors);
  return {
    'product by id': (turn) => trading.products.get(hex('0002', turn, PRODUCTS)),
    'products, newest': products(() => ({})),
    'products, 100 by name': products(() => ({ sort: 'name', limit: '100' })),
    'products by sku': products((turn) => ({ sku: `SKU-${turn}` })),
    'products by name prefix': products((turn) => ({ 'name[prefix]': `product ${turn}` })),
    'products by price range': products((turn) => ({
      'price[gte]': String(100 + turn * 50),
      'price[lte]': String(150 + turn * 50),
      sort: 'price',
    })),
    'products of a category': products((turn) => ({ category: `Category ${turn % 200}` })),
    'products archived, cheapest': products(() => ({ status: 'archived', sort: 'price' })),
    'products, total': products(() => ({ total: 'true' })),
    'products, page 100': products(() => ({ page: '100', limit: '100' })),
    'order by id': (turn) => trading.orders.get(hex('0003', turn, ORDERS)),
    'orders, newest': orders(() => ({})),
    'orders of a person': (turn) =>
      trading.orders.list(request(orderListing, {}), cursors, { onlyUserId: hex('0001', turn, PEOPLE) }),
    'orders by status': orders((turn) => ({ status: ['placed', 'paid', 'shipped', 'delivered'][turn % 4] ?? '' })),
    'orders by total': orders((turn) => ({ 'totalMinor[gte]': String(turn * 900), sort: 'totalMinor' })),
    'orders by external id': orders((turn) => ({ externalId: `X-${turn}` })),
    'user by id': (turn) => tenancy.users.get(hex('0001', turn, PEOPLE)),
    'users, newest': people(() => ({})),
    'users by name prefix': people((turn) => ({ 'name[prefix]': `person ${turn}` })),
    'users by email': people((turn) => ({ email: `p${turn}@example.com` })),
    'users by role': people(() => ({ role: 'admin', sort: '-createdAt' })),
    'users of a country': people((turn) => ({ country: `Country ${turn % 100}` })),
  };
}

async function percentile99(query: Query): Promise<number> {
  const times: number[] = [];
  for (let turn = 1; turn <= RUNS; turn += 1) {
    const startedMs = performance.now();
    await query(turn);
    times.push(performance.now() - startedMs);
  }
  return times.toSorted((left, right) => left - right)[Math.floor(RUNS * 0.99)] ?? Number.NaN;
}

/** Runs the bench: about five minutes, most of it for filling in. */
export async function run(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
  const database = await createThrowAwayDatabase();
  const { settings } = loadSettings({
    TENON_DATA_DIR: folder,
    TENON_DATABASE_URL: database.url,
    TENON_DATABASE_STATEMENT_TIMEOUT_MS: '0',
  });
  const composition = await compose(settings);
  try {
    await composition.ready();
    const { services } = composition;
    await services.tenancy.tenants.create({
      id: 'main',
      name: 'Bench',
      owner: { accountId: '018f0000-0000-7000-8000-000000000001', email: 'owner@bench.example', name: 'Owner' },
    });
    await fill(services);
    const ours: Record<string, number> = {};
    for (const [name, query] of Object.entries(queries(services))) {
      const milliseconds = await runAs({ tenant: 'main' }, () => percentile99(query));
      ours[name] = Math.round(milliseconds * 100) / 100;
      progress(`${name}: p99 ${ours[name]} ms`);
    }
    return { name: 'queries', unit: 'ms (p99)', ours, peers: {}, ratios: {}, runs: RUNS, machine: machine() };
  } finally {
    await composition.stop();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
}

// Importing products from CSV into PostgreSQL, end to end: reading, checking, writing, recording progress. A million rows for speed and
// memory (goals: 20,000 products a second, less than 200 MB over the start), then 100,000 rows beside what somebody writes by hand:
// insert statements of 1,000 rows, nothing checked, nothing resumable. Ratios are rows per second, ours divided by the peer's.
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runAs } from '@tenon/core';
import { compose, importFile, loadSettings, type Services } from '@tenon/server';
import pg from 'pg';
import { machine, median, progress, sized, type BenchResult } from './result.ts';
import { createThrowAwayDatabase } from './support/throw-away-database.ts';

const MANY = sized(1_000_000, 2_000);
const FEW = sized(100_000, 1_000);
const ROUNDS = sized(3, 1);

async function writeCsv(file: string, rows: number, prefix: string): Promise<void> {
  const stream = createWriteStream(file);
  stream.write('sku,name,description,price_minor,currency,stock,status,category\n');
  for (let row = 0; row < rows; row += 1) {
    const line = `${prefix}-${row},"Product ${row}, müller's",Number ${row},${100 + (row % 9_900)},EUR,${row % 500},active,Category ${row % 50}\n`;
    if (!stream.write(line)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'finish');
}

async function imported(services: Services, file: string): Promise<number> {
  const startedMs = performance.now();
  const report = await runAs({ tenant: 'main', actor: { type: 'system', id: 'bench' } }, () =>
    importFile({ services, kind: 'products', file, rejectsFile: `${file}.rejects.csv` }),
  );
  if (report.rejected > 0) throw new Error(`${report.rejected} rows were rejected`);
  return report.rows / ((performance.now() - startedMs) / 1000);
}

async function insertedByHand(url: string, file: string, rows: number): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const startedMs = performance.now();
  let batch: string[][] = [];
  const flush = async (): Promise<void> => {
    const columns = Array.from({ length: 8 }, (_, column) => batch.map((fields) => fields[column] ?? ''));
    batch = [];
    await client.query(
      `insert into products (tenant_id, id, sku, name, name_key, description, price_minor, currency, stock, status, category, created_at, updated_at)
       select 'main', gen_random_uuid()::text, sku, name, lower(name), description, price::bigint, currency, stock::bigint, status, category, now(), now()
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
         as r (sku, name, description, price, currency, stock, status, category)`,
      columns,
    );
  };
  let isHeader = true;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (isHeader) {
      isHeader = false;
      continue;
    }
    // The one quoted field of this file, taken apart by hand.
    const [sku = '', name = '', rest = ''] = line.split('"');
    batch.push([sku.slice(0, -1), name, ...rest.slice(1).split(',')]);
    if (batch.length === 1_000) await flush();
  }
  if (batch.length > 0) await flush();
  await client.end();
  return rows / ((performance.now() - startedMs) / 1000);
}

/** Runs the bench: about two minutes. */
export async function run(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
  const database = await createThrowAwayDatabase();
  const { settings } = loadSettings({ TENON_DATA_DIR: folder, TENON_DATABASE_URL: database.url });
  const composition = await compose(settings);
  try {
    await composition.ready();
    const { services } = composition;
    await services.tenancy.tenants.create({
      id: 'main',
      name: 'Bench',
      owner: { accountId: '018f0000-0000-7000-8000-000000000001', email: 'owner@bench.example', name: 'Owner' },
    });
    // First, while the process has hardly worked: later its heap has grown to its working size already.
    const file = join(folder, 'many.csv');
    await writeCsv(file, MANY, 'M');
    globalThis.gc?.();
    const startBytes = process.memoryUsage.rss();
    let peakBytes = startBytes;
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    }, 100);
    const many = await imported(services, file).finally(() => clearInterval(watch));
    progress(`${MANY} rows: ${Math.round(many)}/s, ${Math.round((peakBytes - startBytes) / 1e6)} MB over start`);

    const ours: number[] = [];
    const byHand: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const files = { ours: join(folder, `ours-${round}.csv`), hand: join(folder, `hand-${round}.csv`) };
      await writeCsv(files.ours, FEW, `O${round}`);
      await writeCsv(files.hand, FEW, `H${round}`);
      const figures = [
        await imported(services, files.ours),
        await insertedByHand(database.url, files.hand, FEW),
      ] as const;
      progress(`round ${round}: ours ${Math.round(figures[0])}/s, by hand ${Math.round(figures[1])}/s`);
      if (round === 0) continue;
      ours.push(figures[0]);
      byHand.push(figures[1]);
    }
    return {
      name: 'import',
      unit: '',
      ours: {
        'products/s, 1,000,000 rows': Math.round(many),
        'products/s, 100,000 rows': Math.round(median(ours)),
        'peak MB over start': Math.round((peakBytes - startBytes) / 1e6),
      },
      peers: { 'inserts by hand': { 'products/s, 100,000 rows': Math.round(median(byHand)) } },
      ratios: { 'inserts by hand': Math.round((median(ours) / median(byHand)) * 100) / 100 },
      runs: ROUNDS,
      machine: machine(),
    };
  } finally {
    await composition.stop();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
}

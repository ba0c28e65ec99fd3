// Whether the server's memory grows: 100,000 mixed requests on PostgreSQL, the heap after a forced collection at 10,000 and at the end.
// Goal: the ratio within 1.1. There is no peer.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine, progress, sized, type BenchResult } from './result.ts';
import { startChildServer, type ChildServer } from './support/child-server.ts';
import { load, type LoadRequest } from './support/load.ts';
import { createThrowAwayDatabase } from './support/throw-away-database.ts';

const WARM_UP = sized(10_000, 2_000);
const TOTAL = sized(100_000, 8_000);
const CONNECTIONS = 50;
const OWNER = { email: 'owner@bench.example', password: 'a bench needs an owner' };

const mebibytes = (bytes: number): number => Math.round((bytes / 2 ** 20) * 10) / 10;

interface Memory {
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly sockets: number;
}

async function measure(server: ChildServer): Promise<Memory> {
  const answer = new Promise<Memory>((resolve) => {
    server.process.once('message', (message) => resolve(message as Memory));
  });
  server.process.send?.('measure');
  return answer;
}

async function mixed(
  server: ChildServer,
  token: string,
  productIds: readonly string[],
  from: number,
  to: number,
): Promise<void> {
  const headers = [{ authorization: `Bearer ${token}` }];
  const kinds: readonly LoadRequest[] = [
    { method: 'GET', url: `${server.url}/v1/products?limit=5`, headers },
    { method: 'GET', url: `${server.url}/v1/products/{choice}`, headers, choices: productIds },
    {
      method: 'POST',
      url: `${server.url}/v1/products`,
      headers,
      body: '{"sku":"M-{n}","name":"Made","priceMinor":5,"currency":"EUR"}',
    },
    {
      method: 'POST',
      url: `${server.url}/v1/orders`,
      headers,
      choices: productIds,
      body: '{"lines":[{"productId":"{choice}","quantity":1}]}',
    },
  ];
  const step = 5_000;
  for (let done = from; done < to; done += step * kinds.length) {
    for (const [index, kind] of kinds.entries()) {
      const requests = Math.min(step, (to - from) / kinds.length);
      const start = done * kinds.length + index * step;
      const report = await load(kind, { connections: CONNECTIONS, seconds: 600, requests, start });
      if (report.failures > 0) throw new Error(`${report.failures} requests failed`);
    }
    progress(`${Math.min(to, done + step * kinds.length)} requests`);
  }
}

async function call<T>(url: string, token: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await response.json()) as T;
}

/** Runs the bench: about two minutes. */
export async function run(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
  const database = await createThrowAwayDatabase();
  const server = await startChildServer('bench/memory/measured-server.ts', {
    TENON_DATA_DIR: folder,
    TENON_DATABASE_URL: database.url,
    TENON_PORT: '0',
    TENON_BCRYPT_COST: '10',
    TENON_SAMPLE_DATA: 'false',
    TENON_OWNER_EMAIL: OWNER.email,
    TENON_OWNER_PASSWORD: OWNER.password,
    NODE_OPTIONS: '--expose-gc',
  });
  try {
    const { accessToken: token } = await call<{ accessToken: string }>(`${server.url}/auth/login`, '', OWNER);
    const productIds: string[] = [];
    for (let index = 0; index < 50; index += 1) {
      const product = { sku: `P-${index}`, name: 'Product', priceMinor: 100, currency: 'EUR', stock: 1_000_000 };
      productIds.push((await call<{ id: string }>(`${server.url}/v1/products`, token, product)).id);
    }
    await mixed(server, token, productIds, 0, WARM_UP);
    const before = await measure(server);
    await mixed(server, token, productIds, WARM_UP, TOTAL);
    const after = await measure(server);
    return {
      name: 'memory',
      unit: '',
      ours: {
        'heap MiB after 10,000': mebibytes(before.heapBytes),
        'heap MiB after 100,000': mebibytes(after.heapBytes),
        'resident MiB after 10,000': mebibytes(before.residentBytes),
        'resident MiB after 100,000': mebibytes(after.residentBytes),
        'sockets after 10,000': before.sockets,
        'sockets after 100,000': after.sockets,
      },
      peers: {},
      ratios: {
        heap: Math.round((after.heapBytes / before.heapBytes) * 1000) / 1000,
        resident: Math.round((after.residentBytes / before.residentBytes) * 1000) / 1000,
      },
      runs: 1,
      machine: machine(),
    };
  } finally {
    await server.stop();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
}

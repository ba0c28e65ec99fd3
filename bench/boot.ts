// How long a start takes, from the process to the first 200 of /readyz, on the embedded database: the first start, which makes keys,
// database, tenant and sample data, and later ones. Goal: a later start in less than 2,000 ms. There is no peer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machine, median, progress, sized, type BenchResult } from './result.ts';

const RUNS = sized(5, 1);
const root = fileURLToPath(new URL('../', import.meta.url));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function start(folder: string): Promise<number> {
  const port = await freePort();
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['--conditions=@tenon/source', `${root}apps/cli/src/main.ts`, 'serve'], {
    env: { ...process.env, TENON_DATA_DIR: folder, TENON_PORT: String(port), TENON_LOG_LEVEL: 'error' },
    stdio: 'ignore',
  });
  try {
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`);
      const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
      if (response?.status === 200) return performance.now() - startedMs;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
}

/** Runs the bench: about half a minute. */
export async function run(): Promise<BenchResult> {
  const parent = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
  try {
    const folder = join(parent, 'data');
    const first = await start(folder);
    progress(`first start: ${Math.round(first)} ms`);
    const later: number[] = [];
    for (let turn = 1; turn <= RUNS; turn += 1) {
      later.push(await start(folder));
      progress(`start ${turn}: ${Math.round(later.at(-1) ?? 0)} ms`);
    }
    const ours = { 'later start': Math.round(median(later)), 'first start': Math.round(first) };
    return { name: 'boot', unit: 'ms', ours, peers: {}, ratios: {}, runs: RUNS, machine: machine() };
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

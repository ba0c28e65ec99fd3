import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** One kind of request, sent again and again. */
export interface LoadRequest {
  readonly method: 'GET' | 'POST';
  /** `{n}` in path or body becomes a number that counts up over all connections. */
  readonly url: string;
  /** One set for each connection; with more connections than sets, they are given out again from the first. */
  readonly headers?: readonly Readonly<Record<string, string>>[];
  readonly body?: string;
  /** Texts of which each request takes the next for `{choice}` in path or body. */
  readonly choices?: readonly string[];
}

/** What {@link load} takes. */
export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Stops after so many requests, whatever the time. */
  readonly requests?: number;
  /** Where `{n}` begins. */
  readonly start?: number;
}

/** What a load gave. Times are milliseconds. */
export interface LoadReport {
  readonly requestsPerSecond: number;
  readonly requests: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Answers that were not 2xx, and connections that broke. */
  readonly failures: number;
}

/** Sends requests over many connections from a second process, each as soon as the answer before it has come. */
export async function load(request: LoadRequest, options: LoadOptions): Promise<LoadReport> {
  const script = fileURLToPath(new URL('load-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ request, options }));
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return JSON.parse(output) as LoadReport;
}

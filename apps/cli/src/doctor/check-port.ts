import { createServer } from 'node:net';
import { once } from 'node:events';
import type { Settings } from '@tenon/server';
import type { Finding } from './finding.ts';

const ANSWER_TIMEOUT_MS = 2_000;

/** Looks whether the port is free, or is this very server's. */
export async function checkPort({ host, port }: Settings): Promise<Finding> {
  const name = 'port';
  if (port === 0) return { name, state: 'ok', text: 'any free one' };
  const code = await tryToListen(host, port);
  if (code === undefined) return { name, state: 'ok', text: `${host}:${port} is free` };
  if (code === 'EADDRINUSE' && (await isTenon(host, port))) {
    return { name, state: 'ok', text: `${host}:${port} is in use by a Tenon server that answers` };
  }
  return {
    name,
    state: 'failed',
    text: `${host}:${port} cannot be used (${code})`,
    todo: 'stop what uses it, or set TENON_PORT or TENON_HOST to something else',
  };
}

async function tryToListen(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

async function isTenon(host: string, port: number): Promise<boolean> {
  // A server that listens on every address is reached at this machine's own.
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  try {
    const answer = await fetch(`http://${reachable}:${port}/healthz`, {
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    return ((await answer.json()) as { readonly status?: unknown }).status === 'ok';
  } catch {
    return false;
  }
}

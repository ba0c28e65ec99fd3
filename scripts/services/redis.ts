import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryDir, runPrivateServer } from './private-server.ts';
import { converse } from './probe.ts';
import { findProgram, freePort, installDebianPackage } from './programs.ts';
import type { Service, Start, StartOptions } from './service.ts';

/** Redis, 7.0 or newer. */
export const redis: Service = {
  name: 'redis',
  title: 'Redis',
  variable: 'TENON_TEST_REDIS_URL',
  addresses: ['redis://127.0.0.1:6379', 'redis://127.0.0.1:26379'],
  probe: probeRedis,
  start: startRedis,
};

/**
 * Starts a Redis of one's own on 127.0.0.1. The program comes from this machine, or as root on Debian from apt.
 *
 * @param options - `fsync: true` keeps an append-only file, so that acknowledged writes survive a kill; without it a
 *   killed or restarted server is empty
 */
export async function startRedis(options: StartOptions = {}): Promise<Start> {
  const folder = findProgram('redis-server') ?? installRedis();
  if (folder instanceof Error) return unavailable(folder.message);
  const temporaryDir = options.dataDir === undefined ? makeTemporaryDir('redis') : undefined;
  const dataDir = options.dataDir ?? join(temporaryDir ?? '', 'data');
  mkdirSync(dataDir, { recursive: true });
  const port = options.port ?? (await freePort());
  const keep = options.fsync === true ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  try {
    const server = await runPrivateServer({
      url: `redis://127.0.0.1:${port}`,
      file: join(folder, 'redis-server'),
      args: ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dataDir, ...keep],
      dataDir,
      temporaryDir,
      logFile: `${dataDir}.log`,
      stopSignal: 'SIGTERM',
      outlive: options.outlive ?? false,
      probe: probeRedis,
    });
    return { available: true, server };
  } catch (error) {
    return unavailable(error instanceof Error ? error.message : String(error));
  }
}

function unavailable(reason: string): Start {
  return { available: false, reason: `Redis: ${reason}` };
}

function installRedis(): string | Error {
  const failure = installDebianPackage('redis-server');
  return findProgram('redis-server') ?? new Error(failure ?? 'the package redis-server brought no program');
}

/** Whether a Redis answers there. */
export function probeRedis(url: string): Promise<string | undefined> {
  if (!URL.canParse(url)) return Promise.resolve('its address is no URL');
  const { protocol, hostname, port, username, password } = new URL(url);
  const login = [username, password].filter((one) => one !== '').map(decodeURIComponent);
  const hello = Buffer.from((password === '' ? '' : command(['AUTH', ...login])) + command(['PING']));
  return converse({
    host: hostname === '' ? 'localhost' : hostname.replaceAll(/[[\]]/g, ''),
    port: port === '' ? 6379 : Number(port),
    tls: protocol === 'rediss:',
    hello,
    judge: judgePong,
  });
}

function command(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

function judgePong(received: Buffer): 'wait' | 'usable' | { readonly reason: string } {
  const lines = received.toString('utf8').split('\r\n').slice(0, -1);
  const error = lines.find((line) => line.startsWith('-'));
  if (error !== undefined) return { reason: error.slice(1) };
  if (lines.includes('+PONG')) return 'usable';
  return lines.some((line) => !/^[+$]/.test(line)) ? { reason: 'what answers is not Redis' } : 'wait';
}

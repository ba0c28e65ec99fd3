import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';

/** An OpenBao, or a Vault, of its own, in memory. */
export interface RealVault {
  readonly address: string;
  readonly rootToken: string;
  /** Calls its API as root. */
  call(method: string, path: string, body?: object): Promise<Readonly<Record<string, unknown>>>;
  seal(): Promise<void>;
  unseal(): Promise<void>;
  stop(): Promise<void>;
}

/** @param program - `bao` or `vault` */
export async function startRealVault(program: string): Promise<RealVault> {
  const rootToken = `root-${randomUUID()}`;
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const home = mkdtempSync(join(tmpdir(), 'tenon-openbao-'));
  const child = spawn(
    program,
    [
      'server',
      '-dev',
      '-dev-no-store-token',
      `-dev-root-token-id=${rootToken}`,
      `-dev-listen-address=127.0.0.1:${port}`,
    ],
    { env: { HOME: home }, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const exited = once(child, 'exit');
  const unsealKey = await new Promise<string>((resolve, reject) => {
    let told = '';
    child.stdout.on('data', (chunk: Buffer) => {
      told += chunk.toString('utf8');
      const key = /Unseal Key: (\S+)/.exec(told)?.[1];
      if (key !== undefined && told.includes('Root Token:')) resolve(key);
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${program} ended with ${code}: ${told}`)));
  });
  const call: RealVault['call'] = async (method, path, body) => {
    const response = await fetch(`${address}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': rootToken, 'x-vault-request': 'true' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>);
  };
  return {
    address,
    rootToken,
    call,
    seal: async () => void (await call('PUT', 'sys/seal')),
    unseal: async () => void (await call('PUT', 'sys/unseal', { key: unsealKey })),
    async stop() {
      child.kill('SIGKILL');
      await exited;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

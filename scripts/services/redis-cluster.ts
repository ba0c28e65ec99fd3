import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTemporaryDir, runPrivateServer } from './private-server.ts';
import { converse } from './probe.ts';
import { findProgram, freePort, installDebianPackage } from './programs.ts';
import { probeRedis } from './redis.ts';
import type { PrivateServer, Service, Start, StartOptions } from './service.ts';

/** A cluster of one's own. As a whole it is killed and restarted like one server; each node is a server of its own, too. */
export interface PrivateRedisCluster extends PrivateServer {
  /** Three masters; the first one has the address of the cluster. */
  readonly nodes: readonly PrivateServer[];
}

/** Redis Cluster, 7.0 or newer: three masters without replicas. */
export const redisCluster: Service = {
  name: 'redis-cluster',
  title: 'Redis Cluster',
  variable: 'TENON_TEST_REDIS_CLUSTER_URL',
  addresses: ['redis://127.0.0.1:27001'],
  probe: probeCluster,
  start: startRedisCluster,
};

const NODES = 3;
/** The port over which nodes talk with each other is this much higher. */
const BUS_OFFSET = 10_000;
const HIGHEST_PORT = 65_535;
const formTimeoutMs = 30_000;
const nodeTimeoutMs = 2_000;

/**
 * Starts three masters on 127.0.0.1 and joins them. The program comes from this machine, or as root on Debian from apt.
 *
 * @param options - as those of `startRedis`; `port` is that of the first node
 */
export async function startRedisCluster(
  options: StartOptions = {},
): Promise<Exclude<Start, { available: true }> | { readonly available: true; readonly server: PrivateRedisCluster }> {
  const folder = findProgram('redis-server') ?? installRedis();
  if (folder instanceof Error) return unavailable(folder.message);
  if (findProgram('redis-cli') === undefined) return unavailable('there is no redis-cli, which joins the nodes');
  const temporaryDir = options.dataDir === undefined ? makeTemporaryDir('redis-cluster') : undefined;
  const dataDir = options.dataDir ?? join(temporaryDir ?? '', 'data');
  const nodes: PrivateServer[] = [];
  try {
    for (let index = 0; index < NODES; index += 1) {
      nodes.push(
        await startNode(folder, join(dataDir, String(index)), index === 0 ? options : { ...options, port: 0 }),
      );
    }
    await joinNodes(nodes);
    return { available: true, server: clusterOf(nodes, dataDir, temporaryDir) };
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop()));
    if (temporaryDir !== undefined) rmSync(temporaryDir, { recursive: true, force: true });
    return unavailable(error instanceof Error ? error.message : String(error));
  }
}

function unavailable(reason: string): Exclude<Start, { available: true }> {
  return { available: false, reason: `Redis Cluster: ${reason}` };
}

function installRedis(): string | Error {
  const failure = installDebianPackage('redis-server');
  return findProgram('redis-server') ?? new Error(failure ?? 'the package redis-server brought no program');
}

async function startNode(folder: string, dataDir: string, options: StartOptions): Promise<PrivateServer> {
  mkdirSync(dataDir, { recursive: true });
  const port = options.port === undefined || options.port === 0 ? await nodePort() : options.port;
  const keep = options.fsync === true ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const cluster = ['--cluster-enabled', 'yes', '--cluster-config-file', join(dataDir, 'nodes.conf')];
  const timeout = ['--cluster-node-timeout', String(nodeTimeoutMs)];
  return runPrivateServer({
    url: `redis://127.0.0.1:${port}`,
    file: join(folder, 'redis-server'),
    args: [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--dir',
      dataDir,
      ...keep,
      ...cluster,
      ...timeout,
    ],
    dataDir,
    logFile: `${dataDir}.log`,
    stopSignal: 'SIGTERM',
    outlive: options.outlive ?? false,
    probe: probeRedis,
  });
}

async function nodePort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port + BUS_OFFSET <= HIGHEST_PORT) return port;
  }
}

async function joinNodes(nodes: readonly PrivateServer[]): Promise<void> {
  const addresses = nodes.map(({ url }) => new URL(url).host);
  const how = ['--cluster-replicas', '0', '--cluster-yes'];
  const created = spawnSync('redis-cli', ['--cluster', 'create', ...addresses, ...how], { encoding: 'utf8' });
  if (created.status !== 0) throw new Error(`the nodes did not join: ${created.stdout}${created.stderr}`);
  await untilFormed(nodes);
}

/** Each node learns by itself that all slots are served. */
async function untilFormed(nodes: readonly PrivateServer[]): Promise<void> {
  const deadline = Date.now() + formTimeoutMs;
  for (;;) {
    const reasons = await Promise.all(nodes.map(({ url }) => probeCluster(url)));
    const reason = reasons.find((one) => one !== undefined);
    if (reason === undefined) return;
    if (Date.now() >= deadline) throw new Error(`the cluster did not form: ${reason}`);
    await sleep(50);
  }
}

function clusterOf(
  nodes: readonly PrivateServer[],
  dataDir: string,
  temporaryDir: string | undefined,
): PrivateRedisCluster {
  const [first] = nodes;
  const removeFiles = (): void => {
    if (temporaryDir !== undefined)
      rmSync(temporaryDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  };
  return {
    nodes,
    dataDir,
    url: first?.url ?? '',
    get pid() {
      return first?.pid ?? 0;
    },
    get others() {
      return nodes.slice(1).map(({ pid, url }) => ({ pid, url }));
    },
    async kill9() {
      await Promise.all(nodes.map((node) => node.kill9()));
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      removeFiles();
    },
    async restart() {
      // Nodes that know each other find together again by themselves.
      await Promise.all(nodes.map((node) => node.restart()));
      await untilFormed(nodes);
    },
  };
}

function probeCluster(url: string): Promise<string | undefined> {
  if (!URL.canParse(url)) return Promise.resolve('its address is no URL');
  const { protocol, hostname, port, username, password } = new URL(url);
  const login = [username, password].filter((one) => one !== '').map(decodeURIComponent);
  const hello = password === '' ? '' : `AUTH ${login.join(' ')}\r\n`;
  return converse({
    host: hostname === '' ? 'localhost' : hostname.replaceAll(/[[\]]/g, ''),
    port: port === '' ? 6379 : Number(port),
    tls: protocol === 'rediss:',
    hello: Buffer.from(`${hello}CLUSTER INFO\r\n`),
    judge(received) {
      const lines = received.toString('utf8').split('\r\n').slice(0, -1);
      const error = lines.find((line) => line.startsWith('-'));
      if (error !== undefined) return { reason: error.slice(1) };
      if (lines.some((line) => line === 'cluster_state:ok')) return 'usable';
      if (lines.some((line) => line === 'cluster_state:fail')) return { reason: 'not all slots are served' };
      return lines.some((line) => !/^[+$]/.test(line)) ? { reason: 'what answers is not Redis' } : 'wait';
    },
  });
}

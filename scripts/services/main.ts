import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { composeDown } from './compose.ts';
import { findServices, services } from './find-services.ts';
import { readRecord, removeRecord, writeRecord, type ServiceRecord } from './record.ts';

const usage = `usage: npm run -s services -- start|stop|status

  start   finds or starts the servers that tests need, leaves them running, and prints their addresses for the shell:
          eval "$(npm run -s services -- start)"
  stop    stops those that start has started
  status  says what answers where
`;

const stopTries = 100;

async function start(): Promise<void> {
  for (const one of await findServices(services, { outlive: true })) {
    if (!one.available) {
      console.error(one.reason);
      process.exitCode = 1;
      continue;
    }
    if (one.started) {
      const { pid, others, dataDir } = one.server ?? {};
      writeRecord(one.service.name, { url: one.url, pid, others, dataDir });
    }
    console.error(`${one.service.title}: ${one.source}`);
    console.log(`export ${one.service.variable}=${one.url}`);
  }
}

async function stop(): Promise<void> {
  for (const { name, title } of services) {
    const record = readRecord(name);
    if (record === undefined) {
      console.log(`${title}: nothing to stop`);
      continue;
    }
    if (record.pid === undefined) await composeDown([name]);
    else {
      for (const { pid, url } of record.others ?? []) await stopProcess(pid, { url });
      await stopProcess(record.pid, record);
    }
    removeRecord(name);
    console.log(`${title}: stopped`);
  }
}

async function stopProcess(pid: number, { url, dataDir }: ServiceRecord): Promise<void> {
  // The process id may belong to another program by now. PostgreSQL shows its data directory, Redis its port.
  const isOurs = (): boolean => {
    const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
    return (dataDir !== undefined && stdout.includes(dataDir)) || stdout.includes(`:${new URL(url).port}`);
  };
  // PostgreSQL would wait for its clients to leave, and MariaDB takes no notice of SIGINT.
  if (isOurs()) process.kill(pid, url.startsWith('mysql:') ? 'SIGTERM' : 'SIGINT');
  for (let tries = 0; tries < stopTries && isOurs(); tries += 1) await sleep(100);
  if (isOurs()) process.kill(pid, 'SIGKILL');
  if (dataDir?.startsWith(join(tmpdir(), 'tenon-'))) rmSync(dirname(dataDir), { recursive: true, force: true });
}

async function status(): Promise<void> {
  for (const service of services) {
    const candidates = new Set([process.env[service.variable], readRecord(service.name)?.url, ...service.addresses]);
    for (const url of candidates) {
      if (url !== undefined && url !== '') {
        console.log(`${service.title}  ${url}  ${(await service.probe(url)) ?? 'usable'}`);
      }
    }
  }
}

const commands: Readonly<Record<string, () => Promise<void>>> = { start, stop, status };
const command = commands[process.argv[2] ?? ''];
if (command === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else {
  await command();
}

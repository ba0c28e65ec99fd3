import { composeDown, composeUp } from './compose.ts';
import { mariadb } from './mariadb.ts';
import { postgres } from './postgres.ts';
import { readRecord } from './record.ts';
import { redisCluster } from './redis-cluster.ts';
import { redis } from './redis.ts';
import type { PrivateServer, Service } from './service.ts';

/** Every server that tests can need. */
export const services: readonly Service[] = [postgres, redis, mariadb, redisCluster];

/** A server that answers. */
export interface FoundService {
  readonly available: true;
  readonly service: Service;
  readonly url: string;
  /** How it was found, for people. */
  readonly source: string;
  /** Whether it was started by this call: who started it stops it. */
  readonly started: boolean;
  /** The process that was started; undefined when it answered already or runs in a container. */
  readonly server?: PrivateServer;
  /** Stops it if it was started here. Idempotent. */
  stop(): Promise<void>;
}

/** A server that cannot be had. */
export interface MissingService {
  readonly available: false;
  readonly service: Service;
  /** Starts with the service's title. */
  readonly reason: string;
}

/** What {@link findServices} takes. */
export interface FindOptions {
  /** Whether started servers live on after this process. Default false. */
  readonly outlive?: boolean;
  /** Ends the search; what was started by then is stopped. */
  readonly signal?: AbortSignal;
}

/**
 * Finds each server, or starts it: (1) at the configured address, which then is the only one tried; (2) at an address that
 * `services start` remembers, or a standard one; (3) with Docker Compose; (4) from a program of this machine, installed by
 * apt if need be.
 */
export async function findServices(
  wanted: readonly Service[],
  options: FindOptions = {},
): Promise<readonly (FoundService | MissingService)[]> {
  const answers = await Promise.all(wanted.map(findAnswering));
  const absent = wanted.filter((_, index) => answers[index] === undefined);
  const composed =
    absent.length === 0
      ? undefined
      : await composeUp(
          absent.map((one) => one.name),
          options.signal,
        );
  const found: (FoundService | MissingService)[] = [];
  for (const [index, service] of wanted.entries()) {
    const answer = answers[index];
    if (answer !== undefined) found.push(answer);
    else if (composed === undefined) found.push(fromCompose(service));
    else found.push(await startProgram(service, composed, options));
  }
  return found;
}

async function findAnswering(service: Service): Promise<FoundService | MissingService | undefined> {
  const configured = process.env[service.variable];
  if (configured !== undefined && configured !== '') {
    const failure = await service.probe(configured);
    // Falling back to another server would hide that the one that was asked for is down.
    if (failure === undefined) return answering(service, configured, `configured by ${service.variable}`);
    return { available: false, service, reason: `${service.title}: ${service.variable} is set, but ${failure}` };
  }
  const recorded = readRecord(service.name)?.url;
  for (const url of recorded === undefined ? service.addresses : [recorded, ...service.addresses]) {
    if ((await service.probe(url)) === undefined) return answering(service, url, 'already running');
  }
  return undefined;
}

function answering(service: Service, url: string, source: string): FoundService {
  return { available: true, service, url, source, started: false, stop: () => Promise.resolve() };
}

function fromCompose(service: Service): FoundService {
  const url = service.addresses.at(-1) ?? '';
  const stop = (): Promise<void> => composeDown([service.name]);
  return { available: true, service, url, source: 'started with Docker Compose', started: true, stop };
}

async function startProgram(
  service: Service,
  composeFailure: string,
  { outlive = false, signal }: FindOptions,
): Promise<FoundService | MissingService> {
  if (signal?.aborted) return { available: false, service, reason: `${service.title}: the search was ended` };
  const start = await service.start({ outlive });
  if (!start.available) return { available: false, service, reason: `${start.reason}; ${composeFailure}` };
  const { server } = start;
  const source = `started here, process ${server.pid}`;
  return { available: true, service, url: server.url, source, started: true, server, stop: () => server.stop() };
}

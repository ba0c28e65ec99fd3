import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isCodedError } from '@tenon/core';
import {
  createResources,
  type ResourceEvent,
  type Resources,
  type ResourcesOptions,
  type ResourceToken,
} from '@tenon/resources';
import { postgres, type PostgresFace, type SqlOptions } from '@tenon/resources/drivers/postgres';
import { openFaultProxy, type FaultProxy } from '@tenon/resources/testing';
import pg from 'pg';
import { afterEach, beforeEach, expect, onTestFinished } from 'vitest';
import { inTenant } from '../support/open-resources.ts';

/** Far beyond what anything here takes: on a busy machine it is waited for, and never waited out. */
export const PATIENCE = { timeout: 20_000, interval: 10 } as const;

/** A database of a tenant's on a real server, and what that server sees of it. */
export interface Orders {
  readonly resources: Resources;
  readonly token: ResourceToken<PostgresFace>;
  readonly events: readonly ResourceEvent[];
  /** The processes of the server that serve it, asked past every proxy. */
  backends(): Promise<readonly number[]>;
  /** Borrows for one statement. */
  run(text?: string, options?: { readonly timeoutMs?: number }): Promise<unknown>;
  acquire(): Promise<Awaited<ReturnType<Resources['acquire']>> & PostgresFace>;
}

/**
 * Opens resources with one PostgreSQL, which end with the test.
 *
 * @param server - its address, without any proxy
 */
export function openOrders(server: string, options: SqlOptions = {}, registry: ResourcesOptions = {}): Orders {
  const applicationName = `faults-${randomUUID()}`;
  const { clock } = registry;
  const token = postgres('orders-db', {
    url: server,
    applicationName,
    ...(clock === undefined ? {} : { clock }),
    ...options,
  });
  const resources = createResources({ ...registry, define: [token] });
  const events: ResourceEvent[] = [];
  resources.onEvent((event) => void events.push(event));
  onTestFinished(async () => void (await resources.close({ timeoutMs: 0 })));
  const acquire = (): ReturnType<Orders['acquire']> => inTenant('acme', () => resources.acquire(token));
  return {
    resources,
    token,
    events,
    acquire,
    async backends() {
      const found = await askServer<{ pid: number }>(
        server,
        'select pid from pg_stat_activity where application_name = $1 order by pid',
        [applicationName],
      );
      return found.map(({ pid }) => pid);
    },
    run: (text = 'select 1 as one', statement = {}) =>
      inTenant('acme', async () => {
        await using db = await acquire();
        return await db.fetchOne(text, [], statement);
      }),
  };
}

/** Asks the server itself, on a connection of its own. */
export async function askServer<Row extends object>(
  server: string,
  text: string,
  values: unknown[] = [],
): Promise<readonly Row[]> {
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  try {
    return (await admin.query<Row>(text, values)).rows;
  } finally {
    await admin.end();
  }
}

/** A proxy before the server, which ends with the test. */
export async function openProxy(server: string): Promise<FaultProxy> {
  const proxy = await openFaultProxy({ target: server });
  onTestFinished(() => proxy.close());
  return proxy;
}

/** Workers that do the same again and again. */
export interface Load {
  /** How often it went well. */
  readonly worked: number;
  /** The codes that it failed with. */
  readonly codes: ReadonlySet<string>;
  /** Failures without a code. There must be none. */
  readonly uncoded: readonly unknown[];
  /** Resolves when every worker has come to its end. */
  stop(): Promise<void>;
}

export function startLoad(workers: number, work: () => Promise<unknown>): Load {
  const codes = new Set<string>();
  const uncoded: unknown[] = [];
  const stopped = new AbortController();
  // Also when the test fails: workers that go on would keep everything after it from its end.
  onTestFinished(() => stopped.abort());
  let worked = 0;
  const worker = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        await work();
        worked += 1;
      } catch (error) {
        if (isCodedError(error)) codes.add(error.code);
        else uncoded.push(error);
        // Whoever is refused at once would else keep everything else from its turn.
        await delay(2);
      }
    }
  };
  const all = Promise.all(Array.from({ length: workers }, worker));
  return {
    get worked() {
      return worked;
    },
    codes,
    uncoded,
    async stop() {
      stopped.abort();
      await all;
    },
  };
}

/** Waits until the load works again, and well. */
export async function expectWorking(load: Load): Promise<void> {
  const before = load.worked;
  await expect.poll(() => load.worked, PATIENCE).toBeGreaterThan(before + 50);
}

/** Fails each test of the file, or of the block, that leaves a rejection to nobody. */
export function watchRejections(): void {
  let seen: unknown[] = [];
  const hear = (reason: unknown): void => void seen.push(reason);
  beforeEach(() => {
    seen = [];
    process.on('unhandledRejection', hear);
  });
  afterEach(async () => {
    await new Promise((resolve) => void setImmediate(resolve));
    process.off('unhandledRejection', hear);
    expect(seen).toEqual([]);
  });
}

/** Resolves when that is told. */
export async function heard(orders: Orders, type: ResourceEvent['type']): Promise<void> {
  await expect.poll(() => orders.events.some((event) => event.type === type), PATIENCE).toBe(true);
}

import { AsyncLocalStorage } from 'node:async_hooks';
import { context, createContextKey, ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import { currentContext } from '@tenon/core';
import { failureOf } from '@tenon/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inTenant, openResources, settle, type OpenResources } from '../support/open-resources.ts';
import { tracked, type Tracked } from '../support/tracked.ts';
import type { HealthOptions, PoolSettings } from '@tenon/resources';

interface Server extends OpenResources, Tracked {
  /** Whether instances can be made. */
  isUp: boolean;
  /** Whether the check of an instance finds it well. */
  isWell: boolean;
  /** When looks were taken, and when an instance was about to be made, in milliseconds of the clock. */
  readonly looks: number[];
  readonly creates: number[];
  /** The instances of now are beyond use. @param isTold - whether they say so */
  readonly breakAll: (isTold: boolean) => void;
  readonly status: () => string | undefined;
}

const intervalMs = 30_000;

/** A server that a test switches off, with a pool whose instances break by that. */
function openServer({
  health,
  pool,
  use,
  ...options
}: {
  readonly health?: HealthOptions;
  readonly pool?: PoolSettings;
  readonly use?: 'pooled' | 'shared';
  readonly maintenanceIntervalMs?: number;
} = {}): Server {
  const told: (() => void)[] = [];
  const looks: number[] = [];
  const creates: number[] = [];
  const one = tracked('thing', {
    ...(use === undefined ? {} : { use }),
    ...(pool === undefined ? {} : { pool }),
    health: { intervalMs, ...health },
    before: ({ lost }) => {
      creates.push(opened.clock.monotonicMs());
      if (!server.isUp) throw new Error('refused');
      told.push(lost);
    },
    check: () => {
      looks.push(opened.clock.monotonicMs());
      return server.isWell;
    },
  });
  const opened = openResources({ define: [one.token], maintenanceIntervalMs: 86_400_000, ...options });
  const server: Server = {
    ...one,
    ...opened,
    isUp: true,
    isWell: true,
    looks,
    creates,
    breakAll(isTold) {
      for (const thing of one.living()) thing.isBroken = true;
      if (isTold) for (const tell of told) tell();
    },
    status: () => opened.resources.list()[0]?.health.status,
  };
  return server;
}

describe('an instance that breaks while it lies idle', () => {
  it('and says so is missed at once: the resource is unhealthy, and well again when another one could be made', async () => {
    const server = openServer({ health: { intervalMs: 86_400_000 } });
    const { resources, token, clock, events } = server;
    await resources.use(token, () => undefined);
    server.isUp = false;
    server.breakAll(true);
    await clock.advance(0);
    expect(resources.list()[0]?.health).toEqual({
      status: 'unhealthy',
      reason: 'no instance can be made: Error',
      recoverable: true,
    });
    expect(resources.health().worst).toBe('unhealthy');
    server.isUp = true;
    await clock.advance(5_000);
    expect(server.status()).toBe('healthy');
    expect(events.filter(({ type }) => type === 'health-changed')).toMatchObject([
      { from: 'unknown', to: 'unhealthy' },
      { from: 'unhealthy', to: 'healthy' },
    ]);
    await resources.close();
  });

  it.each(['pooled', 'shared'] as const)('and says nothing is missed by the next regular look (%s)', async (use) => {
    const server = openServer({ use });
    const { resources, token, clock } = server;
    await resources.use(token, () => undefined);
    server.isUp = false;
    server.breakAll(false);
    await clock.advance(intervalMs);
    expect(server.status()).toBe('unhealthy');
    server.isUp = true;
    await clock.advance(intervalMs);
    expect(server.status()).toBe('healthy');
    await resources.close();
  });

  it('and says nothing is missed within a round of maintenance, however seldom looks are', async () => {
    const server = openServer({ health: { intervalMs: 86_400_000 }, maintenanceIntervalMs: 10_000 });
    const { resources, token, clock } = server;
    await resources.use(token, () => undefined);
    server.isUp = false;
    server.breakAll(false);
    await clock.advance(10_000);
    expect(server.status()).toBe('unhealthy');
    await resources.close();
  });

  it('is replaced, and nothing is wrong, where another one can be made', async () => {
    const server = openServer();
    const { resources, token, clock, made } = server;
    await resources.use(token, () => undefined);
    server.breakAll(true);
    await clock.advance(0);
    expect(server.status()).toBe('healthy');
    expect(made.map(({ endedFor }) => endedFor)).toEqual(['broken', undefined]);
    expect(server.looks).toHaveLength(1);
    await clock.advance(intervalMs - 1);
    expect(server.looks).toHaveLength(1);
    await resources.close();
  });

  it('under its borrower is a reason for a look as well', async () => {
    const server = openServer({ pool: { max: 2 } });
    const { resources, token, clock } = server;
    const held = await resources.acquire(token);
    server.isUp = false;
    server.breakAll(true);
    await clock.advance(0);
    expect(server.status()).toBe('unhealthy');
    held.lease.release();
    await resources.close();
  });

  it('and says so after its end, or before it is done, is no reason for anything', async () => {
    let tell = (): void => undefined;
    const { token } = tracked('thing', {
      check: () => true,
      before: ({ lost }) => {
        tell = lost;
        lost();
      },
    });
    const { resources, clock } = openResources({ define: [token] });
    await resources.use(token, () => undefined);
    await clock.advance(1_000);
    await resources.drain(token);
    tell();
    await clock.advance(1_000);
    expect(resources.healthHistory(token)).toEqual([]);
    await resources.close();
  });

  it('is no reason for anything where there is nothing to look with', async () => {
    const { token, made } = tracked('thing', {});
    const { resources, clock } = openResources({ define: [token] });
    await resources.use(token, ({ value }) => void (value.isBroken = true));
    await clock.advance(90_000);
    expect(made).toHaveLength(1);
    expect(resources.list()[0]?.health.status).toBe('unknown');
    await resources.close();
  });
});

describe('an instance that cannot be made', () => {
  it('for a borrower is reason enough for a look at once', async () => {
    const server = openServer();
    const { resources, token, clock } = server;
    server.isUp = false;
    await failureOf(resources.acquire(token));
    expect(resources.healthHistory(token)).toEqual([]);
    await clock.advance(0);
    expect(server.status()).toBe('unhealthy');
    await resources.close();
  });

  it('while others are at work makes the resource degraded', async () => {
    const server = openServer({ pool: { max: 3 } });
    const { resources, token, clock } = server;
    const held = await resources.acquire(token);
    server.isUp = false;
    await failureOf(resources.acquire(token));
    await clock.advance(1_000);
    expect(resources.list()[0]?.health).toEqual({
      status: 'degraded',
      reason: 'no more instances can be made: Error',
      impact: 0.5,
    });
    expect(held.lease.signal.aborted).toBe(false);
    held.lease.release();
    await resources.close();
  });

  it('is not held against a resource any more once one was made, also while all are lent', async () => {
    const server = openServer({ pool: { max: 1, createBackoff: { initialMs: 10, maxMs: 10 } } });
    const { resources, token, clock } = server;
    server.isUp = false;
    await failureOf(resources.acquire(token));
    await clock.advance(1_000);
    expect(server.status()).toBe('unhealthy');
    server.isUp = true;
    const held = await resources.acquire(token);
    expect(server.status()).toBe('unknown');
    await clock.advance(intervalMs);
    expect(server.status()).toBe('unknown');
    held.lease.release();
    await clock.advance(intervalMs);
    expect(server.status()).toBe('healthy');
    await resources.close();
  });

  it('and hangs makes the resource unhealthy, and holds up neither the next look nor the end', async () => {
    const hanging = new Promise<void>(() => undefined);
    let isUp = true;
    let creates = 0;
    const { token, made } = tracked('thing', {
      pool: { createTimeoutMs: 2_000, max: 4 },
      health: { intervalMs, timeoutMs: 1_000 },
      // It heeds no signal.
      before: () => {
        creates += 1;
        return isUp ? undefined : hanging;
      },
      check: () => true,
    });
    const { resources, clock } = openResources({ define: [token], maintenanceIntervalMs: 86_400_000 });
    await resources.use(token, () => undefined);
    isUp = false;
    for (const thing of made) thing.isBroken = true;
    await clock.advance(intervalMs + 1_000);
    expect(resources.list()[0]?.health).toMatchObject({
      status: 'unhealthy',
      reason: expect.stringContaining('no instance can be made: '),
    });
    await clock.advance(10 * intervalMs);
    expect(resources.list()[0]?.health).toMatchObject({
      status: 'unhealthy',
      reason: expect.stringContaining('an earlier try to make an instance has not ended yet'),
    });
    // One of the pool, and one of a look: what hangs is not heaped up.
    expect(creates).toBe(3);
    const closing = resources.close({ timeoutMs: 500 });
    await clock.advance(500);
    expect((await closing).left).toBe(2);
  });

  it('never brings a resource to be given up: it is lent as soon as one can be made', async () => {
    const server = openServer({ health: { failureThreshold: 1, maxAttempts: 1 } });
    const { resources, token, clock, events } = server;
    await resources.use(token, () => undefined);
    server.isUp = false;
    server.breakAll(true);
    for (let pass = 0; pass < 60; pass += 1) {
      await clock.advance(intervalMs);
      expect(server.status()).toBe('unhealthy');
      expect((await failureOf(resources.acquire(token))).code).toMatch(/RESOURCE_(UNAVAILABLE|INITIALIZATION_FAILED)/);
    }
    expect(events.filter(({ type }) => type === 'quarantined' || type === 'given-up')).toEqual([]);
    server.isUp = true;
    await clock.advance(intervalMs);
    await resources.use(token, () => undefined);
    await clock.advance(intervalMs);
    expect(server.status()).toBe('healthy');
    await resources.close();
  });
});

describe('looks for the sake of doubts', () => {
  it('come ever more seldom, however many doubts there are, and one at a time', async () => {
    const server = openServer({ pool: { createBackoff: { initialMs: 1, maxMs: 1, jitter: 0 } } });
    const { resources, token, clock, creates } = server;
    await resources.use(token, () => undefined);
    server.isUp = false;
    server.breakAll(true);
    let { length } = creates;
    const at: number[] = [];
    while (clock.monotonicMs() < 2 * intervalMs - 1) {
      for (let index = 0; index < 5; index += 1) server.breakAll(true);
      await clock.advance(50);
      if (creates.length > length) at.push(clock.monotonicMs());
      expect(creates.length - length).toBeLessThanOrEqual(1);
      ({ length } = creates);
    }
    // At once; then after three quarters of 1, 2, 4, 8 and 16 seconds; then the regular one; then as often as those.
    expect(at.filter((ms) => ms < intervalMs).map((ms) => Math.round(ms / 100) / 10)).toEqual([
      0.1, 0.8, 2.3, 5.3, 11.3, 23.3,
    ]);
    expect(at.filter((ms) => ms >= intervalMs)).toHaveLength(3);
    await resources.close();
  });

  it('come no oftener where each of them finds that nothing is wrong', async () => {
    const server = openServer();
    const { resources, token, clock, looks } = server;
    await resources.use(token, () => undefined);
    while (clock.monotonicMs() < 10 * intervalMs) {
      server.breakAll(true);
      await clock.advance(100);
    }
    expect(looks.length).toBeLessThanOrEqual(6 + 10 * 3);
    expect(server.status()).toBe('healthy');
    // Calm again: the next doubt is answered at once.
    await clock.advance(3 * intervalMs + 5_000);
    const { length } = looks;
    server.breakAll(true);
    await clock.advance(0);
    expect(looks).toHaveLength(length + 1);
    await resources.close();
  });

  it('never bring the end forward: only regular ones count', async () => {
    const server = openServer({ health: { failureThreshold: 3, maxAttempts: 2 } });
    const { resources, token, clock, events } = server;
    await resources.use(token, () => undefined);
    server.isWell = false;
    const seen = (): readonly string[] =>
      events.map(({ type }) => type).filter((type) => type === 'quarantined' || type === 'given-up');
    while (clock.monotonicMs() < 3 * intervalMs - 100) {
      server.breakAll(true);
      await clock.advance(100);
    }
    expect(resources.healthHistory(token).length).toBeGreaterThan(3);
    expect(seen()).toEqual([]);
    await clock.advance(200);
    expect(seen()).toEqual(['quarantined']);
    await resources.close();
  });

  it('leave a quarantined resource to its tries, each of which is one though the pool holds back', async () => {
    const server = openServer({
      health: { failureThreshold: 1, maxAttempts: 3, initialDelayMs: 1_000, factor: 1 },
      pool: { createBackoff: { initialMs: 20_000, factor: 1, jitter: 0 } },
    });
    const { resources, token, clock, creates } = server;
    await resources.use(token, () => undefined);
    server.isWell = false;
    await clock.advance(intervalMs);
    expect(resources.list()[0]?.gate.state).toBe('closed');
    server.isUp = false;
    const before = creates.length;
    await clock.advance(2 * 750);
    expect(creates.length - before).toBe(2);
    expect(resources.list()[0]?.gate).toMatchObject({ state: 'closed', attempts: 2 });
    server.isUp = true;
    server.isWell = true;
    await clock.advance(750);
    expect(resources.list()[0]?.gate.state).toBe('open');
    await resources.close();
  });

  it('take nothing from borrowers: whoever comes when instances can be made again is served at once', async () => {
    const server = openServer();
    const { resources, token, clock } = server;
    await resources.use(token, () => undefined);
    server.isUp = false;
    server.breakAll(true);
    await clock.advance(10 * intervalMs);
    expect(server.status()).toBe('unhealthy');
    expect(resources.list()[0]?.pool.createFailures).toBe(1);
    server.isUp = true;
    await resources.use(token, () => undefined);
    await resources.close();
  });

  it('are not taken where they are not wanted', async () => {
    const server = openServer({ health: { looksInDoubt: false }, maintenanceIntervalMs: 1_000 });
    const { resources, token, clock, creates } = server;
    await resources.use(token, () => undefined);
    server.isUp = false;
    server.breakAll(true);
    await clock.advance(2 * intervalMs);
    expect(server.status()).toBe('unknown');
    await failureOf(resources.acquire(token));
    await clock.advance(2 * intervalMs);
    expect(server.status()).toBe('unknown');
    expect(creates).toHaveLength(2);
    await resources.close();
  });

  it('end with the resource', async () => {
    const server = openServer();
    const { resources, token, clock, looks } = server;
    await resources.use(token, () => undefined);
    server.isUp = false;
    server.breakAll(true);
    await clock.advance(0);
    await resources.close();
    server.breakAll(true);
    await settle();
    expect(clock.pending()).toBe(0);
    await clock.advance(10 * intervalMs);
    expect(looks).toHaveLength(0);
  });

  it('are taken in no trace and no context of whoever found it broken', async () => {
    const storage = new AsyncLocalStorage<Context>();
    context.setGlobalContextManager({
      active: () => storage.getStore() ?? ROOT_CONTEXT,
      with: (active, work, self, ...given) => storage.run(active, () => work.apply(self as never, given)),
      bind: (_, target) => target,
      enable: () => expect.unreachable(),
      disable() {
        return this;
      },
    });
    onTestFinished(() => context.disable());
    const traceOf = createContextKey('trace');
    const seen: unknown[] = [];
    let tell = (): void => undefined;
    const { token } = tracked('thing', {
      isolation: 'none',
      before: ({ lost }) => void (tell = lost),
      check: () => {
        seen.push([currentContext(), context.active().getValue(traceOf)]);
        return true;
      },
    });
    const { resources, clock } = openResources({ define: [token], maintenanceIntervalMs: 86_400_000 });
    const whoever = context.active().setValue(traceOf, 'that of a request');
    await context.with(whoever, () => inTenant('acme', () => resources.use(token, () => undefined)));
    context.with(whoever, () => inTenant('acme', () => tell()));
    await clock.advance(0);
    await context.with(whoever, () => clock.advance(intervalMs));
    expect(seen).toEqual([
      [{}, undefined],
      [{}, undefined],
    ]);
    await resources.close();
  });
});

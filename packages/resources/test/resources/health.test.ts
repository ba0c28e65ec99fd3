import { failureOf } from '@tenon/core/testing';
import { createResources, defineResource, type HealthStatus } from '@tenon/resources';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources, settle } from '../support/open-resources.ts';
import { tracked } from '../support/tracked.ts';
import { intervalMs, openWatched } from '../support/watched.ts';

const unhealthy = (reason: string): HealthStatus => ({ status: 'unhealthy', reason, recoverable: true });

describe('a look at a resource', () => {
  it('is taken each interval, and measured', async () => {
    const watched = openWatched({ health: { intervalMs: 5_000 } });
    const { resources, clock, token, looks } = watched;
    await resources.use(token, () => undefined);
    await clock.advance(4_999);
    expect(looks).toHaveLength(0);
    expect(resources.list()[0]?.health).toEqual({ status: 'unknown' });
    await clock.advance(1);
    expect(looks).toHaveLength(1);
    watched.answer = () => new Promise((resolve) => void clock.schedule(() => resolve(true), 30));
    await clock.advance(5_030);
    expect(resources.healthHistory(token)).toMatchObject([
      { health: { status: 'healthy' }, latencyMs: 30, failuresInRow: 0 },
      { health: { status: 'healthy' }, latencyMs: 0 },
    ]);
    await resources.close();
  });

  it('is not taken of what has no check', async () => {
    const { token } = tracked('thing');
    const { resources, clock } = openResources({ define: [token], maintenanceIntervalMs: 86_400_000 });
    await resources.use(token, () => undefined);
    const before = clock.pending();
    await clock.advance(90_000);
    expect(clock.pending()).toBe(before);
    expect(await resources.check()).toEqual([]);
    await resources.close();
  });

  it.each([
    ['false', false],
    ['a throw', new Error('x')],
    ['no answer', new Promise<boolean>(() => undefined)],
    ['a status', unhealthy('full')],
  ])('finds %s within one interval', async (_, answer) => {
    const watched = openWatched();
    const { resources, token, clock, events } = watched;
    await resources.use(token, () => undefined);
    watched.answer = answer;
    await clock.advance(intervalMs + 200);
    expect(resources.healthHistory(token)[0]).toMatchObject({ health: { status: 'unhealthy' }, failuresInRow: 1 });
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'health-changed', from: 'unknown', to: 'unhealthy' }),
    );
    await resources.close();
  });

  it('that hangs ends in time, its signal aborts, its instance ends, and what it says later does nothing', async () => {
    const watched = openWatched({ pool: { max: 1 } });
    const { resources, token, clock, looks, made } = watched;
    await resources.use(token, () => undefined);
    const late = Promise.withResolvers<boolean>();
    watched.answer = late.promise;
    await clock.advance(intervalMs + 199);
    expect(resources.healthHistory(token)).toEqual([]);
    await clock.advance(1);
    expect(looks[0]?.aborted).toBe(true);
    expect(resources.healthHistory(token)).toMatchObject([{ health: { status: 'unhealthy' }, latencyMs: 200 }]);
    expect(made[0]?.endedFor).toBe('tainted');
    // The place of what hangs is free.
    expect(await resources.use(token, ({ value }) => value.id)).toBe(2);
    late.resolve(true);
    await settle();
    expect(resources.healthHistory(token)).toHaveLength(1);
    expect(made[1]?.endedFor).toBeUndefined();
    await resources.close();
  });

  it('takes no place from those at work: one whose instances are all lent is not looked at', async () => {
    const { resources, token, looks, passIntervals } = openWatched({ pool: { max: 1 } });
    const held = await resources.acquire(token);
    await passIntervals(5);
    expect(looks).toHaveLength(0);
    expect(await resources.check(token)).toEqual([]);
    held.lease.release();
    await passIntervals(1);
    expect(looks).toHaveLength(1);
    await resources.close();
  });

  it('is no borrower: it shows in no count and in no state', async () => {
    const watched = openWatched();
    const { resources, token, clock, events } = watched;
    await resources.use(token, () => undefined);
    const before = events.length;
    watched.answer = () => new Promise((resolve) => void clock.schedule(() => resolve(true), 100));
    await clock.advance(intervalMs + 50);
    expect(resources.list()[0]).toMatchObject({ borrowers: 0, state: 'idle' });
    await clock.advance(100);
    expect(events.slice(before).map(({ type }) => type)).toEqual(['health-changed']);
    await resources.close();
  });

  it('can be asked for at once, by many together', async () => {
    const { resources, token, looks } = openWatched();
    await inTenant('a', () => resources.use(token, () => undefined));
    await inTenant('b', () => resources.use(token, () => undefined));
    const seen = await inTenant('a', () => Promise.all([resources.check(), resources.check(token)]));
    expect(seen[0]).toMatchObject([{ resource: 'thing', scope: 'tenant=a', health: { status: 'healthy' } }]);
    expect(seen[1]).toEqual(seen[0]);
    expect(looks).toHaveLength(1);
    await resources.close();
  });

  it('tells what a library throws by its name and code alone', async () => {
    const watched = openWatched();
    const { resources, token, passIntervals } = watched;
    await resources.use(token, () => undefined);
    watched.answer = Object.assign(new TypeError('to redis://u:canary@host'), { code: 'ECONNREFUSED' });
    await passIntervals(1);
    const { health } = resources.healthHistory(token)[0] ?? {};
    expect(health).toMatchObject({ reason: 'its check failed: TypeError (ECONNREFUSED)' });
    await resources.close();
  });

  it('is taken in no context of a request', async () => {
    const { currentContext, runInContext } = await import('@tenon/core');
    const contexts: unknown[] = [];
    const token = defineResource({
      name: 'thing',
      health: { intervalMs },
      create: () => void contexts.push(currentContext()),
      check: () => void contexts.push(currentContext()),
      destroy: () => void contexts.push(currentContext()),
      isolation: 'none',
    });
    const { resources, clock } = openResources({ define: [token] });
    await inTenant('a', () => resources.use(token, () => undefined));
    await clock.advance(intervalMs);
    await runInContext({ signal: new AbortController().signal }, () => resources.drain(token));
    expect(contexts).toEqual([{}, {}, {}]);
    await resources.close();
  });

  it('is remembered a hundred times, the newest first, over all scopes', async () => {
    const { resources, token, clock, passIntervals } = openWatched();
    for (const tenant of ['a', 'b']) await inTenant(tenant, () => resources.use(token, () => undefined));
    await passIntervals(120);
    const history = resources.healthHistory(token);
    const own = inTenant('a', () => resources.healthHistory(token));
    expect(own).toHaveLength(100);
    expect(own[0]?.checkedAtMs).toBe(clock.now());
    expect(own.at(-1)?.checkedAtMs).toBe(clock.now() - 99 * intervalMs);
    expect(history).toHaveLength(200);
    expect(history.map(({ checkedAtMs }) => checkedAtMs)).toEqual(
      history.map(({ checkedAtMs }) => checkedAtMs).toSorted((left, right) => right - left),
    );
    await resources.close();
  });

  it.each([
    ['pooled', new Promise<boolean>(() => undefined)],
    ['shared', new Promise<boolean>(() => undefined)],
    ['pooled', true],
  ] as const)('stops at the end, and leaves no timer behind (%s)', async (use, answer) => {
    const watched = openWatched({ use });
    const { resources, token, clock, looks, living } = watched;
    await resources.use(token, () => undefined);
    watched.answer = answer;
    await clock.advance(intervalMs + 1);
    await resources.close();
    expect(clock.pending()).toBe(0);
    expect(living()).toEqual([]);
    const { length } = looks;
    await clock.advance(10 * intervalMs);
    expect(looks).toHaveLength(length);
  });
});

describe('what is lent by all at once', () => {
  it('is replaced for new borrowers when a look fails, while those who have it keep it', async () => {
    const watched = openWatched({ use: 'shared' });
    const { resources, token, passIntervals, made } = watched;
    const before = await resources.acquire(token);
    watched.answer = false;
    await passIntervals(1);
    watched.answer = true;
    const after = await resources.acquire(token);
    expect(after.value).not.toBe(before.value);
    expect(made[0]?.endedFor).toBeUndefined();
    before.lease.release();
    await settle();
    expect(made[0]?.endedFor).toBe('tainted');
    after.lease.release();
    await resources.close();
  });
});

describe('the health of all', () => {
  it('is that of the worst, with the mean of the scores, together and by what they are of', async () => {
    const answers: Record<string, HealthStatus> = {
      good: { status: 'healthy' },
      slow: { status: 'degraded', reason: 'slow', impact: 0.4 },
      bad: unhealthy('bad'),
    };
    const tokens = Object.keys(answers).map((name) =>
      defineResource({
        name,
        technology: name === 'good' ? 'http' : 'postgres',
        health: { intervalMs },
        create: () => name,
        check: () => answers[name],
      }),
    );
    const unseen = defineResource({ name: 'unseen', technology: 'redis', create: () => 1 });
    const { resources, clock } = openResources({ define: [...tokens, unseen] });
    const none = { healthy: 0, degraded: 0, unhealthy: 0, unknown: 0 };
    const nothing = { worst: 'unknown', weighted: 'unknown', score: 1, trend: 'unknown' };
    expect(resources.health()).toEqual({ ...nothing, counts: none, byTechnology: {} });
    await resources.start();
    await clock.advance(intervalMs);
    expect(resources.health()).toEqual({
      worst: 'unhealthy',
      weighted: 'degraded',
      score: (1 + 0.6 + 0) / 3,
      trend: 'unknown',
      counts: { healthy: 1, degraded: 1, unhealthy: 1, unknown: 1 },
      byTechnology: {
        http: { ...nothing, worst: 'healthy', weighted: 'healthy', score: 1, counts: { ...none, healthy: 1 } },
        postgres: {
          ...nothing,
          worst: 'unhealthy',
          weighted: 'unhealthy',
          score: 0.3,
          counts: { ...none, degraded: 1, unhealthy: 1 },
        },
        redis: { ...nothing, counts: { ...none, unknown: 1 } },
      },
    });
    await resources.close();
  });

  it('counts each as much as it is said to weigh', async () => {
    const tokens = ['heavy', 'light'].map((name) =>
      defineResource({
        name,
        health: { intervalMs, weight: name === 'heavy' ? 9 : 1 },
        create: () => name,
        check: () => name === 'heavy',
      }),
    );
    const { resources, clock } = openResources({ define: tokens });
    await resources.start();
    await clock.advance(intervalMs);
    expect(resources.health()).toMatchObject({ worst: 'unhealthy', weighted: 'healthy', score: 0.9 });
    await resources.close();
  });

  it('goes where its looks go, one by one and together, and is measured', async () => {
    const watched = openWatched({ health: { intervalMs, failureThreshold: 100 } });
    const { resources, token, clock, passIntervals } = watched;
    let latencyMs = 10;
    watched.answer = () => new Promise((resolve) => void clock.schedule(() => resolve(true), latencyMs));
    await resources.use(token, () => undefined);
    await passIntervals(7);
    expect(resources.list()[0]?.trend.direction).toBe('unknown');
    await passIntervals(13);
    expect(resources.list()[0]?.trend.direction).toBe('stable');
    expect(resources.health().trend).toBe('stable');
    latencyMs = 30;
    await passIntervals(6);
    expect(resources.list()[0]?.trend).toEqual({
      direction: 'worsening',
      older: { looks: 10, failureShare: 0, medianLatencyMs: 10 },
      newer: { looks: 10, failureShare: 0, medianLatencyMs: 30 },
    });
    expect(resources.health()).toMatchObject({ trend: 'worsening', byTechnology: { custom: { trend: 'worsening' } } });
    latencyMs = 10;
    await passIntervals(20);
    expect(resources.health().trend).toBe('stable');
    await resources.close();
  });

  it("is of a tenant's own only, in the work of a tenant", async () => {
    const { resources, token } = openWatched();
    for (const tenant of ['a', 'b']) await inTenant(tenant, () => resources.use(token, () => undefined));
    await resources.check();
    expect(resources.health().counts.healthy).toBe(2);
    expect(inTenant('a', () => resources.health().counts.healthy)).toBe(1);
    await resources.close();
  });
});

describe('the options of health', () => {
  it.each([
    { intervalMs: 99 },
    { intervalMs: 86_400_001 },
    { intervalMs: NaN },
    { timeoutMs: 0 },
    { failureThreshold: 0 },
    { failureThreshold: 1.5 },
    { initialDelayMs: 0 },
    { factor: 0.9 },
    { maxDelayMs: 0 },
    { maxAttempts: 0 },
    { successesNeeded: 0 },
    { looksInDoubt: 'no' as never },
    { weight: -1 },
    { weight: 1_001 },
  ])('refuse %o', async (health) => {
    const { token } = tracked('thing');
    const [option] = Object.keys(health);
    await using resources = createResources();
    expect(await failureOf(() => resources.register(token, { health }))).toMatchObject({
      code: 'RESOURCE_CONFIGURATION_INVALID',
      details: { resource: 'thing', option },
    });
    expect(resources.tokens()).toEqual([]);
  });
});

import { failureOf } from '@tenon/core/testing';
import type { HealthStatus } from '@tenon/resources';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources, settle } from '../support/open-resources.ts';
import { tracked } from '../support/tracked.ts';
import { openWatched, type Watched } from '../support/watched.ts';

const degraded = (impact: number): HealthStatus => ({ status: 'degraded', reason: 'slow', impact });

/** Quarantines what a test watches. */
async function quarantine(watched: Watched): Promise<void> {
  watched.answer = false;
  await watched.resources.use(watched.token, () => undefined);
  await watched.passIntervals(3);
}

describe('quarantine', () => {
  it('comes after so many failures in a row, also when nobody uses it meanwhile', async () => {
    const watched = openWatched({ health: { failureThreshold: 2 } });
    const { resources, token, passIntervals, seen } = watched;
    await resources.use(token, () => undefined);
    for (const answer of [false, true, false]) {
      watched.answer = answer;
      await passIntervals(1);
    }
    expect(seen('quarantined')).toEqual([]);
    await passIntervals(1);
    expect(seen('quarantined')).toEqual(['quarantined']);
    expect(resources.list()[0]).toMatchObject({ state: 'failed', gate: { state: 'closed', attempts: 0 } });
    expect(resources.healthHistory(token)[0]?.failuresInRow).toBe(2);
    await resources.close();
  });

  it('refuses everybody at once, says when to come again, and names nobody', async () => {
    const watched = openWatched();
    const { resources, token, clock } = watched;
    await inTenant('acme', () => quarantine(watched));
    await inTenant('other', () => resources.use(token, () => undefined));
    const failure = await inTenant('acme', () => failureOf(resources.acquire(token)));
    expect(failure).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', retryable: true, retryAfterMs: 800 });
    expect(JSON.stringify([failure, failure.message])).not.toMatch(/acme|other|tenant/);
    await clock.advance(500);
    expect(await inTenant('acme', () => failureOf(resources.acquire(token)))).toMatchObject({ retryAfterMs: 300 });
    await resources.close();
  });

  it('sends away those who wait, for a new instance or a return', async () => {
    let isSlow = false;
    const seen = Promise.withResolvers<boolean>();
    const { token } = tracked('thing', {
      pool: { max: 3 },
      health: { intervalMs: 1_000, failureThreshold: 1 },
      before: () => (isSlow ? new Promise(() => undefined) : undefined),
      check: () => seen.promise,
    });
    const { resources, clock } = openResources({ define: [token] });
    const held = await resources.acquire(token);
    await resources.use(token, () => undefined);
    await clock.advance(1_000);
    isSlow = true;
    const waiting = Array.from({ length: 3 }, () => failureOf(resources.acquire(token, {}, { timeoutMs: Infinity })));
    await settle();
    expect(resources.list()[0]?.pool).toMatchObject({ waiting: 3, creating: 1 });
    seen.resolve(false);
    for (const refusal of await Promise.all(waiting)) {
      expect(refusal).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', retryable: true, retryAfterMs: 800 });
    }
    expect(resources.list()[0]).toMatchObject({ borrowers: 1, pool: { waiting: 0 } });
    held.lease.release();
    await resources.close({ timeoutMs: 0 });
  });

  it('lets borrowers keep what they have, and trusts nothing of it afterwards', async () => {
    const watched = openWatched({ pool: { max: 2 } });
    const { resources, token, made } = watched;
    const held = await resources.acquire(token);
    await quarantine(watched);
    expect(held.lease.signal.aborted).toBe(false);
    expect(held.value).toBe(made[0]);
    held.lease.release();
    await settle();
    expect(made[0]?.endedFor).toBe('invalidated');
    expect(resources.list()[0]?.state).toBe('failed');
    await resources.close();
  });

  it('has one who tries, while fifty are refused', async () => {
    const watched = openWatched();
    const { resources, token, clock, looks, made } = watched;
    await quarantine(watched);
    const before = { looks: looks.length, made: made.length };
    watched.answer = new Promise(() => undefined);
    await clock.advance(750);
    const refusals = await Promise.all(Array.from({ length: 50 }, () => failureOf(resources.acquire(token))));
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['RESOURCE_UNAVAILABLE']));
    const checks = [resources.check(), resources.check()];
    await clock.advance(100);
    expect({ looks: looks.length - before.looks, made: made.length - before.made }).toEqual({ looks: 1, made: 1 });
    await clock.advance(100);
    expect((await Promise.all(checks)).flat()).toMatchObject([{ health: { status: 'unhealthy' } }, {}]);
    await resources.close();
  });

  it('tries ever more seldom, up to a longest wait, half of which is random', async () => {
    const watched = openWatched({
      health: { initialDelayMs: 1_000, factor: 3, maxDelayMs: 5_000, maxAttempts: Infinity, intervalMs: 10_000 },
    });
    const { clock, looks, resources } = watched;
    await quarantine(watched);
    const waits: number[] = [];
    let { length } = looks;
    let since = clock.monotonicMs();
    while (waits.length < 4) {
      await clock.advance(50);
      if (looks.length === length) continue;
      ({ length } = looks);
      waits.push(clock.monotonicMs() - since);
      since = clock.monotonicMs();
    }
    // With a random of one half, three quarters of 1,000, 3,000, 5,000 and 5,000.
    expect(waits).toEqual([750, 2_250, 3_750, 3_750]);
    await resources.close();
  });

  it('is over after so many successes in a row, and tells how many tries had failed', async () => {
    const watched = openWatched({ health: { successesNeeded: 3 } });
    const { resources, token, clock, events, seen } = watched;
    await quarantine(watched);
    await clock.advance(750);
    watched.answer = true;
    await clock.advance(1_500);
    expect(seen('quarantined', 'recovered', 'given-up')).toEqual(['quarantined', 'quarantined', 'recovered']);
    expect(events.filter(({ type }) => type === 'quarantined')).toMatchObject([
      { attempt: 0, retryInMs: 750 },
      { attempt: 1, retryInMs: 1_500 },
    ]);
    expect(events.find(({ type }) => type === 'recovered')).toMatchObject({ attempts: 1 });
    expect(resources.healthHistory(token).slice(0, 4)).toMatchObject([
      { health: { status: 'healthy' } },
      { health: { status: 'healthy' } },
      { health: { status: 'healthy' } },
      { health: { status: 'unhealthy' } },
    ]);
    expect(resources.list()[0]).toMatchObject({
      state: 'idle',
      gate: { state: 'open' },
      health: { status: 'healthy' },
    });
    await resources.use(token, () => undefined);
    await resources.close();
  });

  it('is not over when one of the tries that are needed fails', async () => {
    const watched = openWatched({ health: { successesNeeded: 2 } });
    const { clock, resources, token, seen, looks } = watched;
    await quarantine(watched);
    const { length } = looks;
    watched.answer = () => looks.length === length + 1;
    await clock.advance(750);
    expect(looks).toHaveLength(length + 2);
    expect(seen('recovered')).toEqual([]);
    expect(resources.list()[0]).toMatchObject({
      gate: { state: 'closed', attempts: 1 },
      health: { status: 'unhealthy' },
    });
    expect((await failureOf(resources.acquire(token))).code).toBe('RESOURCE_UNAVAILABLE');
    await resources.close();
  });

  it('is for good after so many tries in vain, until somebody opens it', async () => {
    const watched = openWatched({ health: { maxAttempts: 2, failureThreshold: 2 } });
    const { resources, token, clock, events, looks, passIntervals } = watched;
    await quarantine(watched);
    await clock.advance(60_000);
    expect(events.filter(({ type }) => type === 'given-up')).toMatchObject([{ attempts: 2 }]);
    expect(await failureOf(resources.acquire(token))).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', retryable: false });
    const { length } = looks;
    await clock.advance(600_000);
    expect(looks).toHaveLength(length);
    resources.resume(token);
    expect(resources.list()[0]).toMatchObject({ gate: { state: 'open' }, state: 'idle' });
    await resources.use(token, () => undefined);
    // It has another chance: one more failure is not too much.
    await passIntervals(1);
    expect(looks).toHaveLength(length + 1);
    expect(resources.list()[0]?.gate.state).toBe('open');
    await passIntervals(1);
    expect(resources.list()[0]?.gate.state).toBe('closed');
    await resources.close();
  });

  it('is for good at once when it cannot recover', async () => {
    const watched = openWatched();
    const { resources, token, events, passIntervals } = watched;
    await resources.use(token, () => undefined);
    watched.answer = { status: 'unhealthy', reason: 'gone', recoverable: false };
    await passIntervals(1);
    expect(events.filter(({ type }) => type === 'given-up')).toMatchObject([{ attempts: 0 }]);
    expect(resources.list()[0]).toMatchObject({
      state: 'failed',
      health: { status: 'unhealthy', reason: 'gone', recoverable: false },
    });
    await resources.close();
  });

  it.each([
    [0.79, 'open'],
    [0.8, 'closed'],
  ] as const)('of a resource that is degraded by %f: it stays %s', async (impact, state) => {
    const watched = openWatched();
    const { resources, token, passIntervals } = watched;
    await resources.use(token, () => undefined);
    watched.answer = degraded(impact);
    await passIntervals(3);
    expect(resources.list()[0]).toMatchObject({ gate: { state } });
    expect(resources.healthHistory(token)).toHaveLength(3);
    await resources.close();
  });

  it('counts no try while there is no room for one', async () => {
    const { token } = tracked('thing', {
      pool: { max: 1 },
      health: { intervalMs: 1_000, failureThreshold: 1, maxAttempts: 1, successesNeeded: 1 },
      check: (thing) => thing.id > 1,
      destroy: () => new Promise((resolve) => void clock.schedule(resolve, 4_000)),
    });
    const { resources, clock, events } = openResources({ define: [token] });
    await resources.use(token, () => undefined);
    await clock.advance(1_000);
    // The place of what failed is free after four seconds.
    await clock.advance(3_999);
    expect(resources.list()[0]).toMatchObject({ gate: { state: 'closed', attempts: 0 } });
    await clock.advance(1_000);
    expect(resources.list()[0]).toMatchObject({ gate: { state: 'open' } });
    expect(events.filter(({ type }) => type === 'quarantined')).toHaveLength(1);
    await Promise.all([resources.close(), clock.advance(10_000)]);
  });

  it('stands in the way of what rests on it, with the hint when to come again', async () => {
    let works = true;
    const base = tracked('base', { health: { intervalMs: 1_000, failureThreshold: 1 }, check: () => works });
    const top = tracked('top', { dependencies: { base: base.token } });
    const { resources, clock } = openResources({ define: [base.token, top.token] });
    await resources.use(top.token, () => undefined);
    await resources.use(base.token, () => undefined);
    works = false;
    await clock.advance(1_000);
    expect(top.living()).toEqual([]);
    expect(base.living()).toEqual([]);
    expect(await failureOf(resources.acquire(top.token))).toMatchObject({
      code: 'RESOURCE_INITIALIZATION_FAILED',
      retryable: true,
      cause: { code: 'RESOURCE_DEPENDENCY_FAILED', retryable: true, cause: { code: 'RESOURCE_UNAVAILABLE' } },
    });
    works = true;
    await clock.advance(2_000);
    await resources.use(top.token, () => undefined);
    await resources.close();
  });
});

import { failureOf } from '@tenon/core/testing';
import { createResources } from '@tenon/resources';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources, settle } from '../support/open-resources.ts';
import { tracked } from '../support/tracked.ts';

const options = { idleResourceMs: 60_000, maintenanceIntervalMs: 10_000 };

describe('a resource that nobody uses', () => {
  it('is ended after its time, with all that it holds', async () => {
    const { token, living } = tracked('thing', { pool: { min: 2, idleTimeoutMs: Infinity, maxLifetimeMs: Infinity } });
    const { resources, clock } = openResources({ define: [token], ...options });
    await inTenant('a', () => resources.use(token, () => undefined));
    expect(living()).toHaveLength(2);
    await clock.advance(59_999);
    expect(resources.list()).toHaveLength(1);
    await clock.advance(1);
    expect(living()).toEqual([]);
    expect(resources.list()).toEqual([]);
    expect(resources.usage('a')).toEqual({ maxResources: 0, maxLeases: 0, maxWaiters: 0 });
    // There is nothing to look after any more.
    expect(clock.pending()).toBe(0);
    await inTenant('a', () => resources.use(token, () => undefined));
    expect(clock.pending()).toBeGreaterThan(0);
    await resources.close();
    expect(clock.pending()).toBe(0);
  });

  it('is not one that is borrowed, asked for, or needed by another', async () => {
    const base = tracked('base');
    const top = tracked('top', { dependencies: { base: base.token } });
    const slow = tracked('slow', { before: () => new Promise(() => undefined), pool: { createTimeoutMs: 600_000 } });
    const { resources, clock } = openResources({ define: [base.token, top.token, slow.token], ...options });
    const held = await resources.acquire(top.token);
    const waiting = failureOf(resources.acquire(slow.token, {}, { timeoutMs: Infinity }));
    await clock.advance(300_000);
    expect(resources.list().map(({ name }) => name)).toEqual(['top', 'base', 'slow']);
    held.lease.release();
    await clock.advance(59_999);
    expect(resources.list().map(({ name }) => name)).toContain('top');
    await clock.advance(10_001);
    expect(resources.list().map(({ name }) => name)).not.toContain('top');
    await clock.advance(70_000);
    expect(resources.list().map(({ name }) => name)).toEqual(['slow']);
    await resources.close({ timeoutMs: 0 });
    expect((await waiting).code).toBe('POOL_CLOSED');
  });

  it('is counted from its last use, which never goes back', async () => {
    const { token, living } = tracked('thing', { pool: { max: 1_000 } });
    const { resources, clock } = openResources({ define: [token], ...options });
    const early = await resources.acquire(token);
    await clock.advance(50_000);
    // A thousand at once, and one that began long before them ends in between.
    const many = await Promise.all(Array.from({ length: 999 }, () => resources.acquire(token)));
    early.lease.release();
    clock.setNow(0);
    for (const { lease } of many) lease.release();
    await clock.advance(50_000);
    expect(living().length).toBeGreaterThan(0);
    await clock.advance(20_000);
    expect(living()).toEqual([]);
    await resources.close();
  });

  it('stays for good when that is wanted', async () => {
    const { token } = tracked('thing');
    const { resources, clock } = openResources({ define: [token], idleResourceMs: Infinity });
    await resources.use(token, () => undefined);
    await clock.advance(10_000_000);
    expect(resources.list()).toHaveLength(1);
    await resources.close();
  });
});

describe('a resource that is held back', () => {
  it('is lent to nobody, with the reason, until it is resumed', async () => {
    const { token } = tracked('thing');
    const { resources, events } = openResources({ define: [token] });
    await resources.use(token, () => undefined);
    const held = await resources.acquire(token);
    resources.hold(token, 'the server is being upgraded');
    expect(resources.list()[0]?.state).toBe('in-use');
    const failure = await failureOf(resources.acquire(token));
    expect(failure).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', retryable: true, retryAfterMs: 1_000 });
    expect(failure.message).toContain('the server is being upgraded');
    expect(held.lease.signal.aborted).toBe(false);
    held.lease.release();
    expect(resources.list()[0]?.state).toBe('maintenance');
    resources.resume(token);
    expect(resources.list()[0]?.state).toBe('idle');
    await resources.use(token, () => undefined);
    const moves = events.flatMap((event) => (event.type === 'state-changed' ? [event.to] : []));
    expect(moves.slice(-6)).toEqual(['idle', 'maintenance', 'ready', 'idle', 'in-use', 'idle']);
    await resources.close();
  });

  it('is so before anybody has used it, and when it is made anew', async () => {
    const { token } = tracked('thing');
    const { resources } = openResources({ define: [token] });
    resources.hold(token, 'not yet');
    expect((await failureOf(resources.acquire(token))).code).toBe('RESOURCE_UNAVAILABLE');
    expect((await failureOf(resources.start())).code).toBe('RESOURCE_UNAVAILABLE');
    await resources.drain(token);
    resources.reload(token, { pool: { max: 3 } });
    expect((await failureOf(resources.acquire(token))).code).toBe('RESOURCE_UNAVAILABLE');
    resources.resume(token);
    await resources.use(token, () => undefined);
    await resources.close();
  });

  it('is so for the scope that was named, and what lies in it', async () => {
    const { token } = tracked('thing', { isolation: 'action' });
    const { resources } = openResources({ define: [token] });
    const canBeHad = (tenant: string, workflow: string) =>
      inTenant(tenant, () => resources.use(token, () => true, { workflow })).catch(() => false);
    const all = () => Promise.all([canBeHad('a', 'v'), canBeHad('a', 'w'), canBeHad('b', 'v')]);
    expect(await all()).toEqual([true, true, true]);
    inTenant('a', () => resources.hold(token, 'x'));
    expect(await all()).toEqual([false, false, true]);
    inTenant('a', () => resources.resume(token, { workflow: 'w' }));
    expect(await all()).toEqual([false, true, true]);
    resources.hold(token, 'x');
    expect(await all()).toEqual([false, false, false]);
    resources.resume(token, { tenant: 'a' });
    expect(await all()).toEqual([true, true, false]);
    resources.resume(token);
    expect(await all()).toEqual([true, true, true]);
    await resources.close();
  });
});

describe('the options of a registry', () => {
  it.each([
    { idleResourceMs: 0 },
    { maintenanceIntervalMs: 99 },
    { maintenanceIntervalMs: NaN },
    { drainTimeoutMs: -1 },
  ])('refuse %o', async (wrong) => {
    expect(await failureOf(() => createResources(wrong))).toMatchObject({
      code: 'RESOURCE_CONFIGURATION_INVALID',
      details: { option: Object.keys(wrong)[0] },
    });
  });

  it('choose how long borrowers have at the end', async () => {
    const { token, made } = tracked('thing');
    const { resources, clock } = openResources({ define: [token], drainTimeoutMs: 5_000 });
    await resources.acquire(token);
    const drained = resources.drain(token);
    await clock.advance(4_999);
    expect(made[0]?.endedFor).toBeUndefined();
    await clock.advance(1);
    await drained;
    expect(made[0]?.endedFor).toBe('forced');
    await settle();
    await resources.close();
  });
});

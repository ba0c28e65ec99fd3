import { failureOf } from '@tenon/core/testing';
import { createResources } from '@tenon/resources';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources, settle } from '../support/open-resources.ts';
import { tracked } from '../support/tracked.ts';

const none = { maxResources: 0, maxLeases: 0, maxWaiters: 0 };

describe('the quota of a tenant', () => {
  it('bounds its resources, and is given back when they end', async () => {
    const [one, two] = [tracked('one'), tracked('two')];
    const { resources, events } = openResources({ define: [one.token, two.token], quota: { maxResources: 1 } });
    await inTenant('a', async () => {
      await resources.use(one.token, () => undefined);
      expect(await failureOf(resources.acquire(two.token))).toMatchObject({
        code: 'RESOURCE_QUOTA_EXCEEDED',
        retryable: false,
        details: { quota: 'maxResources', limit: 1 },
      });
      await resources.drain(one.token);
      await resources.use(two.token, () => undefined);
    });
    await inTenant('b', () => resources.use(one.token, () => undefined));
    expect(events.filter(({ type }) => type === 'quota-exceeded')).toMatchObject([
      { resource: 'two', scope: 'tenant=a', quota: 'maxResources', limit: 1 },
    ]);
    await resources.close();
    expect(resources.usage('a')).toEqual(none);
  });

  it('bounds its leases over all resources', async () => {
    const [one, two] = [tracked('one'), tracked('two')];
    const { resources, events } = openResources({ define: [one.token, two.token], quota: { maxLeases: 2 } });
    const held = await inTenant('a', () => Promise.all([resources.acquire(one.token), resources.acquire(two.token)]));
    expect(await inTenant('a', () => failureOf(resources.acquire(two.token)))).toMatchObject({
      code: 'RESOURCE_QUOTA_EXCEEDED',
      retryable: true,
      details: { quota: 'maxLeases', limit: 2 },
    });
    expect(resources.usage('a')).toEqual({ maxResources: 2, maxLeases: 2, maxWaiters: 0 });
    expect(events.filter(({ type }) => type === 'quota-exceeded')).toHaveLength(1);
    held[0].lease.release();
    await inTenant('a', () => resources.use(two.token, () => undefined));
    held[1].lease.release();
    await resources.close();
  });

  it('bounds its acquires that wait', async () => {
    const { token } = tracked('thing', { pool: { max: 1 } });
    const { resources } = openResources({ define: [token], quota: { maxWaiters: 2 } });
    const held = await inTenant('a', () => resources.acquire(token));
    const waiting = inTenant('a', () => [resources.acquire(token), resources.acquire(token)]);
    expect(resources.usage('a')).toMatchObject({ maxWaiters: 2 });
    expect(await inTenant('a', () => failureOf(resources.acquire(token)))).toMatchObject({
      code: 'RESOURCE_QUOTA_EXCEEDED',
      details: { quota: 'maxWaiters', limit: 2 },
    });
    held.lease.release();
    for (const one of waiting) (await one).lease.release();
    expect(resources.usage('a')).toEqual({ maxResources: 1, maxLeases: 0, maxWaiters: 0 });
    await resources.close();
  });

  it('may be its own, and holds for nobody else, nor for the work of no tenant', async () => {
    const { token } = tracked('thing');
    const { resources } = openResources({
      define: [token],
      quota: (tenant) => (tenant === 'small' ? { maxLeases: 1 } : undefined),
    });
    const take = (tenant: string) => inTenant(tenant, () => resources.acquire(token));
    await take('small');
    expect((await failureOf(take('small'))).code).toBe('RESOURCE_QUOTA_EXCEEDED');
    await Promise.all([take('large'), take('large')]);
    await Promise.all([resources.acquire(token), resources.acquire(token)]);
    await resources.close({ timeoutMs: 0 });
  });

  it('is that of the borrower, also for what all tenants share', async () => {
    const { token } = tracked('thing', { isolation: 'none', pool: { max: 10 } });
    const { resources } = openResources({ define: [token], quota: { maxLeases: 3 } });
    const noisy = await inTenant('noisy', () =>
      Promise.allSettled(Array.from({ length: 10 }, () => resources.acquire(token))),
    );
    expect(noisy.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    await inTenant('quiet', () => resources.use(token, () => undefined));
    await resources.close({ timeoutMs: 0 });
  });

  it('does not count what instances hold of what they need', async () => {
    const base = tracked('base');
    const top = tracked('top', { dependencies: { base: base.token } });
    const { resources } = openResources({ define: [base.token, top.token], quota: { maxLeases: 1, maxWaiters: 1 } });
    await inTenant('a', async () => {
      await using one = await resources.acquire(top.token);
      expect(one.value.id).toBe(1);
      expect(resources.usage('a')).toEqual({ maxResources: 2, maxLeases: 1, maxWaiters: 0 });
    });
    await resources.close();
  });

  it.each([{ maxResources: 0 }, { maxLeases: 0.5 }, { maxWaiters: -1 }, { maxLeases: NaN }])(
    'of %o is refused, and never taken for none',
    async (quota) => {
      const [option] = Object.keys(quota);
      const expected = { code: 'RESOURCE_CONFIGURATION_INVALID', details: { option } };
      expect(await failureOf(() => createResources({ quota }))).toMatchObject(expected);
      const { token } = tracked('thing');
      await using resources = createResources({ define: [token], quota: () => quota });
      expect(await inTenant('a', () => failureOf(resources.acquire(token)))).toMatchObject(expected);
    },
  );

  it("is nobody else's business", async () => {
    await using resources = createResources();
    expect((await inTenant('a', () => failureOf(() => resources.usage('b')))).code).toBe('RESOURCE_TENANT_MISMATCH');
    expect(inTenant('a', () => resources.usage('a'))).toEqual(none);
  });

  it('is given back when an instance is ended under its borrower', async () => {
    for (const use of ['pooled', 'shared'] as const) {
      const { token } = tracked('thing', { use });
      const { resources, events } = openResources({ define: [token] });
      const [lost] = await inTenant('a', () => Promise.all([resources.acquire(token), resources.acquire(token)]));
      await inTenant('a', () => resources.drain(token, { timeoutMs: 0 }));
      expect(resources.usage('a')).toEqual(none);
      lost.lease.release();
      await lost[Symbol.asyncDispose]();
      expect(resources.usage('a')).toEqual(none);
      expect(events.filter(({ type }) => type === 'released')).toHaveLength(2);
      await resources.close();
    }
  });

  it('is given back whatever becomes of an acquire', async () => {
    const step = fc.record({
      tenant: fc.constantFrom('a', 'b'),
      fate: fc.constantFrom('works', 'create-fails', 'work-fails', 'cancelled', 'times-out', 'taken-away', 'reloaded'),
      isLate: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.constantFrom('pooled', 'shared'), async (steps, use) => {
        let isFailing = false;
        const { token, living } = tracked('thing', {
          use,
          pool: { max: 2, createBackoff: { initialMs: 1 } },
          before: async () => {
            const fails = isFailing;
            await Promise.resolve();
            if (fails) throw new Error('no');
          },
        });
        const { resources, clock } = openResources({ define: [token], quota: { maxLeases: 5, maxWaiters: 3 } });
        const one = async ({ tenant, fate, isLate }: (typeof steps)[number]): Promise<void> => {
          isFailing = fate === 'create-fails';
          const gone = new AbortController();
          const options = { signal: gone.signal, timeoutMs: fate === 'times-out' ? 1 : 1_000 };
          const acquiring = inTenant(tenant, () => resources.acquire(token, {}, options)).catch(() => undefined);
          if (fate === 'cancelled') gone.abort();
          if (isLate) await clock.advance(2);
          const borrowed = await acquiring;
          if (fate === 'taken-away') await inTenant(tenant, () => resources.drain(token, { timeoutMs: 0 }));
          if (fate === 'reloaded') resources.reload(token, { pool: { maxUses: steps.length + Number(isLate) } });
          if (isLate) await clock.advance(2);
          borrowed?.lease.release({ failed: fate === 'work-fails' });
        };
        const all = Promise.all(steps.map(one));
        await clock.advance(10_000);
        await all;
        for (const tenant of ['a', 'b']) {
          expect(resources.usage(tenant)).toMatchObject({ maxLeases: 0, maxWaiters: 0 });
        }
        await resources.close();
        expect(resources.usage('a')).toEqual(none);
        expect(living()).toEqual([]);
        expect(clock.pending()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a noisy neighbour', () => {
  it('with a thousand acquires does not delay another tenant', async () => {
    const { token } = tracked('thing', { pool: { max: 5 } });
    const { resources } = openResources({ define: [token] });
    const noisy = inTenant('noisy', () => Array.from({ length: 1_000 }, () => resources.acquire(token)));
    await settle();
    expect(resources.usage('noisy')).toMatchObject({ maxWaiters: 995 });
    // No time passes, and nobody gives anything back.
    const quiet = await inTenant('quiet', () => resources.acquire(token));
    expect(quiet.lease.scope).toBe('tenant=quiet');
    quiet.lease.release();
    const settled = Promise.allSettled(noisy);
    await resources.close({ timeoutMs: 0 });
    expect((await settled).filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
  });
});

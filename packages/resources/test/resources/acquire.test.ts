import { deadlineAfter, runInContext } from '@tenon/core';
import { createTestClock, failureOf } from '@tenon/core/testing';
import { createResources, defineResource, globalScope } from '@tenon/resources';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { Type } from 'typebox';
import { inTenant, openResources, settle } from '../support/open-resources.ts';
import { tracked } from '../support/tracked.ts';

describe('acquire', () => {
  it('gives what the token says, typed, and the same instance to the next borrower', async () => {
    const made: string[] = [];
    const greeter = defineResource({
      name: 'greeter',
      schema: Type.Object({ greeting: Type.String({ default: 'Hello' }), times: Type.Number() }),
      config: { greeting: 'Hi', times: 2 },
      create: ({ config }) => {
        expectTypeOf(config).toEqualTypeOf<{ greeting: string; times: number }>();
        made.push(config.greeting);
        return { text: config.greeting.repeat(config.times) };
      },
      expose: (instance) => ({ greet: (name: string) => `${instance.text} ${name}` }),
    });
    await using resources = createResources({ define: [greeter] });
    for (const name of ['Ada', 'Grace']) {
      await using one = await resources.acquire(greeter);
      expectTypeOf(one.greet).toEqualTypeOf<(name: string) => string>();
      expect(one.greet(name)).toBe(`HiHi ${name}`);
      // @ts-expect-error only what the definition exposes is there
      expect(one.value).toBeUndefined();
    }
    expect(made).toEqual(['Hi']);
  });

  it('gives the instance itself where nothing is exposed', async () => {
    const { token, made } = tracked('thing');
    await using resources = createResources({ define: [token] });
    await using one = await resources.acquire(token);
    expect(one.value).toBe(made[0]);
    expect(one.lease.scope).toBe('global');
  });

  it('gives back once, with await using, using, or by hand', async () => {
    const { token, made } = tracked('thing', { pool: { max: 1 } });
    const { resources, events } = openResources({ define: [token] });
    {
      await using one = await resources.acquire(token);
      expect(one.lease.released).toBe(false);
    }
    {
      using two = await resources.acquire(token);
      expect(two.value.id).toBe(1);
    }
    const three = await resources.acquire(token);
    three.lease.release();
    three.lease.release();
    await three[Symbol.asyncDispose]();
    expect(three.lease.released).toBe(true);
    expect(events.filter(({ type }) => type === 'released')).toHaveLength(3);
    expect(made).toHaveLength(1);
    expect(resources.list()[0]?.pool).toMatchObject({ active: 0, idle: 1, acquisitions: 3 });
    await resources.close();
  });

  it('keeps a face from being used after it was given back', async () => {
    const door = defineResource({
      name: 'door',
      create: () => ({ opened: 0 }),
      expose: (instance, { assertHeld }) => ({
        open: () => {
          assertHeld();
          return (instance.opened += 1);
        },
      }),
    });
    await using resources = createResources({ define: [door] });
    const held = await resources.acquire(door);
    expect(held.open()).toBe(1);
    held.lease.release();
    expect((await failureOf(() => held.open())).code).toBe('LEASE_RELEASED');
  });

  it('waits for a return, in its turn, and no longer than it is told', async () => {
    const { token, made } = tracked('thing', { pool: { max: 1 } });
    const { resources, clock } = openResources({ define: [token] });
    const first = await resources.acquire(token);
    const second = resources.acquire(token);
    const third = failureOf(resources.acquire(token, {}, { timeoutMs: 100 }));
    await clock.advance(100);
    expect(await third).toMatchObject({ code: 'RESOURCE_TIMEOUT', retryable: true });
    first.lease.release();
    expect((await second).value).toBe(made[0]);
    await resources.close({ timeoutMs: 0 });
  });

  it('gives up with the signal and the deadline of the context', async () => {
    const clock = createTestClock();
    const { token } = tracked('thing', { pool: { max: 1 } });
    const resources = createResources({ define: [token], clock });
    await inTenant('a', () => resources.acquire(token));
    const gone = new AbortController();
    const aborted = runInContext({ tenant: 'a', signal: gone.signal }, () => failureOf(resources.acquire(token)));
    const deadline = deadlineAfter(50, { clock });
    const late = runInContext({ tenant: 'a', deadline }, () => failureOf(resources.acquire(token)));
    await settle();
    gone.abort();
    expect((await aborted).code).toBe('RESOURCE_CANCELLED');
    await clock.advance(50);
    expect((await late).code).toBe('RESOURCE_TIMEOUT');
    await resources.close({ timeoutMs: 0 });
  });

  it('ends what fails while it is given a face, and lends nothing of it', async () => {
    const ended: string[] = [];
    const token = defineResource({
      name: 'faceless',
      create: () => ({}),
      destroy: (_, { reason }) => void ended.push(reason),
      expose: () => {
        throw new Error('no face');
      },
    });
    const { resources } = openResources({ define: [token] });
    await expect(resources.acquire(token)).rejects.toThrow('no face');
    await settle();
    expect(ended).toEqual(['tainted']);
    expect(resources.list()[0]).toMatchObject({ borrowers: 0 });
    await resources.close();
  });
});

describe('use', () => {
  it('gives back whatever happens, and takes note of a failure', async () => {
    const { token } = tracked('thing');
    const { resources, events } = openResources({ define: [token] });
    expect(await resources.use(token, ({ value }) => value.id)).toBe(1);
    const broken = resources.use(token, () => Promise.reject(new Error('broken')));
    await expect(broken).rejects.toThrow('broken');
    expect(events.filter(({ type }) => type === 'released')).toMatchObject([{ failed: false }, { failed: true }]);
    await resources.close();
  });
});

describe('instances', () => {
  it('are shared by all borrowers of a tenant where the definition says so, and end with the last one after a change', async () => {
    const { token, made } = tracked('client', { use: 'shared' });
    const { resources } = openResources({ define: [token] });
    const [one, two] = await Promise.all([resources.acquire(token), resources.acquire(token)]);
    expect(one.value).toBe(two.value);
    expect(resources.list()[0]).toMatchObject({ borrowers: 2, use: 'shared' });
    one.lease.release();
    const drained = resources.drain(token);
    const three = await resources.acquire(token);
    expect(three.value).not.toBe(two.value);
    expect(made[0]?.endedFor).toBeUndefined();
    two.lease.release();
    await drained;
    expect(made[0]?.endedFor).toBe('closed');
    three.lease.release();
    await resources.close();
  });

  it('that are shared are replaced when they break, under their borrowers', async () => {
    const { token, made } = tracked('client', { use: 'shared' });
    const { resources } = openResources({ define: [token] });
    const one = await resources.acquire(token);
    one.value.isBroken = true;
    const two = await resources.acquire(token);
    expect(two.value.id).toBe(2);
    one.lease.release();
    await settle();
    expect(made[0]?.endedFor).toBe('tainted');
    two.lease.release();
    await resources.close();
  });

  it('are kept apart down to the level that the definition says', async () => {
    const perAction = tracked('per-action', { isolation: 'action' });
    const forAll = tracked('for-all', { isolation: 'none' });
    const { resources } = openResources({ define: [perAction.token, forAll.token] });
    for (const tenant of ['a', 'b']) {
      await inTenant(tenant, async () => {
        for (const action of ['x', 'y', 'x']) {
          (await resources.acquire(perAction.token, { action })).lease.release();
          (await resources.acquire(forAll.token, { action })).lease.release();
        }
      });
    }
    expect(perAction.made).toHaveLength(4);
    expect(forAll.made).toHaveLength(1);
    await resources.close();
  });

  it('are never shared by two tenants, nor with the work of none', async () => {
    const { token } = tracked('thing');
    const { resources } = openResources({ define: [token] });
    const owners = new Map<number, string>();
    for (const tenant of ['a', 'b', 'a', 'c', 'b', undefined]) {
      const own = () => resources.use(token, ({ value }) => value.id);
      const id = await (tenant === undefined ? own() : inTenant(tenant, own));
      expect(owners.get(id) ?? String(tenant)).toBe(String(tenant));
      owners.set(id, String(tenant));
    }
    expect(owners.size).toBe(4);
    await resources.close();
  });

  it('of another tenant cannot be asked for, and cannot be reached by leaving the tenant out', async () => {
    const { token } = tracked('thing');
    const { resources } = openResources({ define: [token] });
    await resources.use(token, () => undefined, { tenant: 'b' });
    await inTenant('a', async () => {
      expect((await failureOf(resources.acquire(token, { tenant: 'b' }))).code).toBe('RESOURCE_TENANT_MISMATCH');
      await using mine = await resources.acquire(token, globalScope);
      expect(mine.lease.scope).toBe('tenant=a');
      expect(resources.list().map(({ scope }) => scope)).toEqual(['tenant=a']);
      expect(await failureOf(() => resources.list({ scope: { tenant: 'b' } }))).toMatchObject({
        code: 'RESOURCE_TENANT_MISMATCH',
      });
    });
    await resources.close();
  });

  it('never meet two tenants in 100,000 random acquires of many resources, scopes and moments', async () => {
    const things = [
      tracked('pooled', { pool: { max: 3, maxLifetimeMs: 5_000 } }),
      tracked('shared', { use: 'shared' }),
      tracked('per-action', { isolation: 'action', pool: { max: 2 } }),
    ];
    const { resources, clock } = openResources({ define: things.map(({ token }) => token), idleResourceMs: 60_000 });
    const ownerOf = new Map<object, string>();
    const mixed: object[] = [];
    let attempts = 0;
    const step = fc.record({
      tenant: fc.integer({ min: 0, max: 19 }),
      thing: fc.integer({ min: 0, max: 2 }),
      action: fc.constantFrom('x', 'y'),
      spoil: fc.constantFrom('no', 'no', 'no', 'no', 'no', 'no', 'no', 'broken', 'drain', 'later'),
    });
    const one = async ({
      tenant,
      thing,
      action,
      spoil,
    }: Record<'tenant' | 'thing', number> & Record<'action' | 'spoil', string>) => {
      const { token } = things[thing] as (typeof things)[0];
      const name = `t${tenant}`;
      await inTenant(name, async () => {
        await using borrowed = await resources.acquire(token, { action });
        attempts += 1;
        if ((ownerOf.get(borrowed.value) ?? name) !== name) mixed.push(borrowed.value);
        ownerOf.set(borrowed.value, name);
        if (spoil === 'broken') borrowed.value.isBroken = true;
        if (spoil === 'later') await Promise.resolve();
      });
      if (spoil === 'drain') await inTenant(name, () => resources.drain(token));
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 100, maxLength: 100 }), async (steps) => {
        await Promise.all(steps.map(one));
        await clock.advance(1_000);
      }),
      { numRuns: 1_000, endOnFailure: true },
    );
    expect(attempts).toBe(100_000);
    expect(mixed).toEqual([]);
    await resources.close();
    expect(things.flatMap(({ living }) => living())).toEqual([]);
  });
});

import { canTransition, createResources, defineResource, type ResourceEvent, type Resources } from '@tenon/resources';
import { createTestClock, failureOf } from '@tenon/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources, settle } from '../support/open-resources.ts';
import { createTestVault } from '../support/test-vault.ts';
import { tracked } from '../support/tracked.ts';

/** Every move of every managed resource, checked against the one table. @returns the moves that it does not have */
function strayMoves(events: readonly ResourceEvent[]): readonly string[] {
  const stray: string[] = [];
  for (const event of events) {
    if (event.type !== 'state-changed') continue;
    if (!canTransition(event.from, event.to) || event.from === event.to) stray.push(`${event.from} -> ${event.to}`);
  }
  return stray;
}

describe('a thousand first acquires at once', () => {
  it.each(['pooled', 'shared'] as const)(
    'make one managed resource, and no more instances than it may have (%s)',
    async (use) => {
      const { token, made } = tracked('thing', { use, pool: { max: 7 }, before: () => Promise.resolve() });
      const { resources, events } = openResources({ define: [token] });
      const work = (tenant: string) => inTenant(tenant, () => resources.use(token, () => Promise.resolve()));
      await Promise.all(Array.from({ length: 1_000 }, (_, index) => work(index % 2 === 0 ? 'a' : 'b')));
      expect(resources.list()).toHaveLength(2);
      expect(made.length).toBeLessThanOrEqual(use === 'shared' ? 2 : 14);
      expect(events.filter((event) => event.type === 'state-changed' && event.from === 'created')).toHaveLength(2);
      expect(events.filter(({ type }) => type === 'acquired')).toHaveLength(1_000);
      await resources.close();
    },
  );
});

type Step = { readonly act: string; readonly thing: number; readonly tenant: string; readonly turns: number };

const acts = [
  ...Array.from({ length: 6 }, () => 'acquire'),
  ...'taint break fail impatient reload remove drain hold resume resume rotate revoke sick wait wait start'.split(' '),
];

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom(...acts),
  thing: fc.integer({ min: 0, max: 2 }),
  tenant: fc.constantFrom('a', 'b'),
  turns: fc.integer({ min: 0, max: 12 }),
});

/** Three that need each other, with all that they do random. */
function openWorld(scheduled: (work: string) => Promise<void>) {
  const vault = createTestVault();
  for (const tenant of ['a', 'b']) vault.put(tenant, 'x', 'v');
  const sick = { until: 0 };
  const slow = (name: string) => async () => {
    await scheduled(name);
    if (sick.until > 0) {
      sick.until -= 1;
      throw new Error('sick');
    }
  };
  const more = {
    health: { intervalMs: 500, failureThreshold: 1, initialDelayMs: 200, maxAttempts: 3 },
    check: () => sick.until === 0,
    pool: { max: 2, createBackoff: { initialMs: 10, maxMs: 20 } },
    credentials: { login: { kind: 'basic', id: 'x' } },
  };
  const base = tracked('base', { ...more, use: 'shared', before: slow('base') });
  const middle = tracked('middle', { ...more, dependencies: { base: base.token }, before: slow('middle') });
  const top = tracked('top', {
    ...more,
    dependencies: { middle: middle.token, base: base.token },
    before: slow('top'),
  });
  return { vault, sick, things: [base, middle, top] };
}

async function act(resources: Resources, world: ReturnType<typeof openWorld>, one: Step, pass: () => Promise<void>) {
  const { token } = world.things[one.thing] as (typeof world.things)[0];
  const acquire = async (options = {}): Promise<void> => {
    const borrowed = await resources.acquire(token, {}, options);
    // Nobody is given what has ended, whatever goes on.
    expect(borrowed.value.endedFor).toBeUndefined();
    for (let turn = 0; turn < one.turns; turn += 1) await Promise.resolve();
    if (one.act === 'taint') borrowed.lease.taint();
    if (one.act === 'break') borrowed.value.isBroken = true;
    await pass();
    borrowed.lease.release({ failed: one.act === 'fail' });
  };
  const works: Readonly<Record<string, () => unknown>> = {
    impatient: () => acquire({ timeoutMs: one.turns }),
    reload: () => resources.reload(token, { pool: { max: 1 + one.turns } }),
    remove: async () => {
      await resources.remove(token);
      resources.register(token);
    },
    drain: () => resources.drain(token, { timeoutMs: one.turns * 10 }),
    hold: () => resources.hold(token, 'x'),
    resume: () => resources.resume(token),
    rotate: () => {
      world.vault.put(one.tenant, 'x', 'w');
      return resources.credentialChanged({ id: 'x', change: 'rotated' });
    },
    revoke: () => {
      const done = resources.credentialChanged({ id: 'x', change: 'revoked' });
      world.vault.put(one.tenant, 'x', 'n');
      return done;
    },
    sick: () => (world.sick.until = 3),
    start: () => resources.start({ tokens: [token] }),
    wait: pass,
  };
  await inTenant(one.tenant, async () => (works[one.act] ?? acquire)());
}

describe('whatever is done at once', () => {
  it('nothing is left at the end, everything was ended once, and every move is one of the table', async () => {
    let borrowed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }),
        fc.scheduler(),
        async (steps, scheduler) => {
          const world = openWorld((name) => scheduler.schedule(Promise.resolve(), name));
          const { resources, clock, events } = openResources({
            define: world.things.map(({ token }) => token),
            vault: world.vault,
            maintenanceIntervalMs: 300,
            drainTimeoutMs: 1_000,
          });
          const wrong: unknown[] = [];
          const all = steps.map(async (one) => {
            await scheduler.schedule(Promise.resolve(), one.act);
            const pass = () => new Promise<void>((resolve) => void clock.schedule(resolve, one.turns * 20));
            await act(resources, world, one, pass).catch((error: unknown) => {
              if (!('code' in (error as object))) wrong.push(error);
            });
          });
          const done = new AbortController();
          const driving = (async () => {
            while (!done.signal.aborted) {
              if (scheduler.count() > 0) await scheduler.waitOne();
              await clock.advance(20);
            }
          })();
          await Promise.all(all);
          const closing = resources.close({ timeoutMs: 500 });
          const report = await closing;
          done.abort();
          await driving;
          await scheduler.waitIdle();
          await settle();
          await clock.advance(31_000);
          borrowed += events.filter(({ type }) => type === 'acquired').length;
          expect(wrong).toEqual([]);
          expect(strayMoves(events)).toEqual([]);
          expect(world.things.flatMap(({ living }) => living())).toEqual([]);
          for (const tenant of ['a', 'b']) {
            expect(resources.usage(tenant)).toEqual({ maxResources: 0, maxLeases: 0, maxWaiters: 0 });
          }
          expect(report.forced).toBe(0);
          expect(clock.pending()).toBe(0);
          const released = events.filter(({ type }) => type === 'released').length;
          expect(released).toBe(events.filter(({ type }) => type === 'acquired').length);
        },
      ),
      { numRuns: 300 },
    );
    expect(borrowed).toBeGreaterThan(1_000);
  }, 60_000);
});

describe('the end', () => {
  it('does not wait longer for what was being ended before', async () => {
    const { token, made } = tracked('thing');
    const { resources, clock } = openResources({ define: [token] });
    await resources.acquire(token);
    resources.reload(token, { pool: { max: 3 } });
    // Whoever has an instance may finish on the old settings, however long that takes.
    await clock.advance(600_000);
    expect(made[0]?.endedFor).toBeUndefined();
    const closing = resources.close({ timeoutMs: 50 });
    await clock.advance(50);
    expect(await closing).toMatchObject({ forced: 1, left: 0, resources: [{ resource: 'thing', forced: 1 }] });
    expect(made[0]?.endedFor).toBe('forced');
    expect(clock.pending()).toBe(0);
  });

  it('can be asked for again by those who hear of it, and is one', async () => {
    const { token } = tracked('thing');
    const { resources } = openResources({ define: [token] });
    await resources.use(token, () => undefined);
    const again: Promise<unknown>[] = [];
    const refused: Promise<string>[] = [];
    resources.onEvent(() => {
      again.push(resources.close());
      refused.push(failureOf(resources.acquire(token)).then(({ code }) => code));
    });
    const closing = resources.close();
    expect(await closing).toMatchObject({ resources: [{ destroyed: 1 }] });
    expect(again.length).toBeGreaterThan(0);
    expect(again.every((each) => each === closing)).toBe(true);
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['RESOURCES_CLOSED']));
  });

  it('serves those who wait, with all that they need for it', async () => {
    const base = tracked('base');
    const slow = Promise.withResolvers<void>();
    const first = tracked('first');
    const top = tracked('top', { dependencies: { first: first.token, base: base.token } });
    const gate = tracked('gate', { before: () => slow.promise });
    const late = tracked('late', { dependencies: { gate: gate.token, base: base.token } });
    const { resources } = openResources({ define: [base, first, top, gate, late].map(({ token }) => token) });
    const acquiring = resources.acquire(late.token);
    await settle();
    const closing = resources.close();
    slow.resolve();
    const one = await acquiring;
    expect(base.living()).toHaveLength(1);
    one.lease.release();
    expect(await closing).toMatchObject({ forced: 0, left: 0 });
    expect([...base.living(), ...gate.living(), ...late.living()]).toEqual([]);
  });

  it('makes nothing more for a start that is under way', async () => {
    const slow = Promise.withResolvers<void>();
    const one = tracked('one', { before: () => slow.promise });
    const two = tracked('two');
    const { resources, clock } = openResources({ define: [one.token, two.token] });
    const starting = failureOf(resources.start());
    await settle();
    const closing = resources.close({ timeoutMs: 1_000 });
    slow.resolve();
    expect((await starting).code).toMatch(/POOL_CLOSED|RESOURCES_CLOSED/);
    await clock.advance(1_000);
    await closing;
    expect([...one.living(), ...two.made]).toEqual([]);
  });

  it('comes in its time though what is needed was removed before', async () => {
    const base = tracked('base');
    const top = tracked('top', { dependencies: { base: base.token } });
    const { resources } = openResources({ define: [base.token, top.token] });
    const held = await resources.acquire(top.token);
    const removing = resources.remove(base.token);
    await settle();
    expect(held.value.endedFor).toBeUndefined();
    held.lease.release();
    await removing;
    expect([...base.living(), ...top.living()]).toEqual([]);
    expect(resources.toMermaid()).toContain('n1 --> n0');
    resources.register(base.token);
    await resources.use(top.token, () => undefined);
    expect((await resources.close()).resources.map(({ resource }) => resource)).toEqual(['top', 'base']);
  });
});

describe('an instance that was taken away', () => {
  it.each(['pooled', 'shared'] as const)('is of no use to its borrower any more (%s)', async (use) => {
    const ended: string[] = [];
    const token = defineResource({
      name: 'door',
      use,
      create: () => ({ opened: 0 }),
      destroy: (_, { reason }) => void ended.push(reason),
      expose: (instance, { assertHeld }) => ({
        open() {
          assertHeld();
          return (instance.opened += 1);
        },
      }),
    });
    const { resources } = openResources({ define: [token] });
    const [one, two] = await Promise.all([resources.acquire(token), resources.acquire(token)]);
    expect([one.open(), two.open()]).toHaveLength(2);
    two.lease.release();
    expect((await failureOf(() => two.open())).code).toBe('LEASE_RELEASED');
    expect(one.open()).toBeGreaterThan(0);
    await resources.drain(token, { timeoutMs: 0 });
    expect(ended).toContain('forced');
    expect(one.lease.signal.aborted).toBe(true);
    expect((await failureOf(() => one.open())).code).toBe('LEASE_RELEASED');
    await resources.close();
  });
});

describe('the wait for what all share', () => {
  const open = () => {
    const slow = Promise.withResolvers<void>();
    const one = tracked('client', { use: 'shared', before: () => slow.promise, pool: { acquireTimeoutMs: 5_000 } });
    return { slow, ...one, ...openResources({ define: [one.token] }) };
  };

  it("is as long as each one's own patience", async () => {
    const { token, resources, clock, slow, made } = open();
    const gone = new AbortController();
    const patient = resources.acquire(token, {}, { timeoutMs: Infinity });
    const quick = failureOf(resources.acquire(token, {}, { timeoutMs: 100 }));
    const cancelled = failureOf(resources.acquire(token, {}, { signal: gone.signal }));
    const usual = failureOf(resources.acquire(token));
    gone.abort();
    expect((await cancelled).code).toBe('RESOURCE_CANCELLED');
    await clock.advance(100);
    expect((await quick).code).toBe('RESOURCE_TIMEOUT');
    await clock.advance(4_900);
    expect((await usual).code).toBe('RESOURCE_TIMEOUT');
    slow.resolve();
    (await patient).lease.release();
    expect(made).toHaveLength(1);
    expect(await resources.close()).toMatchObject({ forced: 0 });
  });

  it('of the one who came first ends without ending that of the others', async () => {
    const { token, resources, clock, slow, living } = open();
    const first = failureOf(resources.acquire(token, {}, { timeoutMs: 10 }));
    const second = resources.acquire(token);
    await clock.advance(10);
    expect((await first).code).toBe('RESOURCE_TIMEOUT');
    slow.resolve();
    expect((await second).value.id).toBe(1);
    (await second).lease.release();
    await resources.close();
    expect(living()).toEqual([]);
  });

  it('leaves an instance for later when nobody waits for it any more', async () => {
    const { token, resources, clock, slow, made } = open();
    const gone = failureOf(resources.acquire(token, {}, { timeoutMs: 10 }));
    await clock.advance(10);
    await gone;
    slow.resolve();
    await settle();
    expect(resources.list()[0]).toMatchObject({ borrowers: 0, pool: { active: 0, idle: 1 }, state: 'idle' });
    await resources.use(token, ({ value }) => expect(value).toBe(made[0]));
    await resources.close();
  });

  it('ends for all with the failure to make it', async () => {
    const token = defineResource({
      name: 'client',
      use: 'shared',
      create: () => Promise.reject(new Error('no')),
    });
    await using resources = createResources({ define: [token], clock: createTestClock() });
    const all = await Promise.all([1, 2, 3].map(() => failureOf(resources.acquire(token))));
    expect(all.map(({ code }) => code)).toEqual(Array.from({ length: 3 }, () => 'RESOURCE_INITIALIZATION_FAILED'));
  });
});

import { failureOf } from '@tenon/core/testing';
import { createResources, defineResource } from '@tenon/resources';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources } from '../support/open-resources.ts';
import { tracked } from '../support/tracked.ts';

describe('settings', () => {
  const schema = Type.Object({
    pool: Type.Object({ size: Type.Integer({ default: 4 }), name: Type.String({ default: 'main' }) }, { default: {} }),
    host: Type.String(),
  });

  it('get their defaults at every depth, and what the caller changes later changes nothing', async () => {
    const seen: unknown[] = [];
    const token = defineResource({
      name: 'thing',
      schema,
      config: { host: 'x' } as never,
      create: ({ config }) => void seen.push(config),
    });
    const { resources } = openResources();
    const given = { host: 'y', pool: { size: 9 } };
    resources.register(token);
    resources.register(token, { scope: { tenant: 'a' }, config: given as never });
    given.pool.size = 1;
    await resources.use(token, () => undefined);
    await inTenant('a', () => resources.use(token, () => undefined));
    expect(seen).toEqual([
      { host: 'x', pool: { size: 4, name: 'main' } },
      { host: 'y', pool: { size: 9, name: 'main' } },
    ]);
    expect(() => Object.assign((seen[1] as typeof given).pool, { size: 2 })).toThrow(TypeError);
    await resources.close();
  });

  it('that are not plain data are refused', async () => {
    const token = defineResource({ name: 'thing', schema: Type.Object({ work: Type.Any() }), create: () => 1 });
    await using resources = createResources();
    const failure = await failureOf(() => resources.register(token, { config: { work: () => 'canary' } }));
    expect(failure.code).toBe('RESOURCE_CONFIGURATION_INVALID');
    expect(failure.message).not.toContain('canary');
  });

  it.each([
    ['dates', new Date(1), new Date(2)],
    ['maps', new Map([['a', 1]]), new Map([['a', 2]])],
    ['large integers', 1n, 2n],
    ['a number and its text', 1, '1'],
    ['nothing and its text', null, 'null'],
    ['lists and their text', [1, 2], '[1,2]'],
  ])('that differ make different instances: %s', async (_, one, two) => {
    const token = defineResource({
      name: 'thing',
      schema: Type.Object({ at: Type.Any() }),
      isolation: 'none',
      create: ({ config }) => config.at as unknown,
    });
    const { resources } = openResources();
    resources.register(token, { scope: { tenant: 'a' }, config: { at: one } });
    resources.register(token, { scope: { tenant: 'b' }, config: { at: two } });
    expect(await inTenant('a', () => resources.use(token, ({ value }) => value))).toEqual(one);
    expect(await inTenant('b', () => resources.use(token, ({ value }) => value))).toEqual(two);
    await resources.close();
  });

  it('of a pool are checked when they are registered', async () => {
    const { token } = tracked('thing');
    await using resources = createResources();
    const wrong = () => resources.register(token, { pool: { min: 5, max: 4 } });
    expect(await failureOf(wrong)).toMatchObject({
      code: 'RESOURCE_CONFIGURATION_INVALID',
      details: { option: 'min' },
    });
    expect(resources.tokens()).toEqual([]);
  });
});

describe('a reload', () => {
  it('that changes nothing keeps what there is, and a later removal still finds it', async () => {
    const { token, living } = tracked('thing');
    const { resources, clock } = openResources({ define: [token] });
    await resources.use(token, () => undefined);
    resources.reload(token, {});
    await resources.use(token, ({ value }) => expect(value.id).toBe(1));
    resources.reload(token, { pool: { max: 3 } });
    await resources.use(token, ({ value }) => expect(value.id).toBe(2));
    expect(resources.list()).toHaveLength(1);
    resources.reload(token, { pool: { max: 3 } });
    expect(await resources.remove(token)).toHaveLength(1);
    expect(living()).toEqual([]);
    await clock.advance(30_000);
    expect(clock.pending()).toBe(0);
    await resources.close();
  });

  it('changes how it is watched, too', async () => {
    let looks = 0;
    const { token } = tracked('thing', { health: { intervalMs: 60_000 }, check: () => void (looks += 1) });
    const { resources, clock } = openResources({ define: [token] });
    await resources.use(token, () => undefined);
    resources.reload(token, { health: { intervalMs: 1_000 } });
    await resources.use(token, () => undefined);
    await clock.advance(3_000);
    expect(looks).toBe(3);
    await resources.close();
  });

  it('may turn around who needs whom', async () => {
    const one = tracked('one');
    const two = tracked('two');
    const { resources } = openResources({ define: [one.token] });
    resources.register(two.token, { dependencies: { other: one.token } });
    await resources.use(two.token, () => undefined);
    resources.reload(two.token, {});
    expect(resources.toMermaid()).not.toContain('-->');
    resources.reload(one.token, { dependencies: { other: two.token } });
    await resources.use(one.token, () => undefined);
    const refused = await failureOf(() => resources.reload(two.token, { dependencies: { other: one.token } }));
    expect(refused).toMatchObject({ code: 'RESOURCE_DEPENDENCY_CIRCULAR', details: { path: ['two', 'one', 'two'] } });
    await resources.use(one.token, () => undefined);
    expect((await resources.close()).resources.map(({ resource }) => resource)).toEqual(['one', 'two']);
    expect([...one.living(), ...two.living()]).toEqual([]);
  });
});

describe('a registration', () => {
  it('for a scope that is none changes nothing', async () => {
    const base = tracked('base');
    const top = tracked('top', { dependencies: { base: base.token } });
    await using resources = createResources();
    const wrong = () => resources.register(top.token, { scope: { workflow: '' } });
    expect((await failureOf(wrong)).code).toBe('RESOURCE_SCOPE_INVALID');
    expect(resources.toMermaid()).toBe('flowchart LR');
  });

  it('is not chosen when another one fits equally well', async () => {
    const { token } = tracked('thing', { isolation: 'action' });
    const { resources } = openResources();
    const custom = { name: 'eu' };
    resources.register(token, { scope: { workflow: 'w' } });
    resources.register(token, { scope: { custom }, pool: { max: 2 } });
    await resources.use(token, () => undefined, { workflow: 'w' });
    await resources.use(token, () => undefined, { custom });
    expect(await failureOf(resources.acquire(token, { workflow: 'w', custom }))).toMatchObject({
      code: 'RESOURCE_UNAVAILABLE',
      retryable: false,
    });
    resources.register(token, { scope: { workflow: 'w', custom } });
    await resources.use(token, () => undefined, { workflow: 'w', custom });
    await resources.close();
  });

  it('of another tenant cannot be made, changed or taken away in the work of one', async () => {
    const { token } = tracked('thing');
    const { resources } = openResources();
    const scope = { tenant: 'b' };
    const attempts = [
      () => resources.register(token, { scope }),
      () => resources.reload(token, { scope }),
      () => resources.remove(token, scope),
      () => resources.hold(token, 'x', scope),
      () => resources.resume(token, scope),
      () => resources.drain(token, { scope }),
    ];
    resources.register(token, { scope });
    for (const attempt of attempts) {
      expect((await inTenant('a', () => failureOf(attempt))).code).toBe('RESOURCE_TENANT_MISMATCH');
    }
    await inTenant('b', () => resources.use(token, () => undefined));
    await resources.close();
  });
});

describe('a caller who has gone already', () => {
  it('is given nothing, though something lies ready', async () => {
    for (const use of ['pooled', 'shared'] as const) {
      const { token } = tracked('thing', { use });
      const { resources, clock } = openResources({ define: [token] });
      await resources.use(token, () => undefined);
      const { deadlineAfter } = await import('@tenon/core');
      const deadline = deadlineAfter(10, { clock });
      await clock.advance(10);
      expect((await failureOf(resources.acquire(token, {}, { deadline }))).code).toBe('RESOURCE_TIMEOUT');
      const signal = AbortSignal.abort();
      expect((await failureOf(resources.acquire(token, {}, { signal }))).code).toBe('RESOURCE_CANCELLED');
      expect(resources.list()[0]).toMatchObject({ borrowers: 0, pool: { active: 0 } });
      await resources.close();
    }
  });
});

describe('two handles on what is shared', () => {
  it('are on one instance, and each is given back once', async () => {
    const { token, living } = tracked('thing', { use: 'shared' });
    const { resources } = openResources({ define: [token] });
    const [one, two] = [await resources.acquire(token), await resources.acquire(token)];
    expect(one.value).toBe(two.value);
    one.lease.release();
    one.lease.release();
    await one[Symbol.asyncDispose]();
    expect(resources.list()[0]).toMatchObject({ borrowers: 1, pool: { active: 1 } });
    expect(living()).toHaveLength(1);
    two.lease.release();
    await resources.close();
  });
});

describe('a failed or cancelled acquire', () => {
  it('leaves a state that tells the truth', async () => {
    let fails = true;
    const slow = Promise.withResolvers<void>();
    const { token } = tracked('thing', {
      pool: { createBackoff: { initialMs: 1 } },
      before: () => {
        if (fails) throw new Error('no');
        return slow.promise;
      },
    });
    const { resources, clock } = openResources({ define: [token] });
    await failureOf(resources.acquire(token));
    expect(resources.list()[0]?.state).toBe('failed');
    await clock.advance(10);
    fails = false;
    const gone = new AbortController();
    const cancelled = failureOf(resources.acquire(token, {}, { signal: gone.signal }));
    expect(resources.list()[0]?.state).toBe('initializing');
    gone.abort();
    await cancelled;
    // Its caller has gone, but it is still being made.
    expect(resources.list()[0]?.state).toBe('initializing');
    slow.resolve();
    await clock.advance(0);
    expect(resources.list()[0]?.state).toBe('idle');
    await resources.close();
  });
});

import { failureOf } from '@tenon/core/testing';
import { createResources, defineResource, type Borrowed } from '@tenon/resources';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources, settle } from '../support/open-resources.ts';
import { tracked } from '../support/tracked.ts';

/** Three that need each other in a row, and what they did. */
function openRow(failing = new Set<string>()) {
  const log: string[] = [];
  const make = (name: string) => () => {
    if (failing.has(name)) throw new Error(`${name} does not start`);
    log.push(`+${name}`);
    return name;
  };
  const end = (name: string) => () => void log.push(`-${name}`);
  const disk = defineResource({ name: 'disk', create: make('disk'), destroy: end('disk') });
  const store = defineResource({ name: 'store', dependencies: { disk }, create: make('store'), destroy: end('store') });
  const api = defineResource({
    name: 'api',
    dependencies: { main: store, spare: disk },
    create: ({ dependencies }) => `${make('api')()} on ${dependencies.main.value} and ${dependencies.spare.value}`,
    destroy: end('api'),
  });
  return { log, disk, store, api, ...openResources({ define: [api, store, disk] }) };
}

const scopeOf = (held: object | undefined) => (held as Borrowed | undefined)?.lease.scope;

describe('what a resource needs', () => {
  it('is made first, given to it, and ends after it', async () => {
    const { log, api, resources } = openRow();
    const one = await resources.acquire(api);
    expect(one.value).toBe('api on store and disk');
    expect(log).toEqual(['+disk', '+store', '+disk', '+api']);
    one.lease.release();
    const report = await resources.close();
    expect(report.resources.map(({ resource }) => resource)).toEqual(['api', 'store', 'disk']);
    expect(log.slice(4)).toEqual(['-api', '-store', '-disk', '-disk']);
    expect(report).toMatchObject({ forced: 0, left: 0 });
  });

  it('is of the same tenant', async () => {
    const base = tracked('base');
    const scopes: (string | undefined)[] = [];
    const top = tracked('top', {
      dependencies: { base: base.token },
      before: ({ scope, dependencies }) => void scopes.push(scope.tenant, scopeOf(dependencies['base'])),
    });
    const { resources } = openResources({ define: [base.token, top.token] });
    for (const tenant of ['a', 'b']) await inTenant(tenant, () => resources.use(top.token, () => undefined));
    expect(scopes).toEqual(['a', 'tenant=a', 'b', 'tenant=b']);
    await resources.close();
  });

  it('fails it with a failure that names both, and gives back what was had already', async () => {
    const failing = new Set(['store']);
    const { log, api, resources } = openRow(failing);
    const failure = await failureOf(resources.acquire(api));
    expect(failure).toMatchObject({
      code: 'RESOURCE_INITIALIZATION_FAILED',
      cause: { code: 'RESOURCE_DEPENDENCY_FAILED', details: { resource: 'api', dependency: 'store' } },
    });
    expect(resources.list().find(({ name }) => name === 'disk')).toMatchObject({ borrowers: 0 });
    await resources.close();
    expect(log).toEqual(['+disk', '-disk']);
  });

  it('that breaks takes what rests on it out of use', async () => {
    const base = tracked('base');
    const top = tracked('top', { dependencies: { base: base.token } });
    const { resources } = openResources({ define: [base.token, top.token] });
    await resources.use(top.token, () => undefined);
    await resources.drain(base.token, { timeoutMs: 0 });
    await settle();
    expect(await resources.use(top.token, ({ value }) => value.id)).toBe(2);
    expect(top.made[0]?.endedFor).toBe('invalidated');
    await resources.close();
  });

  it('can be something else in a registration', async () => {
    const { log, api, disk, resources } = openRow();
    const other = defineResource({ name: 'other', create: () => 'another disk' });
    resources.register(other);
    await resources.remove(api);
    resources.register(api, { dependencies: { main: disk, spare: other } });
    expect(await resources.use(api, ({ value }) => value)).toBe('api on disk and another disk');
    expect(log).toEqual(['+disk', '+api']);
    await resources.close();
  });

  it('is drawn', () => {
    const { resources } = openRow();
    expect(resources.toMermaid()).toBe(
      'flowchart LR\n  n0["disk"]\n  n1["store"]\n  n2["api"]\n  n1 --> n0\n  n2 --> n0\n  n2 --> n1',
    );
  });
});

describe('start', () => {
  it('makes everything ahead of need, what others need first', async () => {
    const { log, resources, api } = openRow();
    await resources.start();
    expect(log.filter((line) => line.startsWith('+'))).toEqual(['+disk', '+store', '+disk', '+api']);
    expect(resources.list().every(({ state }) => state === 'idle' || state === 'in-use')).toBe(true);
    await resources.use(api, () => undefined);
    expect(log.filter((line) => line === '+api')).toHaveLength(1);
    await resources.close();
  });

  it('makes what is named, and what that needs', async () => {
    const { log, resources, store } = openRow();
    await resources.start({ tokens: [store] });
    expect(log).toEqual(['+disk', '+store']);
    await resources.close();
  });

  it('ends in reverse what it has made when one of them fails', async () => {
    const { log, resources } = openRow(new Set(['api']));
    expect((await failureOf(resources.start())).code).toBe('RESOURCE_INITIALIZATION_FAILED');
    expect(log.filter((line) => line.startsWith('-')).at(-1)).toBe('-disk');
    expect(log.filter((line) => line.startsWith('-'))).toHaveLength(log.filter((line) => line.startsWith('+')).length);
    expect(resources.list()).toEqual([]);
    await resources.close();
  });
});

describe('close', () => {
  it('waits for borrowers as long as it may, then takes what they have, and tells', async () => {
    const { token, made } = tracked('thing');
    const { resources, clock } = openResources({ define: [token], drainTimeoutMs: 1_000 });
    const held = await resources.acquire(token);
    const closing = resources.close();
    expect(resources.close()).toBe(closing);
    await clock.advance(999);
    expect(held.lease.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(held.lease.signal.aborted).toBe(true);
    expect(await closing).toEqual({
      resources: [{ resource: 'thing', scope: 'global', returned: 0, destroyed: 1, forced: 1, left: 0 }],
      forced: 1,
      left: 0,
    });
    expect(made[0]?.endedFor).toBe('forced');
    expect((await failureOf(resources.acquire(token))).code).toBe('RESOURCES_CLOSED');
  });

  it('ends nothing that was never begun', async () => {
    const { token } = tracked('thing');
    const resources = createResources({ define: [token] });
    expect(await resources.close()).toEqual({ resources: [], forced: 0, left: 0 });
  });
});

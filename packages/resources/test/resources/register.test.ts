import { failureOf } from '@tenon/core/testing';
import { createResources, defineResource, type ResourceScope, type ScopeResolution } from '@tenon/resources';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { inTenant, openResources } from '../support/open-resources.ts';
import { tracked } from '../support/tracked.ts';

const mail = defineResource({
  name: 'mail',
  technology: 'smtp',
  version: '2.1.0',
  schema: Type.Object(
    {
      host: Type.String({ minLength: 1 }),
      port: Type.Integer({ default: 25 }),
      password: Type.Optional(Type.String()),
    },
    { additionalProperties: false },
  ),
  hidden: ['password'],
  config: { host: 'mail.example', port: 25 },
  credentials: { login: { kind: 'basic', id: 'mail-login' } },
  create: ({ config }) => config,
});
const plain = defineResource({
  name: 'plain',
  schema: Type.Object({ host: Type.String() }),
  config: { host: 'everywhere' },
  create: ({ config }) => config.host,
});

describe('a definition', () => {
  it.each([
    [{ name: 'Mail' }, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'm', technology: 'S M T P' }, 'technology'],
    [{ name: 'm', version: '1' }, 'version'],
  ])('of %o is refused', async (wrong, option) => {
    const failure = await failureOf(() => defineResource({ ...wrong, create: () => 1 }));
    expect(failure).toMatchObject({ code: 'RESOURCE_CONFIGURATION_INVALID', details: { option } });
  });
});

describe('registering', () => {
  it('checks the settings, and names what is wrong without its value', async () => {
    await using resources = createResources();
    const wrong = { host: '', port: 'secret-canary', more: 1 };
    // @ts-expect-error the compiler sees it too
    const failure = await failureOf(() => resources.register(mail, { config: wrong }));
    expect(failure.code).toBe('RESOURCE_CONFIGURATION_INVALID');
    expect(JSON.stringify(failure.details)).toContain('/port');
    expect(JSON.stringify([failure.message, failure.details])).not.toContain('canary');
    expect(resources.tokens()).toEqual([]);
  });

  it('fills in defaults, and does not show what the definition hides', async () => {
    const { resources } = openResources({
      vault: { retrieve: () => Promise.resolve(undefined) },
    });
    resources.register(mail, { config: { host: 'smtp.example', password: 'canary' } as never });
    await failureOf(resources.acquire(mail));
    expect(resources.list()[0]).toMatchObject({
      name: 'mail',
      version: '2.1.0',
      technology: 'smtp',
      config: { host: 'smtp.example', port: 25, password: '[hidden]' },
      credentials: { login: { id: 'mail-login', version: undefined } },
    });
    await resources.close();
  });

  it('refuses the same resource twice for one scope, and another token of the same name', async () => {
    const twin = defineResource({ name: 'plain', create: () => 1 });
    await using resources = createResources({ define: [plain] });
    expect((await failureOf(() => resources.register(plain))).code).toBe('RESOURCE_ALREADY_REGISTERED');
    expect((await failureOf(() => resources.register(twin))).code).toBe('RESOURCE_TYPE_MISMATCH');
    expect((await failureOf(resources.acquire(twin))).code).toBe('RESOURCE_TYPE_MISMATCH');
    expect(resources.named('plain')).toBe(plain);
  });

  it('refuses a slot that there is not', async () => {
    await using resources = createResources();
    const failure = await failureOf(() => resources.register(mail, { credentials: { tls: { id: 'x' } } }));
    expect(failure).toMatchObject({
      code: 'RESOURCE_CONFIGURATION_INVALID',
      details: { slot: 'tls', slots: ['login'] },
    });
  });

  it('refuses what would need each other, and changes nothing', async () => {
    const base = tracked('base');
    const top = tracked('top', { dependencies: { base: base.token } });
    await using resources = createResources({ define: [top.token] });
    const failure = await failureOf(() => resources.register(base.token, { dependencies: { again: top.token } }));
    expect(failure).toMatchObject({ code: 'RESOURCE_DEPENDENCY_CIRCULAR', details: { path: ['base', 'top', 'base'] } });
    expect(resources.tokens()).toEqual([top.token]);
    resources.register(base.token);
    await using one = await resources.acquire(top.token);
    expect(one.value.id).toBe(1);
  });

  it('is refused after the end, like everything else', async () => {
    const resources = createResources({ define: [plain] });
    await resources.close();
    for (const work of [() => resources.register(mail), () => resources.acquire(plain), () => resources.start()]) {
      expect((await failureOf(work)).code).toBe('RESOURCES_CLOSED');
    }
  });
});

describe('a resource that is not there', () => {
  it('is unavailable for good, and whether others have it is not told', async () => {
    await using resources = createResources();
    const missing = await inTenant('a', () => failureOf(resources.acquire(plain)));
    resources.register(plain, { scope: { tenant: 'b' } });
    const theirs = await inTenant('a', () => failureOf(resources.acquire(plain)));
    expect(missing).toMatchObject({ code: 'RESOURCE_UNAVAILABLE', retryable: false });
    expect(theirs.toJSON()).toEqual(missing.toJSON());
    expect(await inTenant('b', () => resources.use(plain, ({ value }) => value))).toBe('everywhere');
  });
});

describe('the registration for a scope', () => {
  const open = (resolution?: ScopeResolution) => {
    const resources = createResources(resolution === undefined ? {} : { resolution });
    resources.register(plain);
    resources.register(plain, { scope: { tenant: 'a' }, config: { host: 'of a' } });
    resources.register(plain, { scope: { tenant: 'a', workflow: 'w' }, config: { host: 'of a, in w' } });
    return (scope: ResourceScope) =>
      resources.use(plain, ({ value }) => value, scope).catch((error: { readonly code: string }) => error.code);
  };
  const places: readonly ResourceScope[] = [
    {},
    { tenant: 'a' },
    { tenant: 'a', workflow: 'w' },
    { tenant: 'a', workflow: 'w', execution: 'e' },
    { tenant: 'a', workflow: 'v' },
    { tenant: 'b', workflow: 'w' },
  ];

  it.each([
    [undefined, ['everywhere', 'of a', 'of a, in w', 'of a, in w', 'of a', 'everywhere']],
    ['hierarchical', ['everywhere', 'of a', 'of a, in w', 'of a, in w', 'of a', 'everywhere']],
    ['fallback', ['everywhere', 'of a', 'of a, in w', 'everywhere', 'everywhere', 'everywhere']],
    [
      'strict',
      ['everywhere', 'of a', 'of a, in w', 'RESOURCE_UNAVAILABLE', 'RESOURCE_UNAVAILABLE', 'RESOURCE_UNAVAILABLE'],
    ],
  ] as const)('is found by "%s"', async (resolution, expected) => {
    const hostAt = open(resolution);
    for (const [index, place] of places.entries()) expect(await hostAt(place), String(index)).toBe(expected[index]);
  });

  it('can be taken away again, and what was made by it ends', async () => {
    const { token, living } = tracked('thing');
    const { resources } = openResources({ define: [token] });
    resources.register(token, { scope: { tenant: 'a' }, pool: { max: 3 } });
    await inTenant('a', () => resources.use(token, () => undefined));
    await inTenant('b', () => resources.use(token, () => undefined));
    const report = await resources.remove(token, { tenant: 'a' });
    expect(report).toMatchObject([{ resource: 'thing', scope: 'tenant=a', destroyed: 1 }]);
    expect(living()).toHaveLength(1);
    await inTenant('a', () => resources.use(token, () => undefined));
    expect(await resources.remove(token)).toHaveLength(2);
    expect(living()).toEqual([]);
    expect((await failureOf(resources.acquire(token))).code).toBe('RESOURCE_UNAVAILABLE');
    await resources.close();
  });
});

describe('reload', () => {
  it('lets those finish who have an instance, and makes new ones with the new settings', async () => {
    const ended: string[] = [];
    const site = defineResource({
      name: 'site',
      schema: Type.Object({ host: Type.String() }),
      config: { host: 'old' },
      create: ({ config }) => config.host,
      destroy: (host) => void ended.push(host),
    });
    const { resources, events } = openResources({ define: [site] });
    const before = await resources.acquire(site);
    resources.reload(site, { config: { host: 'new' } });
    expect(before.value).toBe('old');
    await using after = await resources.acquire(site);
    expect(after.value).toBe('new');
    expect(ended).toEqual([]);
    await before[Symbol.asyncDispose]();
    expect(ended).toEqual(['old']);
    expect(events.some(({ type }) => type === 'reloaded')).toBe(true);
    after.lease.release();
    await resources.close();
  });

  it('changes nothing when the settings are wrong, or there is nothing to change', async () => {
    const { resources } = openResources({ define: [plain] });
    await resources.use(plain, () => undefined);
    // @ts-expect-error no such setting
    expect((await failureOf(() => resources.reload(plain, { config: { host: 7 } }))).code).toBe(
      'RESOURCE_CONFIGURATION_INVALID',
    );
    expect(await failureOf(() => resources.reload(plain, { scope: { tenant: 'x' } }))).toMatchObject({
      code: 'RESOURCE_UNAVAILABLE',
    });
    expect(await resources.use(plain, ({ value }) => value)).toBe('everywhere');
    await resources.close();
  });
});

import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { err, ok, runAs, runInContext } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { createTenancy, type TenantConfig } from '@tenon/tenancy';
import { sql } from 'kysely';
import { openTenancy, settingsDefinition, type OpenTenancy, type Settings } from '../open-tenancy.ts';

describe.each(describeDrivers())('tenant settings on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  it('begin with the defaults, and take what is set', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { settings } = open.tenancy;
      expect(await settings.get()).toEqual({ values: settingsDefinition.defaults, version: 1 });
      const updated = await settings.update({ timeZone: '  Europe/Berlin ' });
      expect(updated).toEqual({ values: { ...settingsDefinition.defaults, timeZone: 'Europe/Berlin' }, version: 2 });
      expect(await settings.get()).toEqual(updated);
    });
  });

  it('are frozen all the way down', async () => {
    const tenant = await open.newTenant();
    const { values } = await tenant.inside(() => open.tenancy.settings.get());
    expect(() => Object.assign(values, { maxOrders: 1 })).toThrow(TypeError);
    expect(() => Object.assign(values.mail, { footer: 'x' })).toThrow(TypeError);
  });

  it('refuse what does not pass, and what cannot be stored, and keep what was', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(async () => {
      const { settings } = open.tenancy;
      await expect(settings.update({ maxOrders: 0.5, other: 1 } as Partial<Settings>)).rejects.toMatchObject({
        code: 'TENANT_SETTINGS_INVALID',
        details: {
          problems: [
            { path: '/other', code: 'unknown_field' },
            { path: '/maxOrders', code: 'wrong_type' },
          ],
        },
      });
      expect(await codeOf(settings.update({ timeZone: 'a\0b' }))).toBe('TENANT_SETTINGS_INVALID');
      expect(await settings.get()).toMatchObject({ version: 1 });
      expect(await settings.history()).toEqual([]);
    });
  });

  it('record every change: who, when, by which request, before and after', async () => {
    const tenant = await open.newTenant();
    const actor = { type: 'user', id: tenant.ownerAccount } as const;
    await runInContext({ tenant: tenant.id, actor, requestId: 'request-1' }, () =>
      open.tenancy.settings.update({ timeZone: 'Asia/Tokyo' }),
    );
    await open.clock.advance(1_000);
    await runAs({ tenant: tenant.id }, () => open.tenancy.settings.update({ mail: { footer: 'Bye' } }));
    const history = await tenant.inside(() => open.tenancy.settings.history());
    expect(history).toEqual([
      {
        version: 3,
        changedBy: null,
        requestId: null,
        changedAt: new Date(open.clock.now()).toISOString(),
        before: { timeZone: 'Asia/Tokyo' },
        after: { timeZone: 'Asia/Tokyo', mail: { footer: 'Bye' } },
      },
      {
        version: 2,
        changedBy: actor,
        requestId: 'request-1',
        changedAt: new Date(open.clock.now() - 1_000).toISOString(),
        before: {},
        after: { timeZone: 'Asia/Tokyo' },
      },
    ]);
    expect(await tenant.inside(() => open.tenancy.settings.history(1))).toEqual(history.slice(0, 1));
  });

  it('keep their history: nobody changes or removes a row of it, the owner of the database included', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(() => open.tenancy.settings.update({ maxOrders: 1 }));
    for (const statement of [
      sql`update tenant_settings_history set after = '{}'`,
      sql`delete from tenant_settings_history`,
      sql`truncate tenant_settings_history`,
    ]) {
      for (const role of [sql`set local role tenon_system`, sql`reset role`]) {
        const attempt = open.test.database.withSystem('tamper', async (tx) => {
          await role.execute(tx);
          await statement.execute(tx);
        });
        expect(await codeOf(attempt)).toBe('DATABASE_ACCESS_DENIED');
      }
    }
  });

  it('refuse an outdated version, and let one of several win that expect the same', async () => {
    const tenant = await open.newTenant();
    const update = (maxOrders: number) => tenant.inside(() => open.tenancy.settings.update({ maxOrders }, 1));
    const outcomes = await Promise.all([1, 2, 3, 4].map((maxOrders) => codeOf(update(maxOrders))));
    expect(outcomes.filter((code) => code === 'none')).toHaveLength(1);
    await expect(update(5)).rejects.toMatchObject({
      code: 'TENANT_SETTINGS_VERSION_CONFLICT',
      details: { expected: 1, actual: 2 },
    });
  });

  it('merge updates that are made at once', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(() =>
      Promise.all([
        open.tenancy.settings.update({ timeZone: 'Asia/Tokyo' }),
        open.tenancy.settings.update({ maxOrders: 7 }),
        open.tenancy.settings.update({ mail: { footer: 'x' } }),
      ]),
    );
    const expected = { values: { timeZone: 'Asia/Tokyo', maxOrders: 7, mail: { footer: 'x' } }, version: 4 };
    expect(await tenant.inside(() => open.tenancy.settings.get())).toEqual(expected);
  });

  it('are remembered per tenant, and another process sees a change after cacheTtlMs at the latest', async () => {
    const [tenant, other] = [await open.newTenant(), await open.newTenant()];
    const second = open.another();
    const read = () => tenant.inside(async () => (await second.settings.get()).values.maxOrders);
    expect(await read()).toBe(100);
    await tenant.inside(() => open.tenancy.settings.update({ maxOrders: 7 }));
    expect(await tenant.inside(async () => (await open.tenancy.settings.get()).values.maxOrders)).toBe(7);
    expect(await other.inside(async () => (await open.tenancy.settings.get()).values.maxOrders)).toBe(100);
    expect(await read()).toBe(100);
    await open.clock.advance(1_000);
    expect(await read()).toBe(7);
  });

  it('follow new defaults where the tenant has set nothing, and say when what is stored no longer fits', async () => {
    const tenant = await open.newTenant();
    await tenant.inside(() => open.tenancy.settings.update({ maxOrders: 7 }));
    const defaults = { ...settingsDefinition.defaults, maxOrders: 500, timeZone: 'Europe/Paris' };
    const next = open.another({ settings: { ...settingsDefinition, defaults } });
    expect((await tenant.inside(() => next.settings.get())).values).toMatchObject({
      maxOrders: 7,
      timeZone: 'Europe/Paris',
    });
    const problem = { path: '/maxOrders', code: 'out_of_range', message: 'must be at least 10' };
    const strict = open.another({
      settings: {
        ...settingsDefinition,
        parse: (input) => ((input as Settings).maxOrders < 10 ? err([problem]) : ok(input as Settings)),
      },
    });
    expect(await codeOf(tenant.inside(() => strict.settings.get()))).toBe('TENANT_SETTINGS_INVALID');
    expect(await codeOf(tenant.inside(() => strict.settings.update({ maxOrders: 10 })))).toBe('none');
  });

  it('need a tenant that exists', async () => {
    const { settings } = open.tenancy;
    expect(await codeOf(Promise.resolve().then(() => settings.get()))).toBe('TENANT_REQUIRED');
    await runAs({ tenant: 'nowhere' }, async () => {
      expect(await codeOf(settings.get())).toBe('TENANT_NOT_FOUND');
      expect(await codeOf(settings.update({ maxOrders: 1 }))).toBe('TENANT_NOT_FOUND');
    });
  });

  it('are typed: a setting of the wrong type, or an unknown one, does not compile', () => {
    const { settings } = open.tenancy;
    expectTypeOf(settings).toEqualTypeOf<TenantConfig<Settings>>();
    expectTypeOf<Parameters<typeof settings.update>[0]>().toEqualTypeOf<Partial<Settings>>();
    // @ts-expect-error: maxOrders is a number
    expect(() => void ((): unknown => settings.update({ maxOrders: 'many' }))).not.toThrow();
    // @ts-expect-error: defaults lack maxOrders and mail
    const broken = (): unknown => open.another({ settings: { ...settingsDefinition, defaults: { timeZone: 'UTC' } } });
    expect(broken).toBeTypeOf('function');
  });

  it('refuse defaults that do not pass their own check', () => {
    const settings = { ...settingsDefinition, defaults: { ...settingsDefinition.defaults, maxOrders: 0.5 } };
    expect(() => createTenancy({ database: open.test.database, settings })).toThrow(
      expect.objectContaining({ code: 'TENANCY_OPTIONS_INVALID' }),
    );
  });
});

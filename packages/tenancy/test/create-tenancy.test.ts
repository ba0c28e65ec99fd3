import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDrivers } from '@tenon/database/testing';
import { createTenancy, tenancyMigrations, type TenancyOptions } from '@tenon/tenancy';
import { openTenancy, settingsDefinition, type OpenTenancy, type Settings } from './open-tenancy.ts';

describe.each(describeDrivers())('making the service on %s', (driver) => {
  let open: OpenTenancy;
  beforeAll(async () => {
    open = await openTenancy(driver);
  });
  afterAll(() => open.test.drop());

  it('takes ids from newId', async () => {
    let count = 0;
    const tenancy = open.another({ newId: () => `id-${(count += 1)}` });
    const owner = { accountId: 'account', email: 'a@b.example', name: 'A' };
    const created = await tenancy.tenants.create({ name: 'Named', owner });
    expect([created.tenant.id, created.owner.id]).toEqual(['id-1', 'id-2']);
  });

  it('works with its defaults: the machine clock, UUIDv7, no log', async () => {
    const tenancy = createTenancy({ database: open.test.database, settings: settingsDefinition });
    const before = Date.now();
    const owner = { accountId: 'account', email: 'a@b.example', name: 'A' };
    const { tenant } = await tenancy.tenants.create({ name: 'Plain', owner });
    expect(tenant.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(Date.parse(tenant.createdAt)).toBeGreaterThanOrEqual(before);
  });

  it('refuses options out of their range, by name', () => {
    const wrong: readonly Partial<TenancyOptions<Settings>>[] = [
      { cacheTtlMs: -1 },
      { cacheTtlMs: 60_001 },
      { cacheTtlMs: 0.5 },
      { cacheMaxEntries: 0 },
      { cacheMaxEntries: 1_000_001 },
    ];
    for (const options of wrong) {
      const [name = ''] = Object.keys(options);
      expect(() => open.another(options)).toThrow(expect.objectContaining({ code: 'TENANCY_OPTIONS_INVALID' }));
      expect(() => open.another(options)).toThrow(name);
    }
    expect(() => open.another({ cacheTtlMs: 60_000, cacheMaxEntries: 1_000_000 })).not.toThrow();
  });

  it('brings its migrations, numbered, and applies them once', async () => {
    const set = tenancyMigrations();
    expect(set.name).toBe('tenancy');
    expect(set.migrations.map(({ version }) => version)).toEqual(set.migrations.map((_, index) => index + 1));
    expect((await open.test.database.migrate([set])).applied).toEqual([]);
  });
});

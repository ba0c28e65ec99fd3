import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, problemsOf } from '../support/client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

describe.each(describeDrivers())('the tenant itself, on %s', (driver) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(driver);
  });
  afterAll(() => server.stop());

  it('is shown with a tag, and not sent again to whoever has it', async () => {
    const { owner, id } = await server.newTenant();
    const answer = await owner.get('/v1/tenant');
    expect(answer.body).toEqual({
      id,
      name: 'A tenant',
      status: 'active',
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
      version: 1,
    });
    expect(answer.headers.get('etag')).toBe('"v1"');
    expect((await owner.get('/v1/tenant', { 'if-none-match': '"v1"' })).status).toBe(304);
  });

  it('is renamed in the version that was seen', async () => {
    const { owner } = await server.newTenant();
    const answer = await owner.patch('/v1/tenant', { name: ' Müller & Söhne ' }, { 'if-match': '"v1"' });
    expect(answer.body).toMatchObject({ name: 'Müller & Söhne', version: 2 });
    const conflict = await owner.patch('/v1/tenant', { name: 'Too late' }, { 'if-match': '"v1"' });
    expect([conflict.status, problemOf(conflict).code]).toEqual([409, 'TENANT_VERSION_CONFLICT']);
    expect((await owner.get('/auth/me')).body).toMatchObject({ tenants: [{ name: 'Müller & Söhne' }] });
  });

  it.each([{}, { name: '' }, { name: 7 }, { name: 'a\nb' }, { name: 'x', status: 'suspended' }])(
    'is not changed by %j',
    async (body) => {
      const { owner } = await server.newTenant();
      const answer = await owner.patch('/v1/tenant', body);
      expect(answer.status).toBe(422);
      expect(problemOf(answer).errors?.length).toBeGreaterThan(0);
      expect((await owner.get('/v1/tenant')).body).toMatchObject({ name: 'A tenant', status: 'active', version: 1 });
    },
  );

  it('has settings, with defaults until they are changed', async () => {
    const { owner } = await server.newTenant();
    const before = await owner.get('/v1/tenant/settings');
    expect(before.body).toEqual({
      values: { defaultCurrency: 'USD', lowStockLevel: 10, language: 'en' },
      version: expect.any(Number),
    });
    const tag = before.headers.get('etag') ?? '';
    const changed = await owner.patch('/v1/tenant/settings', { language: 'pt-BR' }, { 'if-match': tag });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ values: { defaultCurrency: 'USD', lowStockLevel: 10, language: 'pt-BR' } });
    expect(changed.headers.get('etag')).not.toBe(tag);
    expect((await owner.get('/v1/tenant/settings')).body).toEqual(changed.body);
    const conflict = await owner.patch('/v1/tenant/settings', { language: 'de' }, { 'if-match': tag });
    expect([conflict.status, problemOf(conflict).code]).toEqual([409, 'TENANT_SETTINGS_VERSION_CONFLICT']);
  });

  it('keeps its settings to itself', async () => {
    const [one, other] = [await server.newTenant(), await server.newTenant()];
    await one.owner.patch('/v1/tenant/settings', { lowStockLevel: 3 });
    expect((await other.owner.get('/v1/tenant/settings')).body).toMatchObject({ values: { lowStockLevel: 10 } });
  });

  it('names all that is wrong with settings at once', async () => {
    const { owner } = await server.newTenant();
    const answer = await owner.patch('/v1/tenant/settings', {
      lowStockLevel: -1,
      language: 'english',
      defaultCurrency: 'euro',
      theme: 'dark',
    });
    expect(answer.status).toBe(422);
    expect(Object.keys(problemsOf(answer)).toSorted()).toEqual([
      '/defaultCurrency',
      '/language',
      '/lowStockLevel',
      '/theme',
    ]);
  });

  it('shows its quotas', async () => {
    const tenant = await server.newTenant();
    expect((await tenant.owner.get('/v1/tenant/quotas')).body).toEqual({ items: [] });
    await tenant.run(() => server.services.tenancy.quotas.set('users', 5));
    expect((await tenant.owner.get('/v1/tenant/quotas')).body).toEqual({ items: [{ name: 'users', max: 5, used: 1 }] });
  });
});

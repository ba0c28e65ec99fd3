import { newId } from '@tenon/core';
import { describeDrivers } from '@tenon/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, problemsOf } from '../support/client.ts';
import { startTestServer, type TestPerson, type TestServer, type TestTenant } from '../support/test-server.ts';

interface ApiKey {
  readonly id: string;
  readonly prefix: string;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

describe.each(describeDrivers())('API keys over HTTP, on %s', (driver) => {
  let server: TestServer;
  let tenant: TestTenant;
  let owner: TestPerson;

  beforeAll(async () => {
    server = await startTestServer(driver);
    tenant = await server.newTenant();
    ({ owner } = tenant);
  });
  afterAll(() => server.stop());

  const create = async (body: object = {}): Promise<{ key: string; apiKey: ApiKey }> => {
    const answer = await owner.post('/v1/api-keys', { name: 'import', scopes: ['products:read'], ...body });
    expect(answer.status, answer.text).toBe(201);
    return answer.as<{ key: string; apiKey: ApiKey }>();
  };
  const sendWith = (key: string) => server.anybody.get('/v1/products', { authorization: `Bearer ${key}` });

  it('are shown in full this once', async () => {
    const answer = await owner.post('/v1/api-keys', { name: 'import', scopes: ['products:read', 'orders:read'] });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { key, apiKey } = answer.as<{ key: string; apiKey: ApiKey }>();
    expect(answer.headers.get('location')).toBe(`/v1/api-keys/${apiKey.id}`);
    expect(key.startsWith(`tnk_${apiKey.prefix}_`)).toBe(true);
    expect(apiKey).toEqual({
      id: expect.any(String),
      name: 'import',
      prefix: expect.stringMatching(/^.{8}$/),
      scopes: ['products:read', 'orders:read'],
      createdBy: owner.accountId,
      createdAt: expect.stringMatching(/Z$/),
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
    });
    const list = await owner.get('/v1/api-keys');
    expect(list.as<{ items: ApiKey[] }>().items[0]).toEqual(apiKey);
    expect(list.text).not.toContain(key);
    const one = await owner.get(`/v1/api-keys/${apiKey.id}`);
    expect([one.status, one.as<ApiKey>()]).toEqual([200, apiKey]);
    expect(JSON.stringify(server.log)).not.toContain(key);
  });

  it('are listed in pages', async () => {
    for (let count = 0; count < 3; count += 1) await create();
    const first = (await owner.get('/v1/api-keys?limit=2')).as<{ items: ApiKey[]; nextCursor: string }>();
    const second = (await owner.get(`/v1/api-keys?limit=2&cursor=${first.nextCursor}`)).as<{ items: ApiKey[] }>();
    const { items } = (await owner.get('/v1/api-keys?limit=4')).as<{ items: ApiKey[] }>();
    expect([...first.items, ...second.items]).toEqual(items);
    expect((await owner.get('/v1/api-keys?limit=0')).status).toBe(422);
  });

  it('tell when they were used', async () => {
    const { key, apiKey } = await create();
    expect((await sendWith(key)).status).toBe(200);
    const { items } = (await owner.get('/v1/api-keys')).as<{ items: ApiKey[] }>();
    expect(items.find(({ id }) => id === apiKey.id)?.lastUsedAt).toEqual(expect.stringMatching(/Z$/));
  });

  it('are revoked at once, and stay in the list', async () => {
    const { key, apiKey } = await create();
    expect((await sendWith(key)).status).toBe(200);
    expect((await owner.delete(`/v1/api-keys/${apiKey.id}`)).status).toBe(204);
    const answer = await sendWith(key);
    expect([answer.status, problemOf(answer).code]).toEqual([401, 'AUTH_API_KEY_INVALID']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="tenon", error="invalid_token"');
    const { items } = (await owner.get('/v1/api-keys')).as<{ items: ApiKey[] }>();
    expect(items.find(({ id }) => id === apiKey.id)?.revokedAt).toEqual(expect.stringMatching(/Z$/));
    expect((await owner.delete(`/v1/api-keys/${apiKey.id}`)).status).toBe(204);
  });

  it('end by themselves when they are told to', async () => {
    const { apiKey } = await create({ expiresAt: '2100-01-01T00:00:00Z' });
    expect(apiKey).toMatchObject({ expiresAt: '2100-01-01T00:00:00.000Z' });
    const soon = new Date(Date.now() + 1_500).toISOString();
    const { key } = await create({ expiresAt: soon });
    expect((await sendWith(key)).status).toBe(200);
    await expect.poll(async () => (await sendWith(key)).status, { timeout: 10_000, interval: 100 }).toBe(401);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(soon));
  });

  it.each(['yesterday', '', '1', '2020-01-01', '2100-13-01', '+275760-09-13T00:00:00Z', 'Jan 1, 2100', 7])(
    'cannot end at %j',
    async (expiresAt) => {
      const answer = await owner.post('/v1/api-keys', { name: 'x', scopes: ['users:read'], expiresAt });
      expect(answer.status, answer.text).toBe(422);
      expect(Object.keys(problemsOf(answer))).toEqual(['/expiresAt']);
    },
  );

  it('hold no permission that their maker does not have', async () => {
    const manager = await tenant.newApiKey(['api-keys:manage', 'products:read']);
    const same = await manager.post('/v1/api-keys', { name: 'x', scopes: ['products:read'] });
    expect(same.status).toBe(201);
    const more = await manager.post('/v1/api-keys', { name: 'x', scopes: ['products:read', 'orders:manage'] });
    expect([more.status, problemOf(more).code]).toEqual([403, 'AUTH_SCOPE_NOT_GRANTED']);
    const admin = await tenant.newPerson('admin');
    const own = await admin.post('/v1/api-keys', { name: 'x', scopes: ['tenant:own'] });
    expect(own.status).toBe(403);
  });

  it.each([
    ['no permission', { scopes: [] }],
    ['an unknown permission', { scopes: ['everything'] }],
    ['a permission twice', { scopes: ['users:read', 'users:read'] }],
    ['a wild card', { scopes: ['*'] }],
    ['no name', { name: '' }],
    ['a name of white space', { name: '  ' }],
    ['a name with a line break', { name: 'a\nb' }],
    ['a field that is not known', { secret: 'mine' }],
  ])('are refused with %s', async (_, change) => {
    const answer = await owner.post('/v1/api-keys', { name: 'x', scopes: ['users:read'], ...change });
    expect(answer.status).toBe(422);
    expect(Object.keys(problemsOf(answer)).every((path) => path.startsWith(`/${Object.keys(change)[0]}`))).toBe(true);
  });

  it('that do not exist are missed', async () => {
    for (const id of [newId(), 'nonsense']) {
      const answer = await owner.delete(`/v1/api-keys/${id}`);
      expect([answer.status, problemOf(answer).code]).toEqual([404, 'AUTH_API_KEY_NOT_FOUND']);
    }
  });

  it.each(['tnk_', 'tnk_abcdefgh_', `tnk_abcdefgh_${'A'.repeat(43)}`, `tnk_${'A'.repeat(500)}`])(
    'that nobody made are refused: %s',
    async (key) => {
      expect((await sendWith(key)).status).toBe(401);
    },
  );
});

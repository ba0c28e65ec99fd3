import { createHash } from 'node:crypto';
import { runAs, Secret } from '@tenon/core';
import { codeOf } from '@tenon/core/testing';
import { describeDrivers } from '@tenon/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cursors,
  inTenant,
  interceptSystem,
  listKeys,
  listRequest,
  openAuth,
  thrownBy,
  type OpenAuth,
} from '../open-auth.ts';

const MINUTE = 60_000;
const UNKNOWN = '01a1fbac-b53a-76d6-b610-0d47c8a83f44';

describe.each(describeDrivers())('API keys on %s', (driver) => {
  let open: OpenAuth;
  beforeAll(async () => {
    open = await openAuth(driver);
  });
  afterAll(() => open.close());

  const make = (tenant = 'acme', input: { scopes?: readonly string[]; expiresAt?: Date } = {}) =>
    inTenant(tenant, () => open.auth.apiKeys.create({ name: 'robot', scopes: ['orders:read'], ...input }));

  it('are shown once, and say afterwards what they may do and who made them', async () => {
    const expiresAt = new Date(open.clock.now() + MINUTE);
    const { key, apiKey } = await inTenant('shown', () =>
      open.auth.apiKeys.create({ name: ' Robot ', scopes: ['orders:read', 'orders:read', 'users:*'], expiresAt }),
    );
    expect(key).toBeInstanceOf(Secret);
    expect(key.reveal()).toMatch(/^tnk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}$/);
    expect(apiKey).toEqual({
      id: expect.any(String),
      name: 'Robot',
      prefix: key.reveal().slice(4, 12),
      scopes: ['orders:read', 'users:*'],
      createdBy: 'test',
      createdAt: new Date(open.clock.now()),
      expiresAt,
      lastUsedAt: undefined,
      revokedAt: undefined,
    });
    expect(await inTenant('shown', () => listKeys(open.auth))).toEqual([apiKey]);
    expect(open.events.at(-1)).toMatchObject({
      type: 'api-key.created',
      tenantId: 'shown',
      details: { keyId: apiKey.id, prefix: apiKey.prefix },
    });
  });

  it('say whose they are, whatever tenant asks', async () => {
    const { key, apiKey } = await make();
    const claims = { tenantId: 'acme', keyId: apiKey.id, name: 'robot', scopes: ['orders:read'] };
    expect(await open.auth.apiKeys.verify(key)).toEqual(claims);
    expect(await inTenant('globex', () => open.auth.apiKeys.verify(key.reveal()))).toEqual(claims);
    expect(await open.another().apiKeys.verify(key)).toEqual(claims);
    expect(Object.isFrozen(await open.auth.apiKeys.verify(key))).toBe(true);
  });

  it('are kept as a hash alone', async () => {
    const { key } = await make();
    const { rows } = await open.test.database.withSystem('test', (tx) =>
      sql<{ text: string }>`select api_keys::text as text from api_keys`.execute(tx),
    );
    const secret = key.reveal().slice(13);
    expect(rows.some(({ text }) => text.includes(secret) || text.includes(Buffer.from(secret).toString('hex')))).toBe(
      false,
    );
  });

  it('are refused with one answer for every reason', async () => {
    const [good, revoked, expired] = [
      await make(),
      await make(),
      await make('acme', { expiresAt: new Date(open.clock.now() + 1) }),
    ];
    await inTenant('acme', () => open.auth.apiKeys.revoke(revoked.apiKey.id));
    await open.clock.advance(1);
    const text = good.key.reveal();
    const flipped = text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A');
    const texts = [
      revoked.key,
      expired.key,
      flipped,
      `${text}x`,
      text.slice(0, -1),
      text.toUpperCase(),
      '',
      'tnk_',
      `x${text}`,
      undefined,
    ];
    const errors = await Promise.all(texts.map((one) => thrownBy(open.auth.apiKeys.verify(one as string))));
    expect(new Set(errors.map((error) => JSON.stringify(error)))).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'AUTH_API_KEY_INVALID', retryable: false });
    expect(await codeOf(open.auth.apiKeys.verify(text))).toBe('none');
  });

  it('are not mixed up when two have the same prefix', async () => {
    const [one, two] = [await make('acme'), await make('globex')];
    // As if chance had made them alike: same prefix, each with the hash of its own text.
    const text = `tnk_${one.apiKey.prefix}_${two.key.reveal().slice(13)}`;
    await open.test.database.withSystem('test', async (tx) => {
      await sql`update api_keys set prefix = ${one.apiKey.prefix}, key_hash = ${createHash('sha256').update(text).digest()}
        where id = ${two.apiKey.id}`.execute(tx);
    });
    expect(await open.auth.apiKeys.verify(one.key)).toMatchObject({ tenantId: 'acme', keyId: one.apiKey.id });
    expect(await open.auth.apiKeys.verify(text)).toMatchObject({ tenantId: 'globex', keyId: two.apiKey.id });
  });

  it('end when they are revoked: at once here, within a second elsewhere; and stay so', async () => {
    const { key, apiKey } = await make();
    const other = open.another();
    await Promise.all([open.auth.apiKeys.verify(key), other.apiKeys.verify(key)]);
    await inTenant('acme', () => open.auth.apiKeys.revoke(apiKey.id));
    expect(await codeOf(open.auth.apiKeys.verify(key))).toBe('AUTH_API_KEY_INVALID');
    await open.clock.advance(999);
    expect(await codeOf(other.apiKeys.verify(key))).toBe('none');
    await open.clock.advance(1);
    expect(await codeOf(other.apiKeys.verify(key))).toBe('AUTH_API_KEY_INVALID');
    const revokedAt = new Date(open.clock.now() - 1_000);
    await inTenant('acme', () => open.auth.apiKeys.revoke(apiKey.id));
    const listed = await inTenant('acme', () => listKeys(open.auth));
    expect(listed.find(({ id }) => id === apiKey.id)?.revokedAt).toEqual(revokedAt);
    const events = open.events.filter((one) => one.type === 'api-key.revoked' && one.details['keyId'] === apiKey.id);
    expect(events).toHaveLength(1);
  });

  it('of another tenant look like missing ones', async () => {
    const { apiKey } = await make('acme');
    expect((await inTenant('initech', () => listKeys(open.auth))).map(({ id }) => id)).toEqual([]);
    for (const id of [apiKey.id, UNKNOWN, 'no id\0']) {
      expect(await codeOf(inTenant('initech', () => open.auth.apiKeys.revoke(id)))).toBe('AUTH_API_KEY_NOT_FOUND');
    }
    expect(
      (await inTenant('acme', () => listKeys(open.auth))).find(({ id }) => id === apiKey.id)?.revokedAt,
    ).toBeUndefined();
  });

  it('are listed in pages, the newest first', async () => {
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      await open.clock.advance(1_000);
      made.unshift((await make('paged')).apiKey.id);
    }
    const { apiKeys } = open.auth;
    const first = await inTenant('paged', () => apiKeys.list(listRequest({ limit: '3' }), cursors));
    expect(first.hasMore).toBe(true);
    const cursor = first.nextCursor ?? '';
    const second = await inTenant('paged', () => apiKeys.list(listRequest({ limit: '3', cursor }), cursors));
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(made);
    expect(second.hasMore).toBe(false);
    const oldestFirst = await inTenant('paged', () => apiKeys.list(listRequest({ sort: 'createdAt' }), cursors));
    expect(oldestFirst.items.map(({ id }) => id)).toEqual(made.toReversed());
  });

  it('are got one by one, by their tenant alone', async () => {
    const { apiKey } = await make('acme');
    const get = (tenant: string, id: string) => inTenant(tenant, () => open.auth.apiKeys.get(id));
    expect(await get('acme', apiKey.id)).toEqual(apiKey);
    for (const [tenant, id] of [
      ['initech', apiKey.id],
      ['acme', UNKNOWN],
      ['acme', 'no id\0'],
    ] as const) {
      expect(await get(tenant, id)).toBeUndefined();
    }
  });

  it('have an owner that can be asked for in no tenant at all', async () => {
    const { apiKey } = await make('acme');
    expect(await inTenant('initech', () => open.auth.apiKeys.ownerOf(apiKey.id))).toBe('acme');
    expect(await open.auth.apiKeys.ownerOf(apiKey.id)).toBe('acme');
    expect(await open.auth.apiKeys.ownerOf(UNKNOWN)).toBeUndefined();
    expect(await open.auth.apiKeys.ownerOf('no id\0')).toBeUndefined();
  });

  it('need a tenant to be made, listed and revoked in', async () => {
    expect(await codeOf(open.auth.apiKeys.create({ name: 'x', scopes: ['a'] }))).toBe('TENANT_REQUIRED');
    expect(await codeOf(listKeys(open.auth))).toBe('TENANT_REQUIRED');
    expect(await codeOf(open.auth.apiKeys.get(UNKNOWN))).toBe('TENANT_REQUIRED');
    expect(await codeOf(open.auth.apiKeys.revoke(UNKNOWN))).toBe('TENANT_REQUIRED');
  });

  it('expire to the millisecond, remembered or not', async () => {
    const { key } = await make('acme', { expiresAt: new Date(open.clock.now() + 500) });
    await open.clock.advance(499);
    expect(await codeOf(open.auth.apiKeys.verify(key))).toBe('none');
    await open.clock.advance(1);
    expect(await codeOf(open.auth.apiKeys.verify(key))).toBe('AUTH_API_KEY_INVALID');
  });

  it('tell when they were last used, written once a minute at most', async () => {
    const { key, apiKey } = await make('used');
    const lastUsedAt = async (): Promise<Date | undefined> =>
      (await inTenant('used', () => listKeys(open.auth)))[0]?.lastUsedAt;
    const writes = open.transactions('api-key-use');
    const firstMs = open.clock.now();
    await Promise.all(Array.from({ length: 10 }, () => open.auth.apiKeys.verify(key)));
    for (let second = 0; second < 59; second += 1) {
      await open.clock.advance(1_000);
      await open.auth.apiKeys.verify(key);
    }
    expect(await lastUsedAt()).toEqual(new Date(firstMs));
    expect(open.transactions('api-key-use')).toBe(writes + 1);
    await open.clock.advance(1_000);
    await open.auth.apiKeys.verify(key);
    expect(await lastUsedAt()).toEqual(new Date(firstMs + MINUTE));
    expect(open.transactions('api-key-use')).toBe(writes + 2);
    expect(apiKey.lastUsedAt).toBeUndefined();
  });

  it('are good although their use cannot be written', async () => {
    const { key } = await make();
    const database = interceptSystem(open.test.database, (purpose, run) =>
      purpose === 'api-key-use' ? Promise.reject(new Error('read only')) : run(),
    );
    const auth = open.another({ database });
    expect(await codeOf(auth.apiKeys.verify(key))).toBe('none');
    expect(open.log.at(-1)).toMatchObject({ level: 'warn' });
  });

  it('are looked up once a second, however many requests there are', async () => {
    const { key } = await make();
    await open.auth.apiKeys.verify(key);
    await open.clock.advance(1_000);
    const before = open.transactions('api-key-check');
    await Promise.all(Array.from({ length: 50 }, () => open.auth.apiKeys.verify(key)));
    expect(open.transactions('api-key-check')).toBe(before + 1);
  });

  it('can do no more than who makes them', async () => {
    const create = (scopes: readonly string[], own?: readonly string[]) =>
      inTenant('acme', () => open.auth.apiKeys.create({ name: 'x', scopes }), own);
    const error = await thrownBy(create(['orders:read', 'users:write', 'orders:write'], ['orders:read']));
    expect(error).toMatchObject({
      code: 'AUTH_SCOPE_NOT_GRANTED',
      details: { scopes: ['users:write', 'orders:write'] },
    });
    expect(await codeOf(create(['orders:read'], ['orders:read', 'users:write']))).toBe('none');
    expect(await codeOf(create(['orders:read'], []))).toBe('AUTH_SCOPE_NOT_GRANTED');
    expect(await codeOf(create(['*'], ['orders:read']))).toBe('AUTH_SCOPE_NOT_GRANTED');
    // Nobody in particular has no scopes.
    const nobody = runAs({ tenant: 'acme' }, () => open.auth.apiKeys.create({ name: 'x', scopes: ['orders:read'] }));
    expect(await codeOf(nobody)).toBe('AUTH_SCOPE_NOT_GRANTED');
  });

  it('are refused with all problems at once', async () => {
    const input = { name: ' ', scopes: ['Has Blank'], expiresAt: new Date(open.clock.now()) };
    const error = await thrownBy(inTenant('acme', () => open.auth.apiKeys.create(input)));
    expect(error['code']).toBe('AUTH_INPUT_INVALID');
    expect((error['details'] as { problems: readonly { path: string }[] }).problems.map(({ path }) => path)).toEqual([
      '/name',
      '/scopes',
      '/expiresAt',
    ]);
  });

  it.each([
    [[]],
    [Array.from({ length: 65 }, (_, index) => `scope-${index}`)],
    [['']],
    [['x'.repeat(65)]],
    [['ok', 7]],
    ['orders:read'],
    [undefined],
  ])('are refused with the scopes %j', async (scopes) => {
    const work = inTenant('acme', () => open.auth.apiKeys.create({ name: 'x', scopes: scopes as never }));
    expect(await codeOf(work)).toBe('AUTH_INPUT_INVALID');
  });

  it('are refused with an expiry that is no time', async () => {
    const input = { name: 'x', scopes: ['a'], expiresAt: new Date(Number.NaN) };
    expect(await codeOf(inTenant('acme', () => open.auth.apiKeys.create(input)))).toBe('AUTH_INPUT_INVALID');
  });

  it('take 64 scopes of 64 characters', async () => {
    const scopes = Array.from({ length: 64 }, (_, index) => `${index}`.padStart(64, 'x'));
    expect((await make('acme', { scopes })).apiKey.scopes).toEqual(scopes);
  });
});

import { runAs } from '@tenon/core';
import { codeOf, failureOf } from '@tenon/core/testing';
import { apiKey, basic, type CredentialFilter, type CredentialVault } from '@tenon/credentials';
import { beforeEach, describe, expect, it } from 'vitest';
import { openVault, type OpenVault } from './support/open-vault.ts';

const scope = 'org:acme';

let open: OpenVault;
let vault: CredentialVault;

beforeEach(() => {
  open = openVault();
  vault = open.vault;
});

async function idsOf(filter: CredentialFilter): Promise<readonly string[]> {
  return (await vault.list(filter)).items.map(({ id }) => id);
}

describe('a list', () => {
  it('has every credential of its scope and below, by scope and id, without opening any', async () => {
    for (const [where, id] of [
      ['org:acme/team:eng', 'b'],
      ['org:acme', 'z'],
      ['org:acme/team:eng', 'a'],
      ['org:acme/team:eng/service:api', 'c'],
      ['org:acmex', 'not-this'],
      ['org:ac', 'nor-this'],
    ] as const) {
      await vault.store({ scope: where, id }, apiKey('x'));
    }
    open.storage.reset();
    const { items, hasMore } = await vault.list({ scope });
    expect(items.map((one) => `${one.scope} ${one.id}`)).toEqual([
      'org:acme z',
      'org:acme/team:eng a',
      'org:acme/team:eng b',
      'org:acme/team:eng/service:api c',
    ]);
    expect(hasMore).toBe(false);
    expect(items[0]).not.toHaveProperty('secret');
    expect(open.storage.calls).toEqual(['list']);
  });

  it('is empty where there is nothing', async () => {
    expect(await vault.list({ scope })).toEqual({ items: [], hasMore: false });
  });

  it('is frozen, all of it', async () => {
    await vault.store({ scope, id: 'a' }, apiKey('x'), { tags: { env: 'prod' } });
    const page = await vault.list({ scope });
    expect([page, page.items, page.items[0], page.items[0]?.tags].every(Object.isFrozen)).toBe(true);
  });

  it('is filtered by tags, all of which must fit, kind, dates of creation, and end', async () => {
    const start = open.clock.now();
    const at = (ms: number): Date => new Date(start + ms);
    await vault.store({ scope, id: 'a' }, apiKey('x'), { tags: { env: 'prod', app: 'api' }, expiresAt: at(9_000) });
    await open.clock.advance(1_000);
    await vault.store({ scope, id: 'b' }, apiKey('x'), { tags: { env: 'prod' } });
    await open.clock.advance(1_000);
    await vault.store({ scope, id: 'c' }, basic('ada', 'x'), { tags: { env: 'test' }, expiresAt: at(5_000) });

    expect(await idsOf({ scope, tags: { env: 'prod' } })).toEqual(['a', 'b']);
    expect(await idsOf({ scope, tags: { env: 'prod', app: 'api' } })).toEqual(['a']);
    expect(await idsOf({ scope, tags: { env: 'PROD' } })).toEqual([]);
    expect(await idsOf({ scope, tags: { toString: 'x' } })).toEqual([]);
    expect(await idsOf({ scope, tags: {} })).toEqual(['a', 'b', 'c']);
    expect(await idsOf({ scope, kind: 'basic' })).toEqual(['c']);
    expect(await idsOf({ scope, kind: 'no-such-kind' })).toEqual([]);
    expect(await idsOf({ scope, createdFrom: at(1_000) })).toEqual(['b', 'c']);
    expect(await idsOf({ scope, createdFrom: at(1_001) })).toEqual(['c']);
    expect(await idsOf({ scope, createdTo: at(1_000) })).toEqual(['a', 'b']);
    expect(await idsOf({ scope, createdTo: at(999) })).toEqual(['a']);
    expect(await idsOf({ scope, expiresBefore: at(5_000) })).toEqual([]);
    expect(await idsOf({ scope, expiresBefore: at(5_001) })).toEqual(['c']);
    expect(await idsOf({ scope, expiresBefore: at(9_001) })).toEqual(['a', 'c']);
    expect(await idsOf({ scope, tags: { env: 'prod' }, createdFrom: at(500), kind: 'api-key' })).toEqual(['b']);
  });

  it('comes in pages that follow each other without a gap or a repetition', async () => {
    const ids = Array.from({ length: 7 }, (_, index) => `id-${index}`);
    for (const id of ids) await vault.store({ scope, id }, apiKey('x'));
    const first = await vault.list({ scope, limit: 3 });
    expect(first.hasMore).toBe(true);
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    const second = await vault.list({ scope, limit: 3, after: { scope, id: 'id-2' } });
    expect(second.items.map(({ id }) => id)).toEqual(ids.slice(3, 6));
    const third = await vault.list({ scope, limit: 3, after: { scope, id: 'id-5' } });
    expect(third).toMatchObject({ items: [{ id: 'id-6' }], hasMore: false });
  });

  it('has 100 credentials a page when it is not told otherwise, and 1,000 at most', async () => {
    await vault.storeMany(
      Array.from({ length: 1_001 }, (_, index) => ({
        reference: { scope, id: `${index}`.padStart(4, '0') },
        material: apiKey('x'),
      })),
    );
    expect((await vault.list({ scope })).items).toHaveLength(100);
    const most = await vault.list({ scope, limit: 1_000 });
    expect([most.items.length, most.hasMore]).toEqual([1_000, true]);
    const all: string[] = [];
    for await (const { id } of vault.listAll({ scope })) all.push(id);
    expect(all).toHaveLength(1_001);
    expect(new Set(all).size).toBe(1_001);
  });

  it('of all reads a page only when somebody comes to it', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await vault.store({ scope, id }, apiKey('x'));
    open.storage.reset();
    const seen: string[] = [];
    for await (const { id } of vault.listAll({ scope, limit: 2 })) {
      seen.push(id);
      if (id === 'a') break;
    }
    expect([seen, open.storage.calls]).toEqual([['a'], ['list']]);
    for await (const { id } of vault.listAll({ scope, limit: 2, kind: 'api-key' })) seen.push(id);
    expect([seen, open.storage.calls.length]).toEqual([['a', 'a', 'b', 'c', 'd'], 3]);
  });

  it('of all stays with the tenant in whose work it was begun', async () => {
    const shared = openVault({ tenant: 'none' });
    const as = <T>(tenant: string, work: () => Promise<T>): Promise<T> => runAs({ tenant }, work);
    for (const tenant of ['one', 'two']) {
      for (const id of ['a', 'b']) await as(tenant, () => shared.vault.store({ scope, id }, apiKey(tenant)));
    }
    const iterator = shared.vault.listAll({ scope, limit: 1 })[Symbol.asyncIterator]();
    await as('one', () => iterator.next());
    expect(await codeOf(as('two', () => iterator.next()))).toBe('CREDENTIAL_TENANT_MISMATCH');
  });

  it.each<[string, unknown]>([
    ['limit', { limit: 0 }],
    ['limit', { limit: 1_001 }],
    ['limit', { limit: 1.5 }],
    ['limit', { limit: '5' }],
    ['createdFrom', { createdFrom: new Date(Number.NaN) }],
    ['createdTo', { createdTo: '2026-01-01' }],
    ['expiresBefore', { expiresBefore: 5 }],
    ['tags', { tags: { a: 1 } }],
    ['tags', { tags: 'env' }],
    ['tags', { tags: { a: '\0' } }],
    ['kind', { kind: 'No Kind' }],
    ['kind', { kind: 7 }],
  ])('refuses a malformed %s: %o', async (name, filter) => {
    const failure = await failureOf(vault.list({ scope, ...(filter as CredentialFilter) }));
    expect(failure.code).toBe('CREDENTIAL_INVALID');
    expect(failure.message).toContain(name);
    const all = vault.listAll({ scope, ...(filter as CredentialFilter) })[Symbol.asyncIterator]();
    expect(await codeOf(all.next())).toBe('CREDENTIAL_INVALID');
    expect(open.storage.calls).toEqual([]);
  });

  it('refuses to go on behind what can be no credential', async () => {
    expect(await codeOf(vault.list({ scope, after: { scope: 'acme', id: 'a' } }))).toBe('CREDENTIAL_SCOPE_INVALID');
    expect(await codeOf(vault.list({ scope, after: { scope, id: '' } }))).toBe('CREDENTIAL_ID_INVALID');
  });

  it('shows nothing of another scope or tenant although the storage gives it', async () => {
    await vault.store({ scope: 'org:acme', id: 'mine' }, apiKey('x'));
    await vault.store({ scope: 'org:other', id: 'not-mine' }, apiKey('x'));
    const careless = openVault({ ring: open.ring });
    const signal = new AbortController().signal;
    const everything = await open.storage.list({ tenant: 'main', limit: 10 }, { signal });
    const foreign = { ...everything.items[0], key: { tenant: 'other', scope: 'org:acme', id: 'foreign' } };
    Object.assign(careless.storage, {
      list: async () => ({ items: [...everything.items, foreign], hasMore: false }),
    });
    const sees = openVault({ storage: careless.storage, ring: open.ring }).vault;
    expect((await sees.list({ scope })).items.map(({ id }) => id)).toEqual(['mine']);
    const ids: string[] = [];
    for await (const { id } of sees.listAll({ scope })) ids.push(id);
    expect(ids).toEqual(['mine']);
  });
});

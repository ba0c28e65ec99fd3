import { Secret } from '@tenon/core';
import { codeOf, failureOf } from '@tenon/core/testing';
import { apiKey, basic, type CredentialVault } from '@tenon/credentials';
import { beforeEach, describe, expect, it } from 'vitest';
import { openVault, type OpenVault } from './support/open-vault.ts';

const scope = 'org:acme/team:eng';
const github = { scope, id: 'github' };

let open: OpenVault;
let vault: CredentialVault;

beforeEach(() => {
  open = openVault();
  vault = open.vault;
});

const reveal = async (reference = github) => (await vault.retrieve(reference))?.secret.reveal();

describe('storing and retrieving', () => {
  it('gives back what was stored, wrapped, with what is known beside it', async () => {
    const expiresAt = new Date(open.clock.now() + 60_000);
    await vault.store(github, apiKey('ghp_1'), { expiresAt, tags: { env: 'prod' }, description: 'CI' });
    const credential = await vault.retrieve(github);
    expect(credential).toMatchObject({ ...github, kind: 'api-key', version: 1, expiresAt, tags: { env: 'prod' } });
    expect(credential?.secret).toBeInstanceOf(Secret);
    expect(credential?.secret.reveal()).toBe('ghp_1');
  });

  it('gives undefined for a credential that does not exist', async () => {
    expect(await vault.retrieve(github)).toBeUndefined();
    expect(await vault.inspect(github)).toBeUndefined();
  });

  it('takes the last of two values stored under one id', async () => {
    await vault.store(github, apiKey('first'));
    const info = await vault.store(github, apiKey('second'));
    expect(info.version).toBe(2);
    expect(await reveal()).toBe('second');
    expect((await vault.list({ scope })).items).toHaveLength(1);
  });

  it('tells what is known of a credential without opening it', async () => {
    await vault.store(github, apiKey('first'), { tags: { env: 'prod' }, description: 'CI' });
    await open.clock.advance(1_000);
    await vault.store(github, apiKey('second'));
    const createdAt = new Date(open.clock.now() - 1_000);
    expect(await vault.inspect(github)).toEqual({
      ...github,
      kind: 'api-key',
      version: 2,
      tags: { env: 'prod' },
      description: 'CI',
      policies: [],
      createdAt,
      modifiedAt: new Date(open.clock.now()),
      rotatedAt: undefined,
      rotateAfter: undefined,
      expiresAt: undefined,
      previous: [],
      needsReauthorization: false,
      keyIds: open.ring.ids,
    });
  });

  it('keeps tags, description and policies that a later store does not name, and takes those it names', async () => {
    const policies = [{ type: 'manual' }] as const;
    await vault.store(github, apiKey('1'), { tags: { a: '1' }, description: 'one', policies });
    await vault.store(github, apiKey('2'));
    expect(await vault.inspect(github)).toMatchObject({ tags: { a: '1' }, description: 'one', policies });
    await vault.store(github, apiKey('3'), { tags: {}, description: '', policies: [] });
    expect(await vault.inspect(github)).toMatchObject({ tags: {}, description: '', policies: [] });
  });

  it('does not keep the end of a value that another one has replaced', async () => {
    await vault.store(github, apiKey('1'), { expiresAt: new Date(open.clock.now() + 1) });
    await vault.store(github, apiKey('2'));
    expect((await vault.inspect(github))?.expiresAt).toBeUndefined();
  });

  it('stores options as they were when it was called, whatever the caller does to them later', async () => {
    const tags: Record<string, string> = { env: 'prod' };
    const storing = vault.store(github, apiKey('1'), { tags });
    tags['env'] = 'x'.repeat(10_000);
    await storing;
    expect((await vault.inspect(github))?.tags).toEqual({ env: 'prod' });
  });

  it('hands out nothing that a consumer can change for others', async () => {
    const cached = openVault({ build: (builder) => builder.cache({}) }).vault;
    await cached.store(github, basic('ada', 'x'), { tags: { env: 'prod' } });
    await cached.retrieve(github);
    for (const one of [await cached.retrieve(github), await cached.inspect(github)]) {
      expect(Object.isFrozen(one)).toBe(true);
      expect(() => Object.assign(one?.tags ?? {}, { env: 'changed' })).toThrow(TypeError);
    }
    expect((await cached.retrieve(github))?.tags).toEqual({ env: 'prod' });
  });
});

describe('deleting', () => {
  it('removes the credential, and says so', async () => {
    await vault.store(github, apiKey('1'));
    expect(await vault.delete(github)).toBe(true);
    expect(await vault.retrieve(github)).toBeUndefined();
    expect((await vault.list({ scope })).items).toEqual([]);
  });

  it('a second time is no error and says that there was nothing', async () => {
    await vault.store(github, apiKey('1'));
    await vault.delete(github);
    expect(await vault.delete(github)).toBe(false);
  });

  it('leaves nothing of the old one to what is stored under its id afterwards', async () => {
    await vault.store(github, apiKey('1'), { tags: { a: '1' }, description: 'old' });
    await vault.delete(github);
    await vault.store(github, apiKey('2'));
    expect(await vault.inspect(github)).toMatchObject({ version: 1, tags: {}, description: undefined });
  });
});

describe('the mode of a store', () => {
  it('create refuses to overwrite, and the old value stays', async () => {
    expect((await vault.store(github, apiKey('old'), { mode: 'create' })).version).toBe(1);
    const failure = await failureOf(vault.store(github, apiKey('new'), { mode: 'create' }));
    expect(failure).toMatchObject({ code: 'CREDENTIAL_EXISTS', retryable: false, details: github });
    expect(await reveal()).toBe('old');
  });

  it('create takes an id again once its credential is deleted', async () => {
    await vault.store(github, apiKey('old'), { mode: 'create' });
    await vault.delete(github);
    await vault.store(github, apiKey('new'), { mode: 'create' });
    expect(await reveal()).toBe('new');
  });

  it('replace refuses where there is none', async () => {
    expect(await failureOf(vault.store(github, apiKey('1'), { mode: 'replace' }))).toMatchObject({
      code: 'CREDENTIAL_NOT_FOUND',
      details: github,
    });
    expect(await vault.retrieve(github)).toBeUndefined();
    await vault.store(github, apiKey('1'));
    expect((await vault.store(github, apiKey('2'), { mode: 'replace' })).version).toBe(2);
  });

  it('replace with an expected version takes only that version', async () => {
    await vault.store(github, apiKey('1'));
    await vault.store(github, apiKey('2'));
    const stale = vault.store(github, apiKey('stale'), { mode: 'replace', expectedVersion: 1 });
    expect(await failureOf(stale)).toMatchObject({
      code: 'CREDENTIAL_VERSION_CONFLICT',
      details: { ...github, expected: 1, actual: 2 },
    });
    expect(await reveal()).toBe('2');
    await vault.store(github, apiKey('3'), { mode: 'replace', expectedVersion: 2 });
    expect(await reveal()).toBe('3');
  });

  it('upsert is what happens without one', async () => {
    await vault.store(github, apiKey('1'), { mode: 'upsert' });
    await vault.store(github, apiKey('2'), {});
    expect(await reveal()).toBe('2');
  });
});

describe('stores at the same time', () => {
  it('of the same expected version: exactly one wins, in each of 1,000 rounds', async () => {
    const { vault: quick } = openVault({ auditMode: 'none' });
    await quick.store(github, apiKey('start'));
    for (let round = 1; round <= 1_000; round += 1) {
      const options = { mode: 'replace', expectedVersion: round } as const;
      const outcomes = await Promise.all(
        ['a', 'b', 'c'].map((name) =>
          quick.store(github, apiKey(`${name}${round}`), options).then(
            () => name,
            (error: { code: string }) => error.code,
          ),
        ),
      );
      const winners = outcomes.filter((outcome) => outcome.length === 1);
      expect(winners).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'CREDENTIAL_VERSION_CONFLICT')).toHaveLength(2);
      const kept = await quick.retrieve(github);
      expect([kept?.secret.reveal(), kept?.version]).toEqual([`${winners[0]}${round}`, round + 1]);
    }
  });

  it('with create: exactly one wins', async () => {
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => codeOf(vault.store(github, apiKey(`${index}`), { mode: 'create' }))),
    );
    expect(codes.filter((code) => code === 'none')).toHaveLength(1);
    expect(codes.filter((code) => code === 'CREDENTIAL_EXISTS')).toHaveLength(19);
  });

  it('with upsert: all of twenty succeed, none is lost from the count of versions', async () => {
    const infos = await Promise.all(Array.from({ length: 20 }, (_, index) => vault.store(github, apiKey(`${index}`))));
    const versions = infos.map(({ version }) => version).toSorted((left, right) => left - right);
    expect(versions).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect((await vault.inspect(github))?.version).toBe(20);
  });

  it('that others are always faster than ends, and says that it can be tried again', async () => {
    const beFaster = async (operation: string): Promise<void> => {
      if (operation !== 'put') return;
      open.storage.before(() => undefined);
      await vault.store(github, apiKey('faster'));
      open.storage.before(beFaster);
    };
    open.storage.before(beFaster);
    expect(await failureOf(vault.store(github, apiKey('slow')))).toMatchObject({
      code: 'CREDENTIAL_CONFLICT',
      retryable: true,
      details: github,
    });
    open.storage.before(() => undefined);
    expect(await reveal()).toBe('faster');
  });
});

describe('the key of a credential is tenant, scope and id together', () => {
  it('the same id in two scopes is two credentials', async () => {
    const ops = { scope: 'org:acme/team:ops', id: 'github' };
    await vault.store(github, apiKey('of eng'));
    await vault.store(ops, apiKey('of ops'));
    expect([await reveal(), await reveal(ops)]).toEqual(['of eng', 'of ops']);
    await vault.delete(github);
    expect([await reveal(), await reveal(ops)]).toEqual([undefined, 'of ops']);
  });

  it('the same scope and id in two tenants are two credentials', async () => {
    const other = openVault({ storage: open.storage, ring: open.ring, tenant: 'other' }).vault;
    await vault.store(github, apiKey('of main'));
    expect(await other.retrieve(github)).toBeUndefined();
    await other.store(github, apiKey('of other'));
    expect(await reveal()).toBe('of main');
    expect(await other.delete(github)).toBe(true);
    expect(await reveal()).toBe('of main');
  });
});

import { codeOf, failureOf } from '@tenon/core/testing';
import { apiKey, covers, scopeProblem, type CredentialReference } from '@tenon/credentials';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openVault } from '../vault/support/open-vault.ts';

const longest = `org:${'x'.repeat(508)}`;

describe('a scope', () => {
  it.each([
    'a:b',
    'org:acme',
    'org:acme/team:eng',
    'org:acme/team:eng/service:api',
    'org:acme/team:eng/service:api/env:prod/region:eu-west_1',
    '__proto__:constructor',
    'ORG:Acme',
    longest,
    longest.slice(0, -1),
  ])('can be %s', async (scope) => {
    const { vault } = openVault();
    expect(scopeProblem(scope)).toBeUndefined();
    await vault.store({ scope, id: 'key' }, apiKey('x'));
    expect((await vault.retrieve({ scope, id: 'key' }))?.scope).toBe(scope);
    expect((await vault.list({ scope })).items).toHaveLength(1);
    expect((await vault.within(scope).list()).items).toHaveLength(1);
  });

  it.each<[unknown, string]>([
    ['', 'it is empty'],
    [`${longest}x`, 'it has 513 characters, and 512 is the most'],
    ['/org:acme', 'it begins or ends with "/"'],
    ['org:acme/', 'it begins or ends with "/"'],
    ['/', 'it begins or ends with "/"'],
    ['org:acme//team:eng', 'it has an empty segment'],
    ['acme', 'segment 1 is not of the form level:name'],
    ['org:acme/eng', 'segment 2 is not of the form level:name'],
    ['org:', 'segment 1 is not of the form level:name'],
    [':acme', 'segment 1 is not of the form level:name'],
    ['org:acme:eng', 'segment 1 is not of the form level:name'],
    ['org:acme/team:eng:x', 'segment 2 is not of the form level:name'],
    ['org:äcme', 'segment 1 is not of the form level:name'],
    ['орг:acme', 'segment 1 is not of the form level:name'],
    ['org:acme ', 'segment 1 is not of the form level:name'],
    ['org:acme\n', 'segment 1 is not of the form level:name'],
    ['org:*', 'segment 1 is not of the form level:name'],
    ['org:a|b', 'segment 1 is not of the form level:name'],
    ['org:..', 'segment 1 is not of the form level:name'],
    [7, 'it must be text'],
    [['org:acme'], 'it must be text'],
  ])('cannot be %j', async (scope, reason) => {
    const { vault, storage } = openVault();
    const reference = { scope, id: 'key' } as CredentialReference;
    expect(scopeProblem(scope)).toBe(reason);
    for (const work of [
      () => vault.store(reference, apiKey('x')),
      () => vault.retrieve(reference),
      () => vault.inspect(reference),
      () => vault.delete(reference),
      () => vault.validate(reference),
      () => vault.list({ scope: scope as string }),
      () => vault.within(scope as string),
    ]) {
      expect(await failureOf(work)).toMatchObject({ code: 'CREDENTIAL_SCOPE_INVALID', details: { reason } });
    }
    expect(storage.calls).toEqual([]);
  });

  it('covers itself and what is below it', () => {
    expect(covers('org:acme', 'org:acme')).toBe(true);
    expect(covers('org:acme', 'org:acme/team:eng')).toBe(true);
    expect(covers('org:acme', 'org:acme/team:eng/service:api')).toBe(true);
  });

  it('covers nothing above it, beside it, or whose name only begins like its own', () => {
    expect(covers('org:acme/team:eng', 'org:acme')).toBe(false);
    expect(covers('org:acme/team:eng', 'org:acme/team:ops')).toBe(false);
    expect(covers('org:ac', 'org:acme')).toBe(false);
    expect(covers('org:acme/team:en', 'org:acme/team:eng')).toBe(false);
    expect(covers('org:acme', 'org:other/org:acme')).toBe(false);
    expect(covers('org:acme', 'ORG:acme/team:eng')).toBe(false);
  });

  it('covers exactly those of which it is the first segments', () => {
    const segment = fc
      .tuple(fc.constantFrom('org', 'team'), fc.constantFrom('a', 'ac', 'acme'))
      .map((one) => one.join(':'));
    const path = fc.array(segment, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(path, path, (ancestor, child) => {
        const isAbove = ancestor.every((one, index) => child[index] === one);
        expect(covers(ancestor.join('/'), child.join('/'))).toBe(isAbove);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('an operation that names no scope', () => {
  it.each(['retrieve', 'inspect', 'delete', 'validate', 'revokePrevious', 'rollBack', 'refresh'] as const)(
    'is refused: %s',
    async (operation) => {
      const { vault, storage } = openVault();
      const failure = await failureOf(vault[operation]({ id: 'key' }));
      expect(failure.code).toBe('CREDENTIAL_SCOPE_REQUIRED');
      const named = { revokePrevious: 'revoke', rollBack: 'roll back' }[operation as string] ?? operation;
      expect(failure.details).toEqual({ operation: named });
      expect(failure.message).toContain(named);
      expect(storage.calls).toEqual([]);
    },
  );

  it('is refused with its name: store, rotate, list, clearCacheFor', async () => {
    const { vault } = openVault({ build: (builder) => builder.cache({}) });
    expect((await failureOf(vault.store({ id: 'key' }, apiKey('x')))).details).toEqual({ operation: 'store' });
    expect((await failureOf(vault.rotate({ id: 'key' }, apiKey('x')))).details).toEqual({ operation: 'rotate' });
    expect((await failureOf(vault.list())).details).toEqual({ operation: 'list' });
    expect((await failureOf(vault.listAll()[Symbol.asyncIterator]().next())).code).toBe('CREDENTIAL_SCOPE_REQUIRED');
    expect((await failureOf(() => vault.clearCacheFor({ id: 'key' }))).details).toEqual({ operation: 'clearCacheFor' });
  });

  it('works in the default scope of the vault, or that of the view', async () => {
    const { vault } = openVault({ build: (builder) => builder.defaultScope('org:acme') });
    await vault.store({ id: 'key' }, apiKey('of acme'));
    expect((await vault.retrieve({ scope: 'org:acme', id: 'key' }))?.secret.reveal()).toBe('of acme');
    expect((await vault.list()).items).toMatchObject([{ scope: 'org:acme', id: 'key' }]);
    const view = vault.within('org:acme/team:eng');
    await view.store({ id: 'key' }, apiKey('of eng'));
    expect((await view.retrieve({ id: 'key' }))?.scope).toBe('org:acme/team:eng');
    expect(await codeOf(view.retrieve({ id: 'key' }))).toBe('none');
  });
});

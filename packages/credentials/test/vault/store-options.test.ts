import type { InputProblem } from '@tenon/core';
import { codeOf, failureOf } from '@tenon/core/testing';
import { apiKey, type CredentialMaterial, type RotationPolicy, type StoreOptions } from '@tenon/credentials';
import { beforeEach, describe, expect, it } from 'vitest';
import { openVault, type OpenVault } from './support/open-vault.ts';

const reference = { scope: 'org:acme', id: 'github' };

let open: OpenVault;

beforeEach(() => {
  open = openVault();
});

const store = (options: unknown) => open.vault.store(reference, apiKey('ghp_1'), options as StoreOptions);
const tagsOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`tag-${index}`, 'value']));
const policiesOf = (count: number): readonly RotationPolicy[] =>
  Array.from({ length: count }, () => ({ type: 'manual' }) as const);

describe('the options of a store', () => {
  it.each<[string, unknown]>([
    ['no tag', { tags: {} }],
    ['49 tags', { tags: tagsOf(49) }],
    ['50 tags', { tags: tagsOf(50) }],
    ['a tag name of 1 character', { tags: { a: 'x' } }],
    ['a tag name of 127 characters', { tags: { ['n'.repeat(127)]: 'x' } }],
    ['a tag name of 128 characters', { tags: { ['n'.repeat(128)]: 'x' } }],
    ['an empty tag value', { tags: { a: '' } }],
    ['a tag value of 255 characters', { tags: { a: 'v'.repeat(255) } }],
    ['a tag value of 256 characters', { tags: { a: 'v'.repeat(256) } }],
    ['a tag called constructor', { tags: { constructor: 'x' } }],
    ['an empty description', { description: '' }],
    ['a description of 1,023 characters', { description: 'd'.repeat(1_023) }],
    ['a description of 1,024 characters', { description: 'd'.repeat(1_024) }],
    ['no policy', { policies: [] }],
    ['9 policies', { policies: policiesOf(9) }],
    ['10 policies', { policies: policiesOf(10) }],
    ['an end that has passed', { expiresAt: new Date(0) }],
    ['the last Date there is', { expiresAt: new Date(8.64e15) }],
  ])('take %s', async (_, options) => {
    await store(options);
    expect(await open.vault.inspect(reference)).toMatchObject(options as object);
  });

  it.each<[string, unknown, string]>([
    ['51 tags', { tags: tagsOf(51) }, '/tags'],
    ['a tag without a name', { tags: { '': 'x' } }, '/tags'],
    ['a tag name of 129 characters', { tags: { ['n'.repeat(129)]: 'x' } }, '/tags'],
    ['a tag value of 257 characters', { tags: { a: 'v'.repeat(257) } }, '/tags'],
    ['a tag value that is no text', { tags: { a: 1 } }, '/tags'],
    ['a tag value with NUL', { tags: { a: 'a\0' } }, '/tags'],
    ['a tag value with half a character', { tags: { a: '\ud800' } }, '/tags'],
    ['a tag called __proto__', { tags: JSON.parse('{"__proto__":"x"}') as object }, '/tags'],
    ['tags that are a list', { tags: ['a'] }, '/tags'],
    ['a description of 1,025 characters', { description: 'd'.repeat(1_025) }, '/description'],
    ['a description with NUL', { description: '\0' }, '/description'],
    ['a description that is no text', { description: 1 }, '/description'],
    ['11 policies', { policies: policiesOf(11) }, '/policies'],
    ['policies that are no list', { policies: { type: 'manual' } }, '/policies'],
    ['a policy of no type', { policies: [{ type: 'sometimes' }] }, '/policies/0'],
    ['an end that is no date', { expiresAt: '2026-01-01' }, '/expiresAt'],
    ['an end that is no valid date', { expiresAt: new Date(Number.NaN) }, '/expiresAt'],
    ['a mode that there is not', { mode: 'overwrite' }, '/mode'],
    ['version 0 expected', { mode: 'replace', expectedVersion: 0 }, '/expectedVersion'],
    ['version 1.5 expected', { mode: 'replace', expectedVersion: 1.5 }, '/expectedVersion'],
    ['a version expected without a mode', { expectedVersion: 1 }, '/expectedVersion'],
    ['a version expected with create', { mode: 'create', expectedVersion: 1 }, '/expectedVersion'],
  ])('refuse %s, and nothing is stored', async (_, options, path) => {
    const failure = await failureOf(store(options));
    expect(failure).toMatchObject({ code: 'CREDENTIAL_INVALID', details: { ...reference, problems: [{ path }] } });
    expect(open.storage.calls).toEqual([]);
  });

  it('that are wrong are told all at once', async () => {
    const failure = await failureOf(
      store({ mode: 'x', tags: { '': 'x' }, description: 5, expiresAt: 5, policies: policiesOf(11) }),
    );
    const problems = failure.details['problems'] as readonly InputProblem[];
    expect(problems.map(({ path }) => path).toSorted()).toEqual([
      '/description',
      '/expiresAt',
      '/mode',
      '/policies',
      '/tags',
    ]);
  });
});

it('a rotation refuses an end that is no date as well, and changes nothing', async () => {
  await open.vault.store(reference, apiKey('old'));
  for (const expiresAt of [new Date(Number.NaN), 'tomorrow' as never]) {
    expect(await codeOf(open.vault.rotate(reference, apiKey('new'), { expiresAt }))).toBe('CREDENTIAL_INVALID');
  }
  expect(await open.vault.inspect(reference)).toMatchObject({ version: 1, expiresAt: undefined });
});

describe('what is stored', () => {
  it.each<[string, unknown]>([
    ['a plain string', 'ghp_secret_of_a_mistake'],
    ['nothing', undefined],
    ['an object that looks like material', { kind: 'api-key', key: 'ghp_secret_of_a_mistake' }],
  ])('must be material: %s is refused without being shown', async (_, material) => {
    const failure = await failureOf(open.vault.store(reference, material as CredentialMaterial));
    expect(failure.code).toBe('CREDENTIAL_INVALID');
    expect(JSON.stringify(failure) + failure.stack).not.toContain('ghp_secret_of_a_mistake');
    expect(open.storage.calls).toEqual([]);
  });

  it('may be 65,536 characters of secret, and one more is too many', async () => {
    await open.vault.store(reference, apiKey('x'.repeat(65_536)));
    expect((await open.vault.retrieve(reference))?.secret.reveal()).toHaveLength(65_536);
    expect(await codeOf(open.vault.store(reference, apiKey('x'.repeat(65_537))))).toBe('CREDENTIAL_INVALID');
    expect(await codeOf(open.vault.store(reference, apiKey('')))).toBe('CREDENTIAL_INVALID');
  });
});

import { failureOf } from '@tenon/core/testing';
import { apiKey, isCredentialId, type CredentialReference } from '@tenon/credentials';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openVault } from '../vault/support/open-vault.ts';

const scope = 'org:acme';

describe('the id of a credential', () => {
  it.each([
    'a',
    'A',
    '0',
    '_',
    '-',
    'GitHub_token-2',
    'x'.repeat(254),
    'x'.repeat(255),
    '__proto__',
    'constructor',
    'null',
    '0190b6f0-7a4e-7c3d-9c1b-0123456789ab',
  ])('can be %s', async (id) => {
    const { vault } = openVault();
    expect(isCredentialId(id)).toBe(true);
    expect(await vault.retrieve({ scope, id })).toBeUndefined();
    await vault.store({ scope, id }, apiKey(`value of ${id}`));
    expect((await vault.retrieve({ scope, id }))?.secret.reveal()).toBe(`value of ${id}`);
    expect((await vault.list({ scope })).items.map((one) => one.id)).toEqual([id]);
    expect(await vault.delete({ scope, id })).toBe(true);
  });

  it.each<[unknown, string]>([
    ['', 'it is empty'],
    ['x'.repeat(256), 'it has 256 characters, and 255 is the most'],
    [' a', 'it may hold ASCII letters, digits, "_" and "-" alone'],
    ['a\n', 'it may hold ASCII letters, digits, "_" and "-" alone'],
    ['a/b', 'it may hold ASCII letters, digits, "_" and "-" alone'],
    ['a:b', 'it may hold ASCII letters, digits, "_" and "-" alone'],
    ['a|b', 'it may hold ASCII letters, digits, "_" and "-" alone'],
    ['..', 'it may hold ASCII letters, digits, "_" and "-" alone'],
    ['schlüssel', 'it may hold ASCII letters, digits, "_" and "-" alone'],
    ['ключ', 'it may hold ASCII letters, digits, "_" and "-" alone'],
    ['a\0', 'it may hold ASCII letters, digits, "_" and "-" alone'],
    [undefined, 'it must be text'],
    [7, 'it must be text'],
    [['a'], 'it must be text'],
  ])('cannot be %j', async (id, reason) => {
    const { vault, storage } = openVault();
    const reference = { scope, id } as CredentialReference;
    expect(isCredentialId(id)).toBe(false);
    for (const work of [
      () => vault.store(reference, apiKey('x')),
      () => vault.retrieve(reference),
      () => vault.inspect(reference),
      () => vault.delete(reference),
      () => vault.validate(reference),
      () => vault.rotate(reference, apiKey('x')),
    ]) {
      expect(await failureOf(work)).toMatchObject({ code: 'CREDENTIAL_ID_INVALID', details: { reason } });
    }
    expect(storage.calls).toEqual([]);
  });

  it('that is refused is not repeated in the message: it may be a secret in the wrong place', async () => {
    const { vault } = openVault();
    const failure = await failureOf(vault.retrieve({ scope, id: 'pass word of mine' }));
    expect(`${failure.stack}${JSON.stringify(failure)}`).not.toContain('pass word of mine');
  });

  it('tells case apart', async () => {
    const { vault } = openVault();
    await vault.store({ scope, id: 'key' }, apiKey('small'));
    expect(await vault.retrieve({ scope, id: 'KEY' })).toBeUndefined();
    await vault.store({ scope, id: 'KEY' }, apiKey('large'));
    expect((await vault.retrieve({ scope, id: 'key' }))?.secret.reveal()).toBe('small');
  });

  it('is exactly 1 to 255 ASCII letters, digits, underscores and dashes', () => {
    const character = fc.oneof(
      fc.constantFrom('a', 'z', 'A', 'Z', '0', '9', '_', '-'),
      fc.string({ minLength: 1, maxLength: 1 }),
    );
    const text = fc.array(character, { maxLength: 300 }).map((characters) => characters.join(''));
    fc.assert(
      fc.property(text, (id) => {
        const isLegal = id.length >= 1 && id.length <= 255 && !/[^A-Za-z0-9_-]/.test(id);
        expect(isCredentialId(id)).toBe(isLegal);
      }),
    );
  });
});

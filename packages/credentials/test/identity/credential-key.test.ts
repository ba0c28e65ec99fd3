import { keyText, parseKeyText, type CredentialKey } from '@tenon/credentials';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/);
const key: fc.Arbitrary<CredentialKey> = fc.record({
  tenant: name,
  scope: fc
    .array(fc.tuple(name, name), { minLength: 1, maxLength: 3 })
    .map((segments) => segments.map((one) => one.join(':')).join('/')),
  id: name,
});

it('the text of a key is read back as the same key', () => {
  fc.assert(
    fc.property(key, (one) => {
      expect(parseKeyText(keyText(one))).toEqual(one);
    }),
  );
});

it('different keys have different texts', () => {
  fc.assert(
    fc.property(key, key, (left, right) => {
      const isSame = left.tenant === right.tenant && left.scope === right.scope && left.id === right.id;
      expect(keyText(left) === keyText(right)).toBe(isSame);
    }),
  );
});

it.each([
  '',
  'main',
  'main|org:acme',
  'main|org:acme|key|more',
  '||',
  '|org:acme|key',
  'main|acme|key',
  'main|org:acme|',
  'a b|org:acme|key',
])('%j is the text of no key', (text) => {
  expect(parseKeyText(text)).toBeUndefined();
});

import { format, inspect } from 'node:util';
import { apiKey, basic, CredentialMaterial } from '@tenon/credentials';
import { expect, it } from 'vitest';

const material = basic('ada', 'hunter2');

it.each<[string, () => unknown]>([
  ['a template', () => `${material as unknown as string}!`],
  ['a concatenation', () => `x${String(material)}`],
  ['JSON', () => JSON.stringify({ material, list: [material] })],
  ['inspect', () => inspect(material)],
  ['inspect with everything shown', () => inspect({ material }, { showHidden: true, depth: 20, showProxy: true })],
  ['format', () => format('%s %j %o %O', material, material, material, material)],
  ['the message of an error', () => new Error(String(material)).stack],
  ['an error with it as the cause', () => inspect(new Error('failed', { cause: material }), { depth: 9 })],
  ['its own keys', () => JSON.stringify([Reflect.ownKeys(material), Object.entries(material)])],
  ['a copy', () => inspect(Object.assign({}, material))],
  ['a structured clone', () => inspect(structuredClone(material), { showHidden: true })],
  ['a table of its prototype', () => inspect(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(material)))],
])('material prints nothing of itself in %s', (_, show) => {
  const shown = String(show());
  expect(shown).not.toContain('hunter2');
  expect(shown).not.toContain('ada');
});

it('material names its kind, and prints as a secret', () => {
  expect(material.kind).toBe('basic');
  expect(String(material)).toBe('[secret]');
  expect(JSON.stringify({ material })).toBe('{"material":"[secret]"}');
  expect(inspect(material)).toBe("CredentialMaterial { kind: 'basic' }");
});

it('material is frozen, and a clone of it is none', () => {
  expect(Object.isFrozen(material)).toBe(true);
  expect(structuredClone(material)).not.toBeInstanceOf(CredentialMaterial);
  expect(structuredClone(apiKey('x'))).toEqual({ kind: 'api-key' });
});

import { describe, expect, it } from 'vitest';
import { checkDocComments } from '../check-doc-comments.ts';
import { writeRepository } from './repository-fixture.ts';

const kv = { 'packages/kv/package.json': { name: '@tenon/kv' } };
const check = (text: string): readonly string[] =>
  checkDocComments(writeRepository({ ...kv, 'packages/kv/src/a.ts': text })).map(({ where }) => where);

describe('checkDocComments', () => {
  it.each([
    ['a function', 'export function a(): void {}'],
    ['a class', 'export class A {}'],
    ['an interface', 'export interface A {}'],
    ['a type', 'export type A = string;'],
    ['a constant', 'export const a = 1;'],
  ])('finds %s without one', (_, text) => {
    expect(check(text)).toEqual(['packages/kv/src/a.ts:1']);
    expect(check(`// no doc comment\n${text}`)).toEqual(['packages/kv/src/a.ts:2']);
    expect(check(`/** What it is. */\n${text}`)).toEqual([]);
  });

  it('asks for none of what is not exported, or only named again', () => {
    expect(check("const a = 1;\nexport { b } from './b.ts';\nexport type { C } from './c.ts';\n")).toEqual([]);
  });

  it('takes one for a schema and the type that is derived from it', () => {
    expect(check('/** What it is. */\nexport const A = 1;\nexport type A = typeof A;')).toEqual([]);
  });
});

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../workspace.ts';

const tool = (name: string): string => join(repositoryRoot, 'node_modules', '.bin', name);

// Below the repository, so that its configuration and its installed types are found the way they are for any package.
describe('the settings of the compiler and the linter', () => {
  let folder: string;

  beforeAll(() => {
    const cache = join(repositoryRoot, 'node_modules', '.cache', 'tenon');
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, 'strictness-'));
    mkdirSync(join(folder, 'src'));
    const base = relative(folder, join(repositoryRoot, 'tsconfig.base.json'));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: base, include: ['src'] }));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (command: string, args: readonly string[], text: string): string => {
    writeFileSync(join(folder, 'src', 'sample.ts'), text);
    const { stdout, stderr } = spawnSync(tool(command), args, { cwd: folder, encoding: 'utf8' });
    return `${stdout}${stderr}`;
  };
  const compile = (text: string): string => run('tsc', ['-p', '.', '--noEmit'], text);
  const lint = (text: string): string =>
    run('oxlint', ['-c', join(repositoryRoot, '.oxlintrc.json'), '--deny-warnings', 'src/sample.ts'], text);

  it.each([
    ['an implicit any', 'export function f(a): void { void a; }', 'TS7006'],
    ['null where there is none', 'export const a: string = null;', 'TS2322'],
    ['an element that may be missing', 'export const f = (list: string[]): string => list[0];', 'TS2322'],
    ['undefined for an optional field', 'export const a: { b?: string } = { b: undefined };', 'TS2375'],
    ['an export without a type', 'export const f = () => Math.random();', 'TS9013'],
    ['syntax that is more than types', 'export enum A { B }', 'TS1294'],
  ])('the compiler refuses %s', (_, text, code) => {
    expect(compile(text)).toContain(code);
  });

  it.each([
    ['any', 'export const a: any = 1;', 'no-explicit-any'],
    ['a non-null assertion', 'export const f = (a?: string): string => a!;', 'no-non-null-assertion'],
    ['a promise that nobody waits for', 'export function f(): void {\n  Promise.resolve();\n}', 'no-floating-promises'],
    ['a default export', 'export default 1;', 'no-default-export'],
    ['console', 'console.log(1);', 'no-console'],
    [
      'a package with locks of its own',
      "import { Mutex } from 'async-mutex';\nexport const a: object = new Mutex();",
      'no-restricted-imports',
    ],
    ['a file of such a package', "export { Mutex } from 'async-mutex/lib/Mutex.js';", 'no-restricted-imports'],
    ['types of such a package', "export type { Options } from 'p-queue';", 'no-restricted-imports'],
  ])('the linter refuses %s', (_, text, rule) => {
    expect(lint(text)).toContain(rule);
  });

  it('both accept what is right', () => {
    const text = 'export const f = (list: readonly string[]): string => list[0] ?? "";\n';
    expect(compile(text)).toBe('');
    expect(lint(text)).toMatch(/0 errors/);
  });
});

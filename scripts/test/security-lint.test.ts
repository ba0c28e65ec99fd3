import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { staticChecks } from '../static-checks.ts';
import { repositoryRoot } from '../workspace.ts';

const settings = join(repositoryRoot, '.oxlintrc.security.json');
const slow = 'tenon(slow-regex)';

describe('the linter for security', () => {
  let folder: string;

  beforeAll(() => {
    const cache = join(repositoryRoot, 'node_modules', '.cache', 'tenon');
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, 'security-'));
    mkdirSync(join(folder, 'src'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const lint = (text: string): { readonly output: string; readonly status: number | null } => {
    writeFileSync(join(folder, 'src', 'sample.ts'), text);
    const oxlint = join(repositoryRoot, 'node_modules', '.bin', 'oxlint');
    const args = ['-c', settings, '--deny-warnings', 'src/sample.ts'];
    const { stdout, stderr, status } = spawnSync(oxlint, args, { cwd: folder, encoding: 'utf8' });
    return { output: `${stdout}${stderr}`, status };
  };

  it.each([
    ['a repeat within a repeat', String.raw`export const a = /^(?:\s+|x)*y/;`, slow],
    ['repeats that compete', String.raw`export const a = /^\d+\d*x$/;`, slow],
    ['such a text', String.raw`export const a = new RegExp('^(a+)+b');`, slow],
    ['such a pattern of a schema', String.raw`export const a = { pattern: '^(a+)+b$' };`, slow],
    [
      'an expression that is put together',
      'export const f = (a: string) => new RegExp(`^${a}`);',
      'non-literal-regexp',
    ],
    ['code from a text', 'export const f = (a: string): unknown => eval(a);', 'no-eval'],
    ['a function from a text', 'export const f = (a: string): unknown => new Function(a);', 'no-new-func'],
    [
      'a command line that is put together',
      "import { exec } from 'node:child_process';\nexport const f = (a: string): unknown => exec(`ls ${a}`);",
      'detect-child-process',
    ],
    ['text that reads otherwise than it runs', 'export const a = "\u202E";', 'detect-bidi-characters'],
    ['the prototype of an object', 'export const f = (a: { __proto__: object }): object => a.__proto__;', 'no-proto'],
  ])('refuses %s', (_what, text, rule) => {
    const { output, status } = lint(text);
    expect(output).toContain(rule);
    expect(status).toBe(1);
  });

  it.each([
    String.raw`export const a = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;`,
    String.raw`export const a = /^\d{4}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?$/;`,
    "export const a = new RegExp('^[a-z]+$');",
    'export const a = Math.random();',
  ])('accepts what is right: %s', (text) => {
    const { output, status } = lint(text);
    expect([status, output]).toEqual([0, expect.any(String)]);
  });

  it('is one of the checks of every run', () => {
    const commands = staticChecks.map(({ command, args }) => [command.split('/').at(-1), ...args].join(' '));
    expect(commands).toContain('oxlint --deny-warnings -c .oxlintrc.security.json');
  });
});

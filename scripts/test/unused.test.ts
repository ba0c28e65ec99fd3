import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { staticChecks } from '../static-checks.ts';
import { repositoryRoot } from '../workspace.ts';
import { writeRepository } from './repository-fixture.ts';

const kv = { name: '@tenon/kv', type: 'module', exports: { '.': './src/index.ts' } };

const clean = {
  'package.json': { name: 'fixture', private: true, workspaces: ['packages/*', 'apps/*'] },
  'knip.json': readFileSync(join(repositoryRoot, 'knip.json'), 'utf8'),
  'packages/kv/package.json': { ...kv, dependencies: { pg: '8.0.0' } },
  'packages/kv/src/index.ts': "export { connect } from './connect.ts';\n",
  'packages/kv/src/connect.ts': "import pg from 'pg';\nexport const connect = (): unknown => new pg.Client();\n",
  'packages/kv/test/connect.test.ts': "import { connect } from '../src/index.ts';\nconnect();\n",
};

/** Runs the check as every run of the tests does, with the rules of this repository, over another one. */
function check(files: Readonly<Record<string, unknown>>): { readonly code: number | null; readonly output: string } {
  const unused = staticChecks.find(({ title }) => title === 'unused code and dependencies');
  if (unused === undefined) throw new Error('there is no such check');
  const cwd = writeRepository({ ...clean, ...files });
  const { status, stdout, stderr } = spawnSync(unused.command, unused.args, { cwd, encoding: 'utf8' });
  return { code: status, output: `${stdout}${stderr}` };
}

describe('the check for what nobody uses', () => {
  it('accepts a package of which everything is used', () => {
    expect(check({})).toEqual({ code: 0, output: expect.not.stringMatching(/unused/i) });
  });

  it.each([
    [
      'a dependency',
      { 'packages/kv/package.json': { ...kv, dependencies: { pg: '8.0.0', 'left-pad': '1.3.0' } } },
      /Unused dependencies \(1\)\s+left-pad +packages\/kv\/package\.json/,
    ],
    [
      'a dependency for development',
      { 'packages/kv/package.json': { ...kv, dependencies: { pg: '8.0.0' }, devDependencies: { sinon: '1.0.0' } } },
      /Unused devDependencies \(1\)\s+sinon +packages\/kv\/package\.json/,
    ],
    [
      'a dependency of the whole repository',
      { 'package.json': { ...clean['package.json'], devDependencies: { sinon: '1.0.0' } } },
      /Unused devDependencies \(1\)\s+sinon +package\.json/,
    ],
    [
      'an export',
      { 'packages/kv/src/connect.ts': `${clean['packages/kv/src/connect.ts']}export const forgotten = 1;\n` },
      /Unused exports \(1\)\s+forgotten +packages\/kv\/src\/connect\.ts/,
    ],
    [
      'an exported type',
      { 'packages/kv/src/connect.ts': `${clean['packages/kv/src/connect.ts']}export type Forgotten = 1;\n` },
      /Unused exported types \(1\)\s+Forgotten +type +packages\/kv\/src\/connect\.ts/,
    ],
    [
      'an export that only its own file uses',
      {
        'packages/kv/src/connect.ts': `${clean['packages/kv/src/connect.ts']}export const inner = 1;\nvoid inner;\n`,
      },
      /Unused exports \(1\)\s+inner /,
    ],
    [
      'a file',
      { 'packages/kv/src/forgotten.ts': 'export {};\n' },
      /Unused files \(1\)\s+packages\/kv\/src\/forgotten\.ts/,
    ],
    [
      'a package that nothing declares',
      { 'packages/kv/src/index.ts': "import 'left-pad';\nexport { connect } from './connect.ts';\n" },
      /Unlisted dependencies \(1\)\s+left-pad +packages\/kv\/src\/index\.ts/,
    ],
  ])('refuses %s', (_, files, message) => {
    expect(check(files)).toEqual({ code: 1, output: expect.stringMatching(message) });
  });
});

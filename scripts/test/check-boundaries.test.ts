import { describe, expect, it } from 'vitest';
import { checkBoundaries } from '../check-boundaries.ts';
import { writeRepository } from './repository-fixture.ts';

const arrows = { core: [], kv: ['core'], auth: ['core', 'kv'], server: ['core', 'kv', 'auth'] };

function manifest(name: string, more: object = {}): object {
  return { name: `@tenon/${name}`, exports: { '.': './src/index.ts' }, dependencies: { '@tenon/core': '1' }, ...more };
}

const sound = {
  'packages/core/package.json': manifest('core', {
    exports: { '.': './src/index.ts', './testing': './src/testing/index.ts', './drivers/*': './src/drivers/*.ts' },
    dependencies: {},
  }),
  'packages/core/src/index.ts': `export { now } from './clock.ts';`,
  'packages/core/src/clock.ts': `import { hrtime } from 'node:process';\nexport const now = hrtime;`,
  'packages/kv/package.json': manifest('kv', {
    devDependencies: { 'fast-check': '1' },
    peerDependencies: { ioredis: '1' },
  }),
  'packages/kv/src/index.ts': `import { now } from '@tenon/core';\nimport { Redis } from 'ioredis';\nexport { now, Redis };`,
  'packages/auth/package.json': manifest('auth'),
  'packages/auth/src/index.ts': `export {};`,
  'apps/server/package.json': manifest('server'),
  'apps/server/src/index.ts': `export {};`,
};

function problemsWith(
  files: Readonly<Record<string, unknown>>,
  sharedFiles: Record<string, string> = {},
): readonly string[] {
  const root = writeRepository({ ...sound, ...files });
  const rows = { ...arrows, bench: ['core'], scripts: [] };
  return checkBoundaries({ root, arrows: rows, sharedFiles }).map(({ where, message }) => `${where} ${message}`);
}

describe('checkBoundaries', () => {
  it('finds nothing in a sound repository', () => {
    expect(problemsWith({})).toEqual([]);
  });

  it.each([
    ['a static import', `import { a } from '@tenon/auth';`],
    ['a type import', `import type { A } from '@tenon/auth';`],
    ['a re-export', `export { a } from '@tenon/auth';`],
    ['a dynamic import', `export const a = () => import('@tenon/auth');`],
    ['an import in a type', `export type A = import('@tenon/auth').A;`],
    ['import.meta.resolve', `export const a = import.meta.resolve('@tenon/auth');`],
  ])('refuses an arrow that is not in the table: %s', (_, text) => {
    expect(problemsWith({ 'packages/kv/src/store.ts': `\n${text}` })).toEqual([
      expect.stringContaining('packages/kv/src/store.ts:2 kv may not import @tenon/auth'),
    ]);
  });

  it('refuses an arrow from a test as well', () => {
    expect(problemsWith({ 'packages/core/test/a.test.ts': `import '@tenon/kv';` })).toEqual([
      expect.stringContaining('core may not import @tenon/kv'),
    ]);
  });

  it('refuses an app that a package imports', () => {
    expect(problemsWith({ 'packages/kv/src/store.ts': `import '@tenon/server';` })).toEqual([
      expect.stringContaining('kv may not import @tenon/server'),
    ]);
  });

  it('refuses a dependency that the table does not allow, even when nothing imports it yet', () => {
    const problems = problemsWith({
      'packages/kv/package.json': manifest('kv', { peerDependencies: { '@tenon/auth': '1', ioredis: '1' } }),
    });
    expect(problems).toEqual([expect.stringContaining('packages/kv/package.json depends on @tenon/auth')]);
  });

  it.each([
    ['../../core/src/clock.ts', 'leaves packages/kv'],
    ['../test/fake.ts', 'leaves src'],
    ['./index.ts', 'an index is for other packages'],
    ['@tenon/kv', 'imports its own package by name'],
    ['@tenon/core/src/clock.ts', 'is not in the exports of @tenon/core'],
    ['@tenon/core/drivers/', 'is not in the exports of @tenon/core'],
    ['/srv/core.ts', 'an absolute path'],
    ['https://example.com/core.ts', 'an absolute path or URL'],
    ['fs', 'write "node:fs"'],
    ['lodash', 'imports lodash, which packages/kv/package.json does not declare'],
    ['@scope/name/deep/path', 'imports @scope/name, which'],
    ['fast-check', 'imports fast-check, which'],
    ['vitest', 'imports vitest, which'],
  ])('refuses %s in src', (specifier, message) => {
    expect(problemsWith({ 'packages/kv/src/store.ts': `import '${specifier}';` })).toEqual([
      expect.stringContaining(message),
    ]);
  });

  it.each(['@tenon/core/testing', '@tenon/core/drivers/disk', 'ioredis/lib', 'node:fs/promises'])(
    'allows %s in src',
    (specifier) => {
      expect(problemsWith({ 'packages/kv/src/store.ts': `import '${specifier}';` })).toEqual([]);
    },
  );

  it('refuses a workspace that is allowed but not declared', () => {
    expect(problemsWith({ 'packages/auth/src/store.ts': `import '@tenon/kv';` })).toEqual([
      expect.stringContaining('imports @tenon/kv, which packages/auth/package.json does not declare'),
    ]);
  });

  it('refuses a computed import in src, where it cannot be checked, and allows it in a test', () => {
    const text = `export const load = (name: string) => import(name);`;
    expect(problemsWith({ 'packages/kv/src/load.ts': text })).toEqual([
      expect.stringContaining('computed at run time'),
    ]);
    expect(problemsWith({ 'packages/kv/test/load.test.ts': text })).toEqual([]);
  });

  it('lets tests use development dependencies of the package and of the root, their package by name, and listed files', () => {
    const lines = ['vitest', 'fast-check', '@tenon/kv', '../src/index.ts', '../../../scripts/services/redis.ts'];
    const test = { 'packages/kv/test/a.test.ts': lines.map((line) => `import '${line}';`).join('\n') };
    expect(problemsWith(test, { 'scripts/services/redis.ts': 'for fault tests' })).toEqual([]);
    expect(problemsWith(test)).toEqual([expect.stringContaining('leaves packages/kv')]);
  });

  it('lets tests use an arrow for tests, and lets neither src nor its dependencies', () => {
    const check = (path: string, list: string): readonly string[] => {
      const files = {
        'packages/auth/package.json': manifest('auth', { [list]: { '@tenon/kv': '1' } }),
        'packages/auth/src/index.ts': '',
        [path]: `import '@tenon/kv';`,
      };
      const rows = { ...arrows, auth: ['core'], bench: [], scripts: [] };
      const root = writeRepository({ ...sound, ...files });
      const problems = checkBoundaries({
        root,
        arrows: rows,
        testArrows: { auth: { kv: 'its tables' } },
        sharedFiles: {},
      });
      return problems.map((one) => one.message);
    };
    expect(check('packages/auth/test/a.test.ts', 'devDependencies')).toEqual([]);
    expect(check('packages/auth/src/a.ts', 'devDependencies')).toEqual([expect.stringContaining('may not import')]);
    expect(check('packages/auth/test/a.test.ts', 'peerDependencies')).toEqual([
      expect.stringContaining('depends on @tenon/kv'),
    ]);
  });

  it('does not let src use the listed files', () => {
    const problems = problemsWith(
      { 'packages/kv/src/a.ts': `import '../../../vitest.shared.ts';` },
      { 'vitest.shared.ts': 'for test projects' },
    );
    expect(problems).toEqual([expect.stringContaining('leaves packages/kv')]);
  });

  it('reads no import from comments and strings', () => {
    const text = `// import '@tenon/auth';\n/* import('@tenon/auth') */\nexport const text = "import '@tenon/auth'";`;
    expect(problemsWith({ 'packages/kv/src/store.ts': text })).toEqual([]);
  });

  it('finds a circle of files once, with its way round', () => {
    const problems = problemsWith({
      'packages/kv/src/a.ts': `import './b.ts';`,
      'packages/kv/src/b.ts': `export { c } from './c.ts';`,
      'packages/kv/src/c.ts': `export const c = () => import('./a.ts');`,
    });
    expect(problems).toEqual([
      expect.stringContaining(
        'import circle packages/kv/src/a.ts -> packages/kv/src/b.ts -> packages/kv/src/c.ts -> packages/kv/src/a.ts',
      ),
    ]);
  });

  it('finds a file that imports itself', () => {
    expect(problemsWith({ 'packages/kv/src/a.ts': `import './a.ts';` })).toEqual([
      expect.stringContaining('import circle packages/kv/src/a.ts -> packages/kv/src/a.ts'),
    ]);
  });

  it('closes no circle over erased types, but over a value import whose names are types', () => {
    const back = `import './a.ts';`;
    const a = 'packages/kv/src/a.ts';
    const b = { 'packages/kv/src/b.ts': back };
    expect(problemsWith({ ...b, [a]: `import type { B } from './b.ts';` })).toEqual([]);
    expect(problemsWith({ ...b, [a]: `export type { B } from './b.ts';` })).toEqual([]);
    expect(problemsWith({ ...b, [a]: `import { type B } from './b.ts';` })).toHaveLength(1);
  });

  it('demands a row for every package, and a package for every row', () => {
    const root = writeRepository({ ...sound, 'packages/jobs/package.json': manifest('jobs', { dependencies: {} }) });
    const problems = checkBoundaries({ root, arrows: { ...arrows, flags: [] } }).map((one) => one.message);
    expect(problems).toEqual([
      expect.stringContaining('no row for "jobs"'),
      expect.stringContaining('no row for "scripts"'),
      expect.stringContaining('no row for "bench"'),
      expect.stringContaining('"flags" stands in the table and is no package'),
    ]);
  });

  it('refuses a table that allows a circle of packages', () => {
    const root = writeRepository(sound);
    const rows = { ...arrows, core: ['auth'], bench: [], scripts: [] };
    expect(checkBoundaries({ root, arrows: rows })).toEqual([
      expect.objectContaining({ message: expect.stringContaining('the table allows a circle') }),
    ]);
  });
});

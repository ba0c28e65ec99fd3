import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as main from '@tenon/credentials';
import { describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'packages/credentials');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const settings = (file: string): { readonly include: readonly string[]; readonly references: readonly object[] } =>
  JSON.parse(read(file));
const imported = (pattern: string): ReadonlySet<string> => {
  const files = globSync(pattern, { cwd: folder }).map((file) => readFileSync(join(folder, file), 'utf8'));
  const names = files.flatMap((text) => [...text.matchAll(/ from '((?:@[^/']+\/)?[^./'][^/']*)/g)]);
  return new Set(names.map(([, name = '']) => name));
};

describe('the package', () => {
  it('gives from its root the builder, the errors, the kinds and what goes with them, and nothing else', () => {
    expect(Object.keys(main).toSorted()).toEqual([
      'CredentialMaterial',
      'apiKey',
      'basic',
      'bearer',
      'builtInKinds',
      'certificate',
      'covers',
      'credentialErrorCodes',
      'credentials',
      'database',
      'defineKind',
      'isCredentialId',
      'keyPair',
      'keyText',
      'oauth2',
      'parseKeyText',
      'rotationDue',
      'rotationRecommended',
      'scopeProblem',
      'signingKey',
      'validateCredential',
      'withCredential',
    ]);
  });

  it('has a source behind each path that it exports, of which the types and the program are built', () => {
    const { './package.json': own, ...paths } = packageJson.exports;
    expect(own).toBe('./package.json');
    for (const [path, target] of Object.entries(paths)) {
      const source = target['@tenon/source'];
      expect(existsSync(join(folder, source)), path).toBe(true);
      const built = source.replace('/src/', '/dist/').slice(0, -'.ts'.length);
      expect(target, path).toEqual({ '@tenon/source': source, types: `${built}.d.ts`, default: `${built}.js` });
    }
  });

  it('exports every driver, each of which can be imported by its name', async () => {
    const drivers = globSync('src/drivers/*.ts', { cwd: folder }).map((file) =>
      file.slice('src/'.length, -'.ts'.length),
    );
    expect(Object.keys(packageJson.exports)).toEqual(expect.arrayContaining(drivers.map((driver) => `./${driver}`)));
    for (const driver of drivers) {
      const path = `@tenon/credentials/${driver}`;
      const names = Object.keys((await import(path)) as object);
      expect(names.length, driver).toBeGreaterThan(0);
    }
  });

  it('has its sources in the build, and its tests and examples among what is run and checked', () => {
    expect(settings('packages/credentials/tsconfig.json').include).toEqual(['src']);
    expect(settings('tsconfig.json').references).toContainEqual({ path: 'packages/credentials' });
    const { include } = settings('tsconfig.tests.json');
    for (const part of ['vault/store.ts', 'cache/eviction.ts'])
      expect(existsSync(join(folder, 'src', part))).toBe(true);
    const checked = new Set(include.flatMap((pattern) => globSync(pattern, { cwd: root })));
    const ours = globSync('packages/credentials/{test,examples}/**/*.ts', { cwd: root });
    expect(ours.filter((file) => !checked.has(file))).toEqual([]);
    expect(ours.filter((file) => file.includes('/examples/') && !file.includes('/test/')).length).toBeGreaterThan(4);
    expect(ours).toContain('packages/credentials/test/package.test.ts');
  });

  it('brings its own cache, and uses every dependency that it names', () => {
    const sources = imported('src/**/*.ts');
    const { dependencies, peerDependencies, devDependencies } = packageJson;
    const used = (name: string): boolean => sources.has(name);
    expect(Object.keys({ ...dependencies, ...peerDependencies }).filter((name) => !used(name))).toEqual([]);
    expect(Object.keys(dependencies).filter((name) => /cache|lru|lfu|memo/.test(name))).toEqual([]);
    const inTests = imported('{test,src}/**/*.ts');
    const named = Object.keys(devDependencies).map((name) => name.replace('@types/', ''));
    expect(named.filter((name) => !inTests.has(name))).toEqual([]);
  });

  it('names each dependency in one exact version, which the lock file holds with a hash', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      readonly packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>>;
    };
    const { dependencies, devDependencies } = packageJson;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
      if (name.startsWith('@tenon/')) continue;
      const locked = packages[`packages/credentials/node_modules/${name}`] ?? packages[`node_modules/${name}`];
      expect([name, locked?.version, locked?.integrity?.slice(0, 7)]).toEqual([name, version, 'sha512-']);
    }
  });

  it('is formatted as the formatter would', () => {
    const formatter = join(root, 'node_modules/.bin/oxfmt');
    const { status, stdout } = spawnSync(formatter, ['--check', 'packages/credentials'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, expect.any(String)]);
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { billOfMaterials, type BillOfMaterials } from '../bill-of-materials.ts';
import { listWorkspaces, repositoryRoot } from '../workspace.ts';

interface Locked {
  readonly name?: string;
  readonly version: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

/** Licences under which the product may be given to anybody, whatever they do with it. */
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'PostgreSQL',
  'Python-2.0',
  'Unlicense',
]);

const lock = JSON.parse(readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const installed = Object.entries(lock.packages).filter(
  ([path, { dev, link }]) => path.includes('node_modules/') && dev !== true && link !== true,
);

/** As the script prints it. */
function printed(): BillOfMaterials {
  const args = ['--conditions=@tenon/source', join('scripts', 'sbom.ts')];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: repositoryRoot, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as BillOfMaterials;
}

describe('the bill of materials', () => {
  const bill = billOfMaterials(repositoryRoot);

  it('is printed by a script, the same each time', () => {
    expect(printed()).toEqual(JSON.parse(JSON.stringify(bill)));
    const { scripts } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    expect(scripts['sbom']).toBe('node scripts/bootstrap.mjs scripts/sbom.ts');
  });

  it('has every package of the lock file that is installed where the server runs, with version, licence and hash', () => {
    expect(installed.length).toBeGreaterThan(50);
    const components = new Map(bill.components.map((component) => [component['bom-ref'], component]));
    for (const [path, { name, version, integrity, license }] of installed) {
      const called = name ?? path.split('node_modules/').at(-1);
      const component = components.get(`${called}@${version}`);
      expect(component, path).toMatchObject({ name: called, version });
      const [licence] = component?.licenses ?? [];
      expect(
        [licence].map((one) => (one !== undefined && 'license' in one ? one.license.id : one?.expression)),
      ).toEqual([license]);
      const [hash] = component?.hashes ?? [];
      expect(`sha512-${Buffer.from(hash?.content ?? '', 'hex').toString('base64')}`, path).toBe(integrity);
    }
    expect(components.size).toBe(
      new Set(installed.map(([path, { name, version }]) => `${name ?? path.split('node_modules/').at(-1)}@${version}`))
        .size,
    );
  });

  it('has nothing that is needed for development alone', () => {
    for (const name of ['vitest', 'oxlint', 'eslint-plugin-security', 'scslre', 'knip']) {
      expect(bill.components.filter((component) => component.name === name)).toEqual([]);
    }
  });

  it('has every dependency that a package of the repository names', () => {
    const named = listWorkspaces(repositoryRoot).flatMap(({ manifest }) => Object.keys(manifest.dependencies ?? {}));
    const components = new Set(bill.components.map(({ name }) => name));
    const foreign = named.filter((name) => !name.startsWith('@tenon/'));
    expect(foreign.length).toBeGreaterThan(10);
    expect(foreign.filter((name) => !components.has(name))).toEqual([]);
  });

  it('names licences alone under which the product may be passed on', () => {
    const terms = (text: string): readonly string[] => text.replaceAll(/[()]/g, '').split(/ (?:OR|AND) /);
    const licences = bill.components.flatMap(({ name, licenses: [one] }) =>
      terms('license' in one ? one.license.id : one.expression).map((term) => [name, term] as const),
    );
    expect(licences.filter(([, term]) => !allowed.has(term))).toEqual([]);
  });

  it('says who needs whom, and leads from the apps to all that is required', () => {
    const dependsOn = new Map(bill.dependencies.map(({ ref, dependsOn: needed }) => [ref, needed]));
    const seen = new Set<string>();
    const visit = (ref: string): void => {
      if (seen.has(ref)) return;
      seen.add(ref);
      for (const one of dependsOn.get(ref) ?? []) visit(one);
    };
    for (const { name } of listWorkspaces(repositoryRoot)) visit(`${name}@0.1.0`);
    expect(dependsOn.get('@tenon/resources@0.1.0')).toContain('@tenon/egress@0.1.0');
    expect(seen.has('undici@7.29.0')).toBe(true);
    const required = bill.components
      .filter(({ scope }) => scope === 'required')
      .map((component) => component['bom-ref']);
    expect(required.filter((ref) => !seen.has(ref))).toEqual([]);
  });

  it('is not made of a lock file with a package without a hash', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenon-bill-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const write = (file: string, content: object): void => writeFileSync(join(folder, file), JSON.stringify(content));
    write('package.json', { name: 'x', version: '1.0.0', license: 'MIT' });
    write('package-lock.json', { packages: { '': {}, 'node_modules/a': { version: '1.0.0', license: 'MIT' } } });
    expect(() => billOfMaterials(folder)).toThrow('node_modules/a');
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One entry of package-lock.json, as far as it is needed here. */
interface LockedPackage {
  readonly name?: string;
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  /** Stands for a folder of the repository: `resolved`. */
  readonly link?: boolean;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A package that is installed where the server runs. */
export interface BillComponent {
  readonly type: 'library';
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  /** `optional`: only on some systems. */
  readonly scope: 'required' | 'optional';
  readonly purl: string;
  readonly licenses: readonly [{ readonly license: { readonly id: string } } | { readonly expression: string }];
  readonly hashes: readonly { readonly alg: 'SHA-512'; readonly content: string }[];
}

/** A software bill of materials in the form of CycloneDX 1.5. */
export interface BillOfMaterials {
  readonly $schema: string;
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.5';
  readonly version: 1;
  readonly metadata: { readonly component: Readonly<Record<string, unknown>> };
  readonly components: readonly BillComponent[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

type Lock = ReadonlyMap<string, LockedPackage>;

/**
 * What is installed with Tenon where it runs, from the lock file alone: the same lock file gives the same bill, on any machine and without a
 * network. `npm sbom --omit dev` leaves out what the root needs for development and a package at run time.
 *
 * @param root - the folder with package.json and package-lock.json
 * @throws when an entry has no version, licence or hash
 */
export function billOfMaterials(root: string): BillOfMaterials {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));
  const { packages } = read('package-lock.json') as { readonly packages: Readonly<Record<string, LockedPackage>> };
  const { version, license } = read('package.json') as { readonly version: string; readonly license: string };
  const lock: Lock = new Map(Object.entries(packages));
  const installed = [...lock].filter(([path, { dev, link }]) => path.includes('node_modules/') && !dev && !link);
  const own = [...lock].filter(([path]) => path !== '' && !path.includes('node_modules/'));
  const components = installed.map(([path, entry]) => componentOf(path, entry));
  const unique = new Map(components.map((component) => [component['bom-ref'], component]));
  const graph = [...own, ...installed].map(([path, entry]) => ({
    ref: refOf(path, entry),
    dependsOn: needs(path, entry, lock),
  }));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': `tenon@${version}`,
        name: 'tenon',
        version,
        licenses: [{ license: { id: license } }],
        components: own.map(([path, entry]) => ownComponent(path, entry)),
      },
    },
    components: [...unique.values()].toSorted(byRef),
    dependencies: mergedByRef(graph),
  };
}

const nameOf = (path: string, { name }: LockedPackage): string =>
  name ?? path.slice(path.lastIndexOf('node_modules/') + 13);
const refOf = (path: string, entry: LockedPackage): string => `${nameOf(path, entry)}@${entry.version ?? ''}`;
const byRef = (one: { readonly 'bom-ref': string }, other: { readonly 'bom-ref': string }): number =>
  one['bom-ref'] < other['bom-ref'] ? -1 : 1;

function ownComponent(path: string, entry: LockedPackage): object {
  const { version = '', license = '' } = entry;
  return {
    type: 'library',
    'bom-ref': refOf(path, entry),
    name: entry.name,
    version,
    licenses: [{ license: { id: license } }],
  };
}

function componentOf(path: string, entry: LockedPackage): BillComponent {
  const name = nameOf(path, entry);
  const { version, license, integrity, optional = false } = entry;
  if (version === undefined || license === undefined || integrity === undefined) {
    throw new Error(`"${path}" has no version, licence or hash in package-lock.json: install it anew`);
  }
  const isExpression = /[ (]/.test(license);
  return {
    type: 'library',
    'bom-ref': refOf(path, entry),
    name,
    version,
    scope: optional ? 'optional' : 'required',
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    licenses: [isExpression ? { expression: license } : { license: { id: license } }],
    hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex') }],
  };
}

/** What an entry needs of what is installed, found as Node.js finds it: in the nearest node_modules folder. */
function needs(path: string, entry: LockedPackage, lock: Lock): readonly string[] {
  const names = Object.keys({ ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies });
  return names.flatMap((name) => {
    const at = foldersOf(path)
      .map((folder) => (folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`))
      .find((one) => lock.has(one));
    const found = at === undefined ? undefined : lock.get(at);
    if (at === undefined || found === undefined || found.dev === true) return [];
    const target = found.link === true ? (found.resolved ?? '') : at;
    return [refOf(target, lock.get(target) ?? found)];
  });
}

/** A folder and those around it that may have a node_modules folder. */
function foldersOf(path: string): readonly string[] {
  if (path === '') return [''];
  return [path, ...foldersOf(path.slice(0, Math.max(0, path.lastIndexOf('node_modules/') - 1)))];
}

function mergedByRef(graph: BillOfMaterials['dependencies']): BillOfMaterials['dependencies'] {
  const merged = new Map<string, Set<string>>();
  for (const { ref, dependsOn } of graph) {
    const known = merged.get(ref) ?? new Set();
    for (const one of dependsOn) known.add(one);
    merged.set(ref, known);
  }
  return [...merged]
    .map(([ref, dependsOn]) => ({ ref, dependsOn: [...dependsOn].toSorted() }))
    .toSorted((one, other) => (one.ref < other.ref ? -1 : 1));
}
